// Starts one Redis server in a folder and waits until it serves. The server is a process group of its
// own, so the terminal's Ctrl-C reaches the coordinator only, which then lets Redis finish last. Should
// the coordinator be killed, the server stays, and orphan.ts finds it.

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { ask, serverInfo } from './connection.ts';
import { RedisError, reasonOf } from './error.ts';
import { type RedisServer, serverEnvironment } from './find.ts';
import { mendJournal } from './journal.ts';
import { stopServersOn } from './orphan.ts';
import { type EmbeddedConnection, logFileIn, settingsFileIn, writeSettings } from './settings.ts';

export type StartOptions = {
  server: RedisServer;
  /** The server's own folder: journal, socket, settings, log. It exists, and no server is on it. */
  folder: string;
  connection: EmbeddedConnection;
  log: (line: string) => void;
  signal: AbortSignal;
};

/**
 * Resolves with the server's process id once its journal is loaded and it serves commands. Throws
 * `redis_start_failed`, with the reason from the server's log, when it ends before that, and
 * `redis_too_old` when it could not read the journal; throws also when the signal aborts. Whenever it
 * throws, no server is left.
 */
export async function startServer(options: StartOptions): Promise<number> {
  const { server, folder, connection } = options;
  await refuseOlderThanJournal(server, folder);
  try {
    await writeSettings(folder, connection);
    await rotateLog(folder);
    await mendJournal(folder, options.log);
    return await servingProcess(spawnServer(server, folder), options);
  } catch (cause) {
    await stopServersOn(folder);
    throw options.signal.aborted ? cause : await startFailed(server, folder, cause);
  }
}

/** Redis 7 keeps its journal in a folder that older ones do not look for: they would start empty. */
async function refuseOlderThanJournal(server: RedisServer, folder: string): Promise<void> {
  const journal = join(folder, 'appendonlydir');
  const isOlder = Number.parseInt(server.version, 10) < 7;
  if (!isOlder || (await stat(journal).catch(() => undefined)) === undefined) return;
  throw new RedisError('redis_too_old', {
    what: `Redis ${server.version} cannot read the journal in ${folder}`,
    why: `Redis 7 or newer wrote it; ${server.program} would start empty`,
    doThis: 'Put a Redis 7 or newer (or Valkey) on PATH',
  });
}

function spawnServer(server: RedisServer, folder: string): ChildProcess {
  const log = openSync(logFileIn(folder), 'a', 0o600); // for what it says before it reads its settings
  try {
    return spawn(server.program, [settingsFileIn(folder)], {
      cwd: folder, // how orphan.ts recognises it
      env: serverEnvironment(server),
      detached: true,
      stdio: ['ignore', log, log], // never our terminal or pipe, which it may outlive
    });
  } finally {
    closeSync(log);
  }
}

/** The journal of a large grid replays at some 50 MB a second: half an hour is 90 GB. */
const LOADING_MS_MAX = 30 * 60_000;
/** From start to the first answer: 30 s is a machine that swaps; it took 15 ms on a laptop. */
const FIRST_ANSWER_MS_MAX = 30_000;
const POLL_MS = 10;
const PROGRESS_EVERY_MS = 5_000;

async function servingProcess(child: ChildProcess, options: StartOptions): Promise<number> {
  const { connection, log, signal } = options;
  let endReason: string | undefined;
  child.once('error', (error) => {
    endReason = reasonOf(error);
  });
  child.once('exit', (code, killedBy) => {
    endReason = `it ended with ${killedBy ?? `code ${code}`}`;
  });
  // The coordinator lives as long as its own connections, not as long as this handle.
  child.unref();

  const started = performance.now();
  let deadline = started + FIRST_ANSWER_MS_MAX;
  let nextProgress = started + PROGRESS_EVERY_MS;
  while (performance.now() < deadline) {
    signal.throwIfAborted();
    if (endReason !== undefined) throw new Error(endReason);
    const info = await ask(connection, serverInfo).catch(() => undefined); // does not listen yet
    if (info !== undefined && info.pid === child.pid) {
      if (!info.loading) return info.pid;
      deadline = started + LOADING_MS_MAX;
      if (performance.now() > nextProgress) {
        log(`Redis loads its journal: ${Math.floor(info.loadedPercent)} %`);
        nextProgress += PROGRESS_EVERY_MS;
      }
    }
    await wait(POLL_MS);
  }
  throw new Error('it did not serve in time');
}

async function startFailed(server: RedisServer, folder: string, cause: unknown) {
  const lines = (await readFile(logFileIn(folder), 'utf8').catch(() => '')).trim().split('\n');
  const lastLine = lines.at(-1)?.replace(/^\d+:\w (\d+ \w+ \d+ [\d:.]+ )?\S /, '');
  return new RedisError(
    'redis_start_failed',
    {
      what: `Redis does not start in ${folder}`,
      why: `${reasonOf(cause)}${lastLine ? `; its last words: ${lastLine}` : ''}`,
      doThis: `Read ${logFileIn(folder)}; the program is ${server.program} (${server.version})`,
    },
    { cause },
  );
}

/** 1 MiB: months of an ordinary Redis's log, and one older file beside it. */
const LOG_BYTES_MAX = 1024 * 1024;

async function rotateLog(folder: string): Promise<void> {
  const file = logFileIn(folder);
  const found = await stat(file).catch(() => undefined); // the first start has none
  if (found !== undefined && found.size > LOG_BYTES_MAX) await rename(file, `${file}.old`);
}

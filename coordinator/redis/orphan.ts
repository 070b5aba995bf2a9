// Who serves this folder? A coordinator that is killed leaves its Redis behind, and that is good: the
// next one takes it over and starts without replaying the journal. But two Redis servers on one journal
// would destroy it, so before a server is started every other one on the folder is found and stopped.
//
// A server is ours when it answers where the folder's settings say and names the very settings file of
// the folder. One that does not answer (hung, or its socket was removed) is found among the processes:
// it is a Redis by name and works in our folder. No process id is ever read from a file, so a reused id
// cannot lead us to a stranger's process.

import { execFile } from 'node:child_process';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ask, type ServerInfo, serverInfo } from './connection.ts';
import { RedisError } from './error.ts';
import { type EmbeddedConnection, lastConnection, settingsFileIn } from './settings.ts';

/** A Redis that serves the folder and answers. */
type FolderServer = { connection: EmbeddedConnection; info: ServerInfo };

export async function serverOf(folder: string): Promise<FolderServer | undefined> {
  const connection = await lastConnection(folder);
  if (connection === undefined) return undefined;
  const info = await ask(connection, serverInfo).catch(() => undefined); // nobody listens, or not to us
  if (info === undefined || info.configFile !== settingsFileIn(folder)) return undefined;
  return { connection, info };
}

/**
 * Ends every Redis on the folder except `keepPid`, in three steps of growing force, and returns when
 * none is left. Throws `redis_not_stopped` when even SIGKILL did not help.
 */
export async function stopServersOn(folder: string, keepPid?: number): Promise<void> {
  const left = async () => (await serversOn(folder)).filter((pid) => pid !== keepPid);
  if ((await left()).length === 0) return;
  const server = await serverOf(folder);
  if (server !== undefined && server.info.pid !== keepPid) {
    // NOSAVE concerns snapshots; the journal is always flushed. The reply is the closed connection.
    await ask(server.connection, (client) => client.shutdown('NOSAVE')).catch(() => undefined);
    if (await isEmptyWithin(STEP_WAIT_MS_MAX, left)) return;
  }
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    for (const pid of await left()) kill(pid, signal);
    if (await isEmptyWithin(STEP_WAIT_MS_MAX, left)) return;
  }
  throw new RedisError('redis_not_stopped', {
    what: 'A Redis does not stop',
    why: `process ${(await left()).join(', ')} on ${folder} is still there after SIGKILL`,
    doThis: 'Its disk may hang: look at the machine, or restart it',
  });
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself in this very moment, or is not ours to end: the caller looks again.
  }
}

/** A clean end flushes and fsyncs the journal's last kilobytes: milliseconds, seconds on a loaded disk. */
const STEP_WAIT_MS_MAX = 5_000;
const STEP_POLL_MS = 10;

async function isEmptyWithin(waitMs: number, left: () => Promise<number[]>): Promise<boolean> {
  const deadline = performance.now() + waitMs;
  while ((await left()).length > 0) {
    if (performance.now() > deadline) return false;
    await wait(STEP_POLL_MS);
  }
  return true;
}

/** The Redis processes of this machine that work in the folder. */
export async function serversOn(folder: string): Promise<number[]> {
  return process.platform === 'linux' ? await byWorkingFolder(folder) : await byTitle(folder);
}

/** Linux: embed.ts starts a server with the folder as its working folder, from the first instruction. */
async function byWorkingFolder(folder: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      // Gone meanwhile, or another account's: not ours.
      const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => '');
      if (cwd !== folder) return [];
      const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
      return SERVER_NAME.test(name) ? [Number(pid)] : [];
    }),
  );
  return found.flat();
}

/** Elsewhere `ps` shows the settings file in the title that settings.ts asks for. */
async function byTitle(folder: string): Promise<number[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-ww', '-o', 'pid=,command=']);
  const ours = stdout
    .split('\n')
    .filter((line) => SERVER_NAME.test(line) && line.includes(settingsFileIn(folder)));
  return ours.map((line) => Number.parseInt(line, 10)).filter((pid) => pid !== process.pid);
}

/** A person's redis-cli or shell in the folder is not a server. */
const SERVER_NAME = /\b(redis|valkey)-server\b/;

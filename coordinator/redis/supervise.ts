// Keeps one embedded Redis serving for as long as the coordinator lives: takes over the one an earlier
// run left, or starts one, and starts it again when it dies, on the same socket or port, so that every
// client simply reconnects. A connection that carries nothing tells of its death at once, for a child
// and for a server taken over alike.
//
//     takes over or starts ──► serves ──── connection lost ────► recovers ──► serves
//                                │                                 │ 5 deaths in a minute
//                                └── close() ──► stopped           └──────────► lost (onLost is told)

import { readFile, rm, statfs } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { impatientClient } from './connection.ts';
import { startServer } from './embed.ts';
import { RedisError, reasonOf } from './error.ts';
import type { RedisServer } from './find.ts';
import { serverOf, serversOn, stopServersOn } from './orphan.ts';
import {
  chooseConnection,
  type EmbeddedConnection,
  logFileIn,
  settings,
  settingsFileIn,
} from './settings.ts';
import { isNewEnough } from './version.ts';

export type SuperviseOptions = {
  server: RedisServer;
  /** Redis's own folder, inside a data folder that this process owns. */
  folder: string;
  log: (line: string) => void;
  /** Redis is gone for good; only a person can help. */
  onLost: (error: RedisError) => void;
};

export type SupervisedRedis = {
  connection: EmbeddedConnection;
  version: string;
  readonly pid: number;
  /** Stops Redis, cleanly if it lets us. */
  close(): Promise<void>;
};

/** Throws `redis_start_failed` when it cannot be started the first time. */
export async function supervise(options: SuperviseOptions): Promise<SupervisedRedis> {
  const { server, folder, log, onLost } = options;
  const closing = new AbortController();
  const { signal } = closing;
  const first = (await takeOver(options)) ?? (await startAnew(options, signal));
  const { connection, version } = first;
  let { pid } = first;
  let recovery: Promise<void> | undefined;
  let stopped: Promise<void> | undefined;
  let deaths: number[] = [];
  let watcher = watch();

  function watch(): Redis {
    const client = impatientClient(connection);
    client.once('end', () => {
      if (!signal.aborted) recovery = recover();
    });
    client.connect().catch(() => undefined); // it died in between: 'end' follows
    return client;
  }

  async function recover(): Promise<void> {
    await wait(RECOVERY_PAUSE_MS);
    // Somebody closed our connection only: the server itself is as before.
    if ((await serverOf(folder))?.info.pid !== pid) {
      log(`Redis (process ${pid}) is gone; starting it again`);
      if (!(await startAgain())) return;
      log(`Redis serves again (process ${pid})`);
    }
    if (!signal.aborted) watcher = watch();
  }

  /** True when it serves again, false when that ended: closed meanwhile, or given up. */
  async function startAgain(): Promise<boolean> {
    while (!signal.aborted) {
      const now = performance.now();
      deaths = [...deaths.filter((at) => at > now - DEATHS_WINDOW_MS), now];
      if (deaths.length >= DEATHS_MAX) {
        const error = crashLoop(folder);
        log(`${error.what}: ${error.why}. ${error.doThis}`);
        onLost(error);
        return false;
      }
      try {
        await roomOnDisk(folder, log, signal);
        await stopServersOn(folder); // one that is hanging, or just ending
        pid = await startServer({ server, folder, connection, log, signal });
        return true;
      } catch (error) {
        if (signal.aborted) return false;
        log(reasonOf(error));
        await wait(RECOVERY_PAUSE_MS);
      }
    }
    return false;
  }

  async function stop(): Promise<void> {
    closing.abort();
    watcher.disconnect();
    await recovery;
    await stopServersOn(folder);
    if ('path' in connection) await rm(connection.path, { force: true }); // left by SIGKILL
  }

  return {
    connection,
    version,
    get pid() {
      return pid;
    },
    close: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}

/** A dying server closes its connections a moment before it ends. */
const RECOVERY_PAUSE_MS = 50;
/** Once a minute is bad luck; five times is a cause that a sixth start will not mend. */
const DEATHS_MAX = 5;
const DEATHS_WINDOW_MS = 60_000;

type Serving = { connection: EmbeddedConnection; version: string; pid: number };

/** The server that an earlier run left, if it is what we would start now; any other is stopped. */
async function takeOver({ folder, log }: SuperviseOptions): Promise<Serving | undefined> {
  const left = await serverOf(folder);
  if (left !== undefined && !left.info.loading && isNewEnough(left.info.version)) {
    const { connection, info } = left;
    const before = await readFile(settingsFileIn(folder), 'utf8');
    if (before === settings(folder, connection)) {
      await stopServersOn(folder, info.pid);
      log(`Taking over the Redis of an earlier run (process ${info.pid})`);
      return { connection, version: info.version, pid: info.pid };
    }
  }
  const others = await serversOn(folder);
  if (others.length > 0) {
    log(
      `Stopping the Redis of an earlier run (process ${others.join(', ')}): it cannot be taken over`,
    );
    await stopServersOn(folder);
  }
  return undefined;
}

async function startAnew(options: SuperviseOptions, signal: AbortSignal): Promise<Serving> {
  const connection = await chooseConnection(options.folder);
  const pid = await startServer({ ...options, connection, signal });
  return { connection, version: options.server.version, pid };
}

/** 16 MiB: room for the journal to grow a little after the start, so that it does not die at once. */
const FREE_BYTES_MIN = 16 * 1024 * 1024;
const DISK_POLL_MS = 1_000;

/** With an fsync per write, Redis ends itself when the disk is full. It comes back once there is room;
 * until then the store refuses work. No upper bound: only a person can make room. */
async function roomOnDisk(folder: string, log: (line: string) => void, signal: AbortSignal) {
  const isFull = async () => {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize < FREE_BYTES_MIN;
  };
  if (!(await isFull())) return;
  log(`The disk of ${folder} is full; Redis starts again when there is room`);
  while (await isFull()) await wait(DISK_POLL_MS, undefined, { signal });
}

function crashLoop(folder: string): RedisError {
  return new RedisError('redis_crash_loop', {
    what: 'Redis keeps dying',
    why: `it ended ${DEATHS_MAX} times within a minute and is not started again`,
    doThis: `Read ${logFileIn(folder)}, mend the cause and start the coordinator again`,
  });
}

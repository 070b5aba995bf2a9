// A Redis of a test's own: an empty one on a socket in a temporary folder, with the very settings of
// the embedded Redis (journal, fsync per write), so that tests can kill it and look what survived.
// Nobody starts it again behind the test's back; `restart()` does, on the same journal and socket.

import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { startServer } from '../../coordinator/redis/embed.ts';
import { serversOn, stopServersOn } from '../../coordinator/redis/orphan.ts';
import { provideRedis } from '../../coordinator/redis/provide.ts';

export type PrivateRedis = {
  /** For `new Redis(connection)` and for BullMQ. */
  connection: { path: string };
  /** The same as an address, for `--redis` and `new Redis(url)`. */
  url: string;
  readonly pid: number;
  /** SIGKILL; returns when the process is gone. */
  kill9(): Promise<void>;
  /** After `kill9()`: starts it on the same journal, and returns when the journal is loaded. */
  restart(): Promise<void>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
};

export async function startPrivateRedis(): Promise<PrivateRedis> {
  const server = await provideRedis(() => undefined);
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'mh-redis-')));
  const connection = { path: join(folder, 'redis.sock') };
  const start = () =>
    startServer({
      server,
      folder,
      connection,
      log: () => undefined,
      signal: new AbortController().signal,
    });
  let pid = await start();

  return {
    connection,
    url: `unix://${connection.path}`,
    get pid() {
      return pid;
    },
    async kill9() {
      process.kill(pid, 'SIGKILL');
      while ((await serversOn(folder)).includes(pid)) await wait(5);
    },
    async restart() {
      pid = await start();
    },
    async stop() {
      await stopServersOn(folder);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

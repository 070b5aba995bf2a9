// A Redis with a replica, and three sentinels that watch them, of a test's own: on free ports of this machine, in a
// temporary folder, with the journal and the fsync that the embedded Redis has.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { serverEnvironment } from '../../coordinator/redis/find.ts';
import { provideRedis } from '../../coordinator/redis/provide.ts';
import { freePort } from '../chaos/tcp-proxy.ts';

export type SentinelGroup = {
  /** For the store. */
  address: { sentinels: { host: string; port: number }[]; name: string };
  /** The same for `--redis`. */
  url: string;
  /** SIGKILL to the first master; returns when the process is gone. */
  killMaster(): Promise<void>;
  stop(): Promise<void>;
};

const name = 'grid';
const sentinels = 3;
/** A master that is silent for so long is dead: longer than a busy machine lets one wait. */
const downAfterMs = 2000;

export async function startSentinels(): Promise<SentinelGroup> {
  const program = await provideRedis(() => undefined);
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'mh-sentinel-')));
  const running: ChildProcess[] = [];
  /** With these settings, in a folder of its own; resolves when it answers. */
  const start = async (settings: string[], ...more: string[]): Promise<number> => {
    const port = await freePort();
    const own = join(folder, `${port}`);
    await mkdir(own);
    const file = join(own, 'redis.conf');
    const lines = [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${own}`,
      'logfile redis.log',
      ...settings,
    ];
    await writeFile(file, `${lines.join('\n')}\n`);
    const child = spawn(program.program, [file, ...more], {
      env: serverEnvironment(program),
      stdio: 'ignore',
    });
    running.push(child);
    await until(port, (redis) => redis.ping());
    return port;
  };
  const server = ['save ""', 'appendonly yes', 'appendfsync always', 'repl-diskless-sync-delay 0'];
  const master = await start(server);
  await start([...server, `replicaof 127.0.0.1 ${master}`]);
  await until(master, async (redis) => (await redis.info('replication')).includes('state=online'));
  const watched = [
    `sentinel monitor ${name} 127.0.0.1 ${master} 2`,
    `sentinel down-after-milliseconds ${name} ${downAfterMs}`,
    `sentinel failover-timeout ${name} 5000`,
  ];
  const ports = await Promise.all(
    Array.from({ length: sentinels }, () => start(watched, '--sentinel')),
  );
  // Once each knows the replica, and the other two: otherwise it cannot be promoted.
  for (const port of ports) {
    await until(port, async (redis) => {
      const facts = String(await redis.call('SENTINEL', 'MASTER', name));
      return facts.includes('num-slaves,1') && facts.includes('num-other-sentinels,2');
    });
  }
  return {
    address: { sentinels: ports.map((port) => ({ host: '127.0.0.1', port })), name },
    url: `redis-sentinel://${ports.map((port) => `127.0.0.1:${port}`).join(',')}?name=${name}`,
    async killMaster() {
      await end(running[0]);
    },
    async stop() {
      await Promise.all(running.map(end));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function until(port: number, isSo: (redis: Redis) => Promise<unknown>): Promise<void> {
  const redis = new Redis({
    port,
    retryStrategy: () => 20,
    maxRetriesPerRequest: null,
    protocol: 2,
  });
  redis.on('error', () => {});
  while (!(await isSo(redis).catch(() => false))) await wait(20);
  redis.disconnect();
}

async function end(process: ChildProcess | undefined): Promise<void> {
  if (process === undefined || process.exitCode !== null || process.signalCode !== null) return;
  process.kill('SIGKILL');
  await once(process, 'exit');
}

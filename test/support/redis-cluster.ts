// A Redis Cluster of a test's own: three masters with a replica each, on free ports of this machine, in one
// temporary folder, with the journal and the fsync that the embedded Redis has. Who is master changes when the test
// kills one, so servers have numbers: 0 to 2 start as masters, 3 to 5 as their replicas.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { type RedisServer, serverEnvironment } from '../../coordinator/redis/find.ts';
import { provideRedis } from '../../coordinator/redis/provide.ts';

const masters = 3;
const slots = 16_384;

export type RedisCluster = {
  /** For the store. */
  address: { cluster: { host: string; port: number }[] };
  /** The same for `--redis`. */
  url: string;
  /** An impatient client to each server, by its number. */
  servers: Redis[];
  signal(server: number, signal: NodeJS.Signals): void;
  /** SIGKILL; returns when the process is gone. */
  kill9(server: number): Promise<void>;
  /** After `kill9`: on the same folder and port. It is the replica of whoever took its place. */
  restart(server: number): Promise<void>;
  /** Once every slot has a master that says so itself, each with as many replicas as wanted at least. */
  settled(replicasEach?: number): Promise<void>;
  /** Which of the servers that run is the master of this key. */
  masterOf(key: string): Promise<number>;
  /** Removes every key. */
  empty(): Promise<void>;
  stop(): Promise<void>;
};

export async function startRedisCluster(): Promise<RedisCluster> {
  const program = await provideRedis(() => undefined);
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'mh-cluster-')));
  const ports = await freePorts(4 * masters);
  const places = Array.from({ length: 2 * masters }, (_, server) => {
    const [port = 0, bus = 0] = ports.slice(2 * server);
    return { port, bus, folder: join(folder, `${server}`) };
  });
  const running: ChildProcess[] = [];
  const start = async (server: number): Promise<void> => {
    const place = at(places, server);
    await mkdir(place.folder, { recursive: true });
    running[server] = spawnServer(program, place);
    while ((await answerOf(at(servers, server), 'ping')) !== 'PONG') await wait(10);
  };
  const servers = places.map(({ port }) => impatient(port));
  await Promise.all(places.map((_, server) => start(server)));
  await join6(servers, places);

  const cluster: RedisCluster = {
    address: { cluster: places.map(({ port }) => ({ host: '127.0.0.1', port })) },
    url: `redis-cluster://${places.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    servers,
    signal: (server, signal) => void running[server]?.kill(signal),
    async kill9(server) {
      const process = at(running, server);
      process.kill('SIGKILL');
      await ended(process);
    },
    restart: start,
    async settled(replicasEach = 0) {
      while (!(await isSettled(servers, replicasEach))) await wait(20);
    },
    async masterOf(key) {
      for (const [server, redis] of servers.entries()) {
        // A master that has another's slot says where it is.
        if ((await answerOf(redis, 'exists', key)) !== undefined && (await isMaster(redis)))
          return server;
      }
      throw new Error(`nobody has the slot of ${key}`);
    },
    async empty() {
      for (const redis of servers) if (await isMaster(redis)) await redis.flushall();
    },
    async stop() {
      for (const redis of servers) redis.disconnect();
      for (const process of running) process.kill('SIGKILL');
      await Promise.all(running.map(ended));
      await rm(folder, { recursive: true, force: true });
    },
  };
  await cluster.settled(1);
  return cluster;
}

type Place = { port: number; bus: number; folder: string };

function spawnServer(program: RedisServer, { port, bus, folder }: Place): ChildProcess {
  const settings = {
    bind: '127.0.0.1',
    port: `${port}`,
    dir: folder,
    logfile: join(folder, 'redis.log'),
    save: '',
    appendonly: 'yes',
    appendfsync: 'always',
    'maxmemory-policy': 'noeviction',
    'cluster-enabled': 'yes',
    'cluster-port': `${bus}`,
    // A master that is silent for so long is dead: longer than a busy machine lets one wait.
    'cluster-node-timeout': '2000',
    // A new replica is served at once instead of after five seconds.
    'repl-diskless-sync-delay': '0',
  };
  return spawn(
    program.program,
    Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
    { cwd: folder, env: serverEnvironment(program), stdio: 'ignore' },
  );
}

/** Gives the masters their slots, makes all know each other, and gives each master its replica. */
async function join6(servers: Redis[], places: Place[]): Promise<void> {
  for (const [server, redis] of servers.entries()) {
    await redis.cluster('SET-CONFIG-EPOCH', server + 1);
    if (server < masters) {
      const [from, to] = [server, server + 1].map((n) => Math.floor((n * slots) / masters));
      await redis.call('CLUSTER', 'ADDSLOTSRANGE', `${from}`, `${(to ?? 0) - 1}`);
    }
    const { port, bus } = at(places, 0);
    if (server > 0) await redis.call('CLUSTER', 'MEET', '127.0.0.1', `${port}`, `${bus}`);
  }
  for (const [server, redis] of servers.entries()) {
    if (server < masters) continue;
    const master = String(await at(servers, server - masters).cluster('MYID'));
    // It is refused until they have heard of each other.
    while ((await answerOf(redis, 'cluster', 'REPLICATE', master)) !== 'OK') await wait(20);
  }
}

async function isSettled(servers: Redis[], replicasEach: number): Promise<boolean> {
  let slotsServed = 0;
  for (const redis of servers) {
    const nodes = await answerOf(redis, 'cluster', 'NODES');
    if (nodes === undefined) continue; // it was killed
    const state = String(await answerOf(redis, 'cluster', 'INFO'));
    if (!state.includes('cluster_state:ok')) return false;
    const [, , flags = '', , , , , , ...own] =
      nodes
        .split('\n')
        .find((line) => line.includes('myself'))
        ?.split(' ') ?? [];
    if (!flags.includes('master')) continue;
    for (const range of own) {
      const [from = 0, to = from] = range.split('-').map(Number);
      slotsServed += to - from + 1;
    }
    const [, , replicas] = (await redis.role()) as [string, number, unknown[]];
    if (own.length > 0 && replicas.length < replicasEach) return false;
  }
  return slotsServed === slots;
}

const isMaster = async (redis: Redis): Promise<boolean> =>
  String(await answerOf(redis, 'role')).startsWith('master');

/** Undefined when it does not answer, or with an error. */
async function answerOf(redis: Redis, command: string, ...args: string[]) {
  const answer = await redis.call(command, ...args).catch(() => undefined);
  return answer === undefined ? undefined : String(answer);
}

function impatient(port: number): Redis {
  const redis = new Redis({
    port,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
    retryStrategy: () => 20,
    commandTimeout: 1000,
  });
  redis.on('error', () => {});
  return redis;
}

async function ended(process: ChildProcess): Promise<void> {
  if (process.exitCode === null && process.signalCode === null) await once(process, 'exit');
}

async function freePorts(count: number): Promise<number[]> {
  const holders = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  const ports = holders.map((server) => (server.address() as { port: number }).port);
  for (const server of holders) server.close();
  return ports;
}

function at<T>(list: readonly T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new Error(`there is no server ${index}`);
  return found;
}

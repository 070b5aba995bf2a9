// The operator's own Redis: checks that a grid can live on it. What cannot work is refused at the start; what will
// hurt later (no journal, no fsync, eviction) is said once, because the operator may have a reason.
//
// Of a cluster each master is looked at as one server is; of sentinels the master that they name. That one has no replica is said as well: with one, whatever
// the store has acknowledged is on both.

import { setTimeout as wait } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import {
  ask,
  type ClusterConnection,
  type RedisConnection,
  type SentinelConnection,
  type ServerInfo,
  serverInfo,
} from './connection.ts';
import { RedisError, reasonOf } from './error.ts';
import { isNewEnough, tooOld } from './version.ts';

/** A gigabyte takes some seconds, and nobody wants to read more lines than that. */
const loadingAskMs = 2000;

export type OperatorsRedis = {
  version: string;
  /** How many servers share the keys. */
  masters: number;
};

/** Throws `redis_unreachable`, `redis_too_old` or `redis_cluster_unusable`. */
export async function checkOperatorsRedis(
  connection: RedisConnection | ClusterConnection | SentinelConnection,
  log: (line: string) => void,
): Promise<OperatorsRedis> {
  if ('cluster' in connection) return await checkCluster(connection, log);
  if ('sentinels' in connection) return await checkSentinels(connection, log);
  const where = placeOf(connection);
  const info = await look(connection, log);
  if (info.isClustered) {
    throw new RedisError('redis_cluster_unusable', {
      what: `The Redis at ${where} is one of a cluster`,
      why: 'it has a part of the keys only',
      doThis: `Give --redis redis-cluster://${where}`,
    });
  }
  assess(info, where, log);
  return { version: info.version, masters: 1 };
}

async function checkSentinels(
  connection: SentinelConnection,
  log: (line: string) => void,
): Promise<OperatorsRedis> {
  const master = await findMaster(connection);
  const [where, info] = [placeOf(master), await look(master, log)];
  assess(info, where, log);
  if (info.replicas === 0)
    log(`The Redis at ${where} has no replica: without it the grid cannot go on`);
  return { version: info.version, masters: 1 };
}

/** As the first sentinel tells that answers. Throws `redis_unreachable`. */
export async function findMaster(connection: SentinelConnection): Promise<RedisConnection> {
  const { sentinels, name, ...account } = connection;
  let unreachable: unknown = new Error(`they know of no master named ${name}`);
  for (const sentinel of sentinels) {
    const found = await ask(sentinel, (client) =>
      client.call('SENTINEL', 'get-master-addr-by-name', name),
    ).catch((cause: unknown) => {
      unreachable = cause;
    });
    if (!Array.isArray(found)) continue;
    return { host: String(found[0]), port: Number(found[1]), ...account };
  }
  throw notReached(`${sentinels.map(placeOf).join(', ')} (sentinels)`, unreachable);
}

async function checkCluster(
  connection: ClusterConnection,
  log: (line: string) => void,
): Promise<OperatorsRedis> {
  const masters = await findMasters(connection);
  const infos = await Promise.all(masters.map((master) => look(master, log)));
  for (const [i, master] of masters.entries()) {
    const [where, info] = [placeOf(master), infos[i] as Look];
    assess(info, where, log);
    if (info.replicas === 0)
      log(`The Redis at ${where} has no replica: without it the cluster cannot go on`);
  }
  return { version: infos[0]?.version ?? '', masters: masters.length };
}

/** As the first of its servers tells that answers. */
async function findMasters({ cluster, ...account }: ClusterConnection): Promise<RedisConnection[]> {
  let unreachable: unknown;
  for (const place of cluster) {
    const server = { ...place, ...account };
    const answer = await ask(server, describeCluster).catch((cause: unknown) => {
      unreachable = cause;
    });
    if (answer === undefined) continue;
    const where = placeOf(server);
    if (typeof answer === 'string') throw clusterUnusable(where, answer);
    // A server that was never told its own address says none: then it is the one that we have asked.
    return answer.map(({ host, port }) => ({ ...server, host: host || place.host, port }));
  }
  throw notReached(cluster.map(placeOf).join(', '), unreachable);
}

/** The addresses of its masters, or why the cluster is of no use. */
async function describeCluster(client: Redis): Promise<string | { host: string; port: number }[]> {
  const { isClustered } = await serverInfo(client);
  if (!isClustered) return 'it is a server of its own (cluster-enabled no)';
  const state = await client.cluster('INFO');
  const [, assigned] = /cluster_slots_ok:(\d+)/.exec(state) ?? [];
  if (!state.includes('cluster_state:ok')) return `${assigned} of its 16384 slots are served`;
  const masters = new Map<string, { host: string; port: number }>();
  for (const [, , master] of await client.cluster('SLOTS')) {
    if (master !== undefined) masters.set(master[2], { host: master[0], port: master[1] });
  }
  return [...masters.values()];
}

type Look = ServerInfo & { sync: string | null };

/** While it loads its journal it is waited for: only then can it be worked with, and says what it is set to. */
/** Throws `redis_unreachable`. */
export async function assertReached(connection: RedisConnection): Promise<void> {
  await ask(connection, serverInfo).catch((cause: unknown) => {
    throw notReached(placeOf(connection), cause);
  });
}

async function look(connection: RedisConnection, log: (line: string) => void): Promise<Look> {
  const where = placeOf(connection);
  for (;;) {
    const info = await ask(connection, async (client) => ({
      ...(await serverInfo(client)),
      sync: await syncPolicy(client),
    })).catch((cause: unknown) => {
      throw notReached(where, cause);
    });
    if (!info.loading) return info;
    log(`The Redis at ${where} loads its journal (${Math.floor(info.loadedPercent)} %)`);
    await wait(loadingAskMs);
  }
}

/** Null when the account may not ask. */
async function syncPolicy(client: Redis): Promise<string | null> {
  const found = (await client.config('GET', 'appendfsync').catch(() => [])) as string[];
  return found[1] ?? null;
}

function assess(info: Look, where: string, log: (line: string) => void): void {
  if (!isNewEnough(info.version)) {
    throw tooOld(`the server at ${where}`, info.version, 'Upgrade it, or leave --redis out');
  }
  if (!info.hasJournal) {
    log(
      `The Redis at ${where} keeps no journal (appendonly no): a crash loses acknowledged results`,
    );
  } else if (info.sync !== null && info.sync !== 'always') {
    log(
      `The Redis at ${where} does not sync each write (appendfsync ${info.sync}): a crash loses acknowledged results`,
    );
  }
  if (info.evictionPolicy !== 'noeviction') {
    log(
      `The Redis at ${where} evicts keys (${info.evictionPolicy}): set maxmemory-policy noeviction`,
    );
  }
}

const placeOf = (connection: RedisConnection): string =>
  'path' in connection ? connection.path : `${connection.host}:${connection.port}`;

const notReached = (where: string, cause: unknown): RedisError =>
  new RedisError(
    'redis_unreachable',
    {
      what: `The Redis at ${where} cannot be reached`,
      why: reasonOf(cause),
      doThis: 'Start it, or mend the address, user and password in --redis',
    },
    { cause },
  );

const clusterUnusable = (where: string, why: string): RedisError =>
  new RedisError('redis_cluster_unusable', {
    what: `The cluster that ${where} is of cannot be used`,
    why,
    doThis: `Look at it with redis-cli --cluster check ${where}; a single server is redis://${where}`,
  });

/**
 * One ioredis connection for the store, set so that no command runs twice behind our back and none
 * hangs: nothing is sent while disconnected, nothing is sent again by itself, and a command whose
 * connection is lost, or whose reply takes too long, fails with OutcomeUnknown.
 *
 * To a cluster it is a connection to each of its servers. What is sent to one that does not have the slot (any
 * more) was not done there, so that alone is sent again, to where it says that the slot is.
 */
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { GridFormatUnknown } from './grid-store.ts';
import { OutcomeUnknown, StorageRefuses } from './store.ts';

type Account = { username?: string; password?: string; tls?: boolean };

export type ServerAddress = { path: string } | (Account & HostPort & { db?: number });
/** Some of a cluster's servers; they tell of the others. */
export type ClusterAddress = Account & { cluster: readonly HostPort[] };
/** Sentinels know which server is the master of this name. The account is the master's: they have no password. */
export type SentinelAddress = Account & {
  sentinels: readonly HostPort[];
  name: string;
  db?: number;
};
export type RedisAddress = ServerAddress | ClusterAddress | SentinelAddress;
type HostPort = { host: string; port: number };

export type RedisClient = Redis | Cluster;

/** 5 s: an fsync behind a busy disk took 76 ms at worst when measured; beyond seconds it is stuck. */
const commandTimeoutMs = 5000;
/** A second at most between attempts: an embedded Redis is back within one. */
const reconnectMsMax = 1000;

/** Throws OutcomeUnknown when Redis cannot be reached. */
export async function openConnection(address: RedisAddress): Promise<RedisClient> {
  const redis = makeClient(address, {
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    // 0: in-flight commands fail at once when the connection closes, instead of never settling.
    maxRetriesPerRequest: 0,
    commandTimeout: commandTimeoutMs,
    retryStrategy: (attempt) =>
      Math.min(20 * 2 ** attempt, reconnectMsMax) * (0.5 + Math.random() / 2),
  });
  try {
    await redis.connect();
    // A cluster's servers are connected to when they are first needed, and refuse until they are.
    if (redis instanceof Cluster) {
      await Promise.all(redis.nodes().map((server) => server.ping()));
      redis.on('+node', (server: Redis) => void server.ping().catch(() => {}));
    }
  } catch (error) {
    redis.disconnect(); // or it would go on trying for as long as the process lives
    const why = error instanceof Error ? error.message : String(error);
    throw new OutcomeUnknown(`cannot connect to Redis: ${why}`, { cause: error });
  }
  return redis;
}

export type ClientOptions = Pick<
  RedisOptions,
  'lazyConnect' | 'enableOfflineQueue' | 'autoResendUnfulfilledCommands' | 'commandTimeout'
> & {
  maxRetriesPerRequest: number | null;
  retryStrategy?: (attempt: number) => number;
};

/** A client as ioredis makes it. Each command reports its own failure. */
export function makeClient(address: RedisAddress, options: ClientOptions): RedisClient {
  const client = 'cluster' in address ? makeCluster(address, options) : makeOne(address, options);
  // This listener only keeps Node from treating an error as fatal.
  client.on('error', () => {});
  return client;
}

/** Whether a replica may stand in for its master at any time. */
export const failsOver = (address: RedisAddress): boolean =>
  'cluster' in address || 'sentinels' in address;

function makeOne(address: ServerAddress | SentinelAddress, options: ClientOptions): Redis {
  if ('sentinels' in address) return makeWatched(address, options);
  return new Redis({ ...('path' in address ? address : withTls(address)), ...options });
}

/** Without a sentinel that answers the first connection fails; later ones are tried for as long as it takes. */
function makeWatched({ sentinels, ...rest }: SentinelAddress, options: ClientOptions): Redis {
  let wasReady = false;
  const redis = new Redis({
    ...withTls(rest),
    ...options,
    sentinels: [...sentinels],
    sentinelRetryStrategy: () => (wasReady ? reconnectMsMax : null),
  });
  redis.once('ready', () => {
    wasReady = true;
  });
  return redis;
}

/** Its servers are all reached with the same account. */
function makeCluster({ cluster, ...account }: ClusterAddress, options: ClientOptions): Cluster {
  const { retryStrategy, lazyConnect = false, enableOfflineQueue = true, ...each } = options;
  return new Cluster([...cluster], {
    lazyConnect,
    enableOfflineQueue,
    ...(retryStrategy === undefined ? {} : { clusterRetryStrategy: retryStrategy }),
    // What was on its way to a server that died may have been done: whoever sends nothing twice sends it no further.
    ...(options.autoResendUnfulfilledCommands === false ? { retryDelayOnFailover: 0 } : {}),
    redisOptions: { ...withTls(account), ...each },
  });
}

const withTls = <A extends Account>({ tls, ...rest }: A) =>
  tls === true ? { ...rest, tls: {} } : rest;

/** The servers that hold keys: each some of them. */
export const serversOf = (client: RedisClient): Redis[] =>
  client instanceof Cluster ? client.nodes('master') : [client];

/** Runs one step and sorts its failures into the three kinds that callers treat differently. */
export async function step<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof Error) || error instanceof GridFormatUnknown) throw error;
    if (error instanceof OutcomeUnknown) throw error;
    if (isRefusal(error)) throw new StorageRefuses(error.message, { cause: error });
    // Without the command that ioredis hangs on it: it may be megabytes, and hold secrets.
    if (isReply(error) && !isElsewhere(error))
      throw new Error(`Redis refused a step: ${error.message}`);
    throw new OutcomeUnknown(error.message, { cause: error });
  }
}

/**
 * MISCONF: the disk is full or failing. OOM: the memory limit is reached. NOREPLICAS: fewer replicas are there than
 * the operator wants. Nothing was written.
 */
const isRefusal = (error: Error): boolean =>
  /MISCONF|OOM command|READONLY|LOADING|NOREPLICAS/.test(error.message);

/** A slot is moving, or its master died and no other is chosen yet. Nothing was written; it passes. */
export const isElsewhere = (error: Error): boolean =>
  /^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN|MASTERDOWN) /.test(error.message);

/** Redis answered with an error: the command is known to have failed, which is a bug of ours. */
const isReply = (error: Error): boolean => error.name === 'ReplyError';

// How a Redis is reached, and short questions to it. What is asked here (is it there, who is it, please
// stop) must never wait for a server that hangs, so each question has a connection of its own that
// gives up in seconds and retries nothing. The store and the queue make their own, patient clients.

import { Redis } from 'ioredis';

export type RedisConnection =
  | { path: string }
  | {
      host: string;
      port: number;
      password?: string;
      username?: string;
      db?: number;
      tls?: boolean;
    };

/** Some servers of a cluster, which tell of the others. All are reached with the same account. */
export type ClusterConnection = {
  cluster: { host: string; port: number }[];
  password?: string;
  username?: string;
  tls?: boolean;
};

/** Sentinels, which know the master of that name. The account is the master's; they themselves have no password. */
export type SentinelConnection = {
  sentinels: { host: string; port: number }[];
  name: string;
  password?: string;
  username?: string;
  db?: number;
};

/** A healthy Redis answers in milliseconds, also while it loads its journal; 2 s forgives a busy disk. */
const ANSWER_WAIT_MS_MAX = 2_000;

/** A client that connects once and fails at once; the caller disconnects it. */
export function impatientClient(connection: RedisConnection): Redis {
  const client = new Redis({
    ...('path' in connection ? { path: connection.path } : networkOptions(connection)),
    // RESP2 and no CLIENT SETINFO: a server that is too old must be able to tell us so.
    protocol: 2,
    disableClientInfo: true,
    lazyConnect: true,
    connectTimeout: ANSWER_WAIT_MS_MAX,
    enableReadyCheck: false, // a Redis that loads its journal answers INFO, and that is what we want
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    autoResendUnfulfilledCommands: false,
  });
  client.on('error', () => {
    // Every failure also rejects the promise of the connect or of the command that met it.
  });
  return client;
}

function networkOptions(connection: Exclude<RedisConnection, { path: string }>) {
  const { tls, ...rest } = connection;
  return { ...rest, ...(tls ? { tls: {} } : {}) };
}

/** Connects, asks, disconnects. Rejects when the server is not there or does not answer in time. */
export async function ask<Answer>(
  connection: RedisConnection,
  question: (client: Redis) => Promise<Answer>,
): Promise<Answer> {
  const client = impatientClient(connection);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer')), ANSWER_WAIT_MS_MAX);
  });
  try {
    const answer = client.connect().then(() => question(client));
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
    client.disconnect();
  }
}

/** The lines of INFO that we act on. */
export type ServerInfo = {
  version: string;
  pid: number;
  /** The settings file it was started with; empty when there was none. */
  configFile: string;
  loading: boolean;
  loadedPercent: number;
  hasJournal: boolean;
  evictionPolicy: string;
  /** Whether it is one of a cluster. */
  isClustered: boolean;
  replicas: number;
};

export async function serverInfo(client: Redis): Promise<ServerInfo> {
  const lines = (await client.info()).split('\r\n');
  const fields = new Map(lines.map((line) => [line.split(':', 1)[0], line.replace(/^[^:]*:/, '')]));
  return {
    version: fields.get('redis_version') ?? '0.0.0',
    pid: Number(fields.get('process_id')),
    configFile: fields.get('config_file') ?? '',
    loading: fields.get('loading') === '1',
    loadedPercent: Number(fields.get('loading_loaded_perc') ?? 100),
    hasJournal: fields.get('aof_enabled') === '1',
    evictionPolicy: fields.get('maxmemory_policy') ?? 'noeviction',
    isClustered: fields.get('cluster_enabled') === '1',
    replicas: Number(fields.get('connected_slaves') ?? 0),
  };
}

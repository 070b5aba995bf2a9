// The door of this folder: opens the Redis that a coordinator works on. With a URL that is the
// operator's own, and nothing is started. Without, it is an embedded one in the data folder, which then
// belongs to this process alone.

import { mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClusterConnection, RedisConnection, SentinelConnection } from './connection.ts';
import { RedisError, reasonOf } from './error.ts';
import { ownFolder } from './folder-owner.ts';
import { checkOperatorsRedis } from './operators-redis.ts';
import { provideRedis } from './provide.ts';
import { supervise } from './supervise.ts';
import { parseRedisUrl } from './url.ts';

export type OpenRedisOptions = {
  /** redis://, rediss://, unix://, redis-cluster:// or redis-sentinel:// address of a running Redis. */
  url?: string;
  /** Where an embedded Redis keeps its journal; made when absent. */
  dataDir: string;
  log?: (line: string) => void;
  /** An embedded Redis died again and again and is not started any more: stop, and say so. */
  onLost?: (error: RedisError) => void;
};

export type GridRedis = {
  connection: RedisConnection | ClusterConnection | SentinelConnection;
  /** How many servers share the keys. */
  masters: number;
  embedded: boolean;
  /** Of an embedded Redis; another one after it died and was started again. */
  readonly pid?: number;
  version: string;
  /** Stops an embedded Redis and gives the data folder free. Twice is as good as once. */
  close(): Promise<void>;
};

/** Throws a `RedisError` with what, why and do this. Whatever it started is then stopped again. */
export async function openRedis(options: OpenRedisOptions): Promise<GridRedis> {
  const { url, dataDir, log = () => undefined, onLost = () => undefined } = options;
  if (url !== undefined) return await openOperatorsRedis(url, log);

  const dataFolder = await makeDataFolder(dataDir);
  const ownership = await ownFolder(dataFolder);
  try {
    const folder = join(dataFolder, 'redis');
    await mkdir(folder, { recursive: true });
    const server = await provideRedis(log);
    const redis = await supervise({ server, folder, log, onLost });
    return {
      connection: redis.connection,
      masters: 1,
      embedded: true,
      get pid() {
        return redis.pid;
      },
      version: redis.version,
      async close() {
        await redis.close();
        await ownership.release();
      },
    };
  } catch (error) {
    await ownership.release();
    throw error;
  }
}

async function openOperatorsRedis(url: string, log: (line: string) => void): Promise<GridRedis> {
  const connection = parseRedisUrl(url);
  const checked = await checkOperatorsRedis(connection, log);
  return { ...checked, connection, embedded: false, close: async () => undefined };
}

/** Returns its real path, so that one folder reached by two names is one folder. */
async function makeDataFolder(dataDir: string): Promise<string> {
  try {
    // Only its owner may enter: tokens, keys and results are in there.
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    return await realpath(dataDir);
  } catch (cause) {
    throw new RedisError(
      'data_folder_unusable',
      {
        what: `The data folder ${dataDir} cannot be used`,
        why: reasonOf(cause),
        doThis: 'Choose a folder that you may write to, with --data',
      },
      { cause },
    );
  }
}

/**
 * One ioredis connection for the store, set so that no command runs twice behind our back and none
 * hangs: nothing is sent while disconnected, nothing is sent again by itself, and a command whose
 * connection is lost, or whose reply takes too long, fails with OutcomeUnknown.
 */
import { Redis } from 'ioredis';
import { GridFormatUnknown } from './grid-store.ts';
import { OutcomeUnknown, StorageRefuses } from './store.ts';

export type RedisAddress =
  | { path: string }
  | {
      host: string;
      port: number;
      username?: string;
      password?: string;
      db?: number;
      tls?: boolean;
    };

/** 5 s: an fsync behind a busy disk took 76 ms at worst when measured; beyond seconds it is stuck. */
const commandTimeoutMs = 5000;
/** A second at most between attempts: an embedded Redis is back within one. */
const reconnectMsMax = 1000;

/** Throws OutcomeUnknown when Redis cannot be reached. */
export async function openConnection(address: RedisAddress): Promise<Redis> {
  const redis = new Redis({
    ...connectOptions(address),
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    // 0: in-flight commands fail at once when the connection closes, instead of never settling.
    maxRetriesPerRequest: 0,
    commandTimeout: commandTimeoutMs,
    retryStrategy: (attempt) =>
      Math.min(20 * 2 ** attempt, reconnectMsMax) * (0.5 + Math.random() / 2),
  });
  // Each command reports its own failure; this listener only keeps Node from treating it as fatal.
  redis.on('error', () => {});
  try {
    await redis.connect();
  } catch (error) {
    redis.disconnect(); // or it would go on trying for as long as the process lives
    const why = error instanceof Error ? error.message : String(error);
    throw new OutcomeUnknown(`cannot connect to Redis: ${why}`, { cause: error });
  }
  return redis;
}

/** The address in ioredis's words. */
export function connectOptions(address: RedisAddress) {
  if ('path' in address) return { path: address.path };
  const { tls, ...rest } = address;
  return tls === true ? { ...rest, tls: {} } : rest;
}

/** Runs one step and sorts its failures into the three kinds that callers treat differently. */
export async function step<T>(redis: Redis, run: (redis: Redis) => Promise<T>): Promise<T> {
  try {
    return await run(redis);
  } catch (error) {
    if (!(error instanceof Error) || error instanceof GridFormatUnknown) throw error;
    if (isRefusal(error)) throw new StorageRefuses(error.message, { cause: error });
    // Without the command that ioredis hangs on it: it may be megabytes, and hold secrets.
    if (isReply(error)) throw new Error(`Redis refused a step: ${error.message}`);
    throw new OutcomeUnknown(error.message, { cause: error });
  }
}

/** MISCONF: the disk is full or failing. OOM: the memory limit is reached. Nothing was written. */
const isRefusal = (error: Error): boolean =>
  /MISCONF|OOM command|READONLY|LOADING/.test(error.message);

/** Redis answered with an error: the command is known to have failed, which is a bug of ours. */
const isReply = (error: Error): boolean => error.name === 'ReplyError';

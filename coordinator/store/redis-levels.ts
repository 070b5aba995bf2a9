/**
 * How full things are, for whoever watches the grid: read when they look, never counted on the way. Only
 * numbers come back, so a grid with a million open jobs is looked at in the same few milliseconds.
 */
import type { Redis } from 'ioredis';
import { keys } from './keys.ts';
import { serversOf } from './redis-connection.ts';
import { RedisPart } from './redis-part.ts';

export type PartitionLevels = {
  /** Jobs that are neither complete nor cancelled. */
  jobsOpen: number;
  shardsOpen: number;
  /** Outbox records that were written, and of these not yet paid, and not yet drawn from. */
  outbox: { written: number; unpaid: number; undrawn: number };
};

/** What Redis says of itself; of a cluster's masters, the sums, and whatever is wrong with one of them. */
export type RedisState = {
  usedBytes: number;
  /** 0 for no limit. */
  limitBytes: number;
  evictedKeys: number;
  journalBytes: number;
  /** Whether it keeps a journal at all. */
  hasJournal: boolean;
  lastWriteOk: boolean;
  isRewriting: boolean;
  lastRewriteOk: boolean;
  /** Times that a write had to wait for an fsync that took long. */
  delayedFsyncs: number;
  /** Of the master that has fewest. */
  replicas: number;
};

export class RedisLevels extends RedisPart {
  async partition(partition: number): Promise<PartitionLevels> {
    const field = `g${partition}`;
    const [jobsOpen, shardsOpen, last, paid, drawn] = await this.step((redis) =>
      Promise.all([
        redis.scard(keys.jobsOpen(partition)),
        redis.hlen(keys.open(partition)),
        redis.get(keys.outboxNumber(partition)),
        redis.hget(keys.watermarks, field),
        redis.hget(keys.trust('watermarks'), field),
      ]),
    );
    const written = Number(last ?? 0);
    const behind = (mark: string | null) => Math.max(0, written - Number(mark ?? 0));
    return {
      jobsOpen,
      shardsOpen,
      outbox: { written, unpaid: behind(paid), undrawn: behind(drawn) },
    };
  }

  async redisState(): Promise<RedisState> {
    const states = await this.step((redis) => Promise.all(serversOf(redis).map(stateOf)));
    const sum = (of: (state: RedisState) => number) =>
      states.reduce((total, state) => total + of(state), 0);
    const isLimited = states.every(({ limitBytes }) => limitBytes > 0);
    return {
      usedBytes: sum(({ usedBytes }) => usedBytes),
      limitBytes: isLimited ? sum(({ limitBytes }) => limitBytes) : 0,
      evictedKeys: sum(({ evictedKeys }) => evictedKeys),
      journalBytes: sum(({ journalBytes }) => journalBytes),
      hasJournal: states.every(({ hasJournal }) => hasJournal),
      lastWriteOk: states.every(({ lastWriteOk }) => lastWriteOk),
      isRewriting: states.some(({ isRewriting }) => isRewriting),
      lastRewriteOk: states.every(({ lastRewriteOk }) => lastRewriteOk),
      delayedFsyncs: sum(({ delayedFsyncs }) => delayedFsyncs),
      replicas: Math.min(...states.map(({ replicas }) => replicas)),
    };
  }
}

async function stateOf(server: Redis): Promise<RedisState> {
  const info = await server.info();
  const field = (name: string): string =>
    new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? '';
  return {
    usedBytes: Number(field('used_memory')),
    limitBytes: Number(field('maxmemory')),
    evictedKeys: Number(field('evicted_keys')),
    journalBytes: Number(field('aof_current_size')),
    hasJournal: field('aof_enabled') === '1',
    lastWriteOk: field('aof_last_write_status') !== 'err',
    isRewriting: field('aof_rewrite_in_progress') === '1',
    lastRewriteOk: field('aof_last_bgrewrite_status') !== 'err',
    delayedFsyncs: Number(field('aof_delayed_fsync')),
    replicas: Number(field('connected_slaves')),
  };
}

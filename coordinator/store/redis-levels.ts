/**
 * How full things are, for whoever watches the grid: read when they look, never counted on the way. Only
 * numbers come back, so a grid with a million open jobs is looked at in the same few milliseconds.
 */
import { keys } from './keys.ts';
import { RedisPart } from './redis-part.ts';

export type PartitionLevels = {
  /** Jobs that are neither complete nor cancelled. */
  jobsOpen: number;
  shardsOpen: number;
  /** Outbox records that were written, and of these not yet paid, and not yet drawn from. */
  outbox: { written: number; unpaid: number; undrawn: number };
};

/** What Redis says of itself. */
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
    const [memory, persistence, stats] = await this.step((redis) =>
      Promise.all([redis.info('memory'), redis.info('persistence'), redis.info('stats')]),
    );
    const field = (name: string): string =>
      new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(`${memory}\n${persistence}\n${stats}`)?.[1] ?? '';
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
    };
  }
}

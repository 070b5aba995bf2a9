/**
 * Guests of a window: shards that another coordinator holds, or nobody yet, and on which hosts that are connected
 * here have leases. Nothing of a guest is granted: its units are not counted as free. Its leases are renewed,
 * released and reported as any other, and it goes when the last of them has.
 */
import type { JobId } from '../../protocol/ids.ts';
import { HeldShard, type ShardWatch } from './held-shard.ts';
import type { JobFacts } from './job.ts';
import type { LeaseFacts } from './lease.ts';
import { type ShardId, shardId } from './shard.ts';
import type { ShardState } from './shard-state.ts';

/** What a guest leaves behind when it goes. */
type Left = { state: ShardState; leasesLeft: LeaseFacts[] };

export class Guests {
  private readonly ids = new Set<ShardId>();
  private readonly shards: Map<ShardId, HeldShard>;
  private readonly watchOf: (jobId: JobId) => ShardWatch;

  /** `shards` are all of the window: a lease is looked up in one place, whoever holds its shard. */
  constructor(shards: Map<ShardId, HeldShard>, watchOf: (jobId: JobId) => ShardWatch) {
    this.shards = shards;
    this.watchOf = watchOf;
  }

  get all(): ShardId[] {
    return [...this.ids];
  }

  has(id: ShardId): boolean {
    return this.ids.has(id);
  }

  /** Takes a shard in, unless it is here. */
  add(job: JobFacts, state: ShardState, now: number): void {
    const id = shardId(state.shard);
    if (this.shards.has(id)) return;
    const watch = { ...this.watchOf(job.jobId), freeChanged() {} };
    this.shards.set(id, new HeldShard(job, state, watch, now));
    this.ids.add(id);
  }

  /** Of a shard that is no guest nothing is done. */
  remove(id: ShardId): Left | undefined {
    const guest = this.ids.delete(id) ? this.shards.get(id) : undefined;
    if (guest === undefined) return undefined;
    const { state, leasesLeft } = guest;
    guest.close();
    this.shards.delete(id);
    return { state, leasesLeft };
  }

  /** Those of which nothing is out any more go. */
  forgetDone(): void {
    for (const id of this.ids) if (this.shards.get(id)?.heldLeases.length === 0) this.remove(id);
  }
}

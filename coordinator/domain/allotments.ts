/**
 * How much of what is free a host may have now: within its quota and its account's, as many units as keep it
 * busy for a while (lease-size.ts), fewer when the job is split to its end, and copies of the last ones.
 */
import type { JobId } from '../../protocol/ids.ts';
import type { KnownAsker } from './asker.ts';
import type { FreeUnits } from './free-units.ts';
import type { HeldShard } from './held-shard.ts';
import type { JobFacts } from './job.ts';
import type { JobCosts } from './job-costs.ts';
import { leaseSize } from './lease-size.ts';
import { Load, type Loads } from './load.ts';
import { isCheck, type ShardUnits } from './shard.ts';

const noLoad = new Load();

/** A job's tail: so much of it at the most that to copy all of it costs a percent of the work. */
const tailShare = 0.02;
/** Each host that waits looks at all of them once a second: 512 take it some ten microseconds. */
export const tailUnitsMax = 512;

export class Allotments {
  private readonly loads: Loads;
  private readonly costs: JobCosts;
  private readonly free: FreeUnits;
  /** How far each job is split, as far as its shards came by here. */
  private readonly splitTo = new Map<JobId, number>();

  constructor(loads: Loads, costs: JobCosts, free: FreeUnits) {
    this.loads = loads;
    this.costs = costs;
    this.free = free;
  }

  /** A shard of the job came by. */
  seen(jobId: JobId, units: ShardUnits): void {
    this.splitTo.set(jobId, Math.max(endOf(units), this.splitTo.get(jobId) ?? 0));
  }

  forget(jobId: JobId): void {
    this.splitTo.delete(jobId);
  }

  /** Units that the host may still have, for its own quota and for its account's. */
  quotaLeft({ hostId, accountId, capacity }: KnownAsker, now: number): number {
    const { quota, accountQuota } = capacity;
    if (quota.restMs(now) > 0) return 0;
    const ofHost = quota.units - (this.loads.find(hostId)?.units ?? 0);
    const ofAccount = accountQuota.units - (this.loads.find(accountId)?.units ?? 0);
    return Math.min(ofHost, ofAccount);
  }

  /** How many units of the shard's job the host may have now, up to `room`. */
  sizeFor(
    { hostId, capacity, hosts }: KnownAsker,
    { job, state, freeUnits }: HeldShard,
    room = Number.POSITIVE_INFINITY,
  ): number {
    const { jobId } = job;
    const ahead = {
      jobId,
      cost: this.costs.find(jobId),
      free: isCheck(state.shard) ? freeUnits : this.free.of(jobId),
      isSplit: this.isSplit(job),
    };
    return Math.min(room, leaseSize(capacity, this.loads.find(hostId) ?? noLoad, ahead, hosts));
  }

  /** Copies that the host may have: for each of its threads that has nothing to do. */
  copiesFor({ hostId, isAlone, capacity }: KnownAsker, room: number): number {
    if (isAlone || capacity.speed === null) return 0;
    const idle = capacity.threads - (this.loads.find(hostId)?.units ?? 0);
    return Math.min(room, idle);
  }

  /** Whether there is nothing left of it to split, as far as its shards tell that came by here. */
  isSplit({ jobId, units }: JobFacts): boolean {
    return this.splitTo.get(jobId) === units;
  }

  /** Whether all that is left of the job is out, and little: 2 % of it, or two units for each host. */
  isAtTail(job: JobFacts, shards: Iterable<HeldShard>, hosts: number): boolean {
    if (this.free.of(job.jobId) > 0 || !this.isSplit(job)) return false;
    const few = Math.min(Math.max(job.units * tailShare, 2 * hosts), tailUnitsMax);
    let undecided = 0;
    for (const { state } of shards) undecided += state.undecided;
    return undecided <= few;
  }
}

/** Where the units of a shard end, of one that was first split. */
const endOf = (units: ShardUnits): number => ('list' in units ? 0 : units.from + units.count);

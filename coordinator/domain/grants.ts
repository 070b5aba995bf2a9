/**
 * Which units a host gets that asks: first a check that it may have, then free units of the job whose turn it is
 * (turns.ts), of one shard; when nothing is free, copies of the last units that are out. How many, allotments.ts
 * says. Of paused jobs nothing is granted.
 */
import type { JobId, LeaseId } from '../../protocol/ids.ts';
import type { NoWorkReason } from '../../protocol/messages.ts';
import { type Allotments, tailUnitsMax } from './allotments.ts';
import type { KnownAsker } from './asker.ts';
import type { FreeUnits } from './free-units.ts';
import type { HeldChecks } from './held-checks.ts';
import type { HeldShard } from './held-shard.ts';
import type { JobFacts } from './job.ts';
import type { JobCosts } from './job-costs.ts';
import type { LeaseFacts } from './lease.ts';
import { fits, needsOf, unfit } from './machine.ts';
import { runsSize } from './shard.ts';
import type { Turns } from './turns.ts';

/** `isAtEnd`: the job is split to its end, and this was the host's part. */
export type Granted = { lease: LeaseFacts; job: JobFacts; isAtEnd: boolean };
/** Why a host gets no units, as far as it is a matter of units and of the host. */
export type NoUnits = Exclude<NoWorkReason, 'draining' | 'storage'>;

/** What there is to grant from: a window's own. */
type Stock = {
  /** The shards of each job, but for those that check. */
  byJob: ReadonlyMap<JobId, ReadonlySet<HeldShard>>;
  freeUnits: FreeUnits;
  checks: HeldChecks;
  allotments: Allotments;
  turns: Turns;
  costs: JobCosts;
};

export class Grants {
  private readonly byJob: Stock['byJob'];
  private readonly freeUnits: FreeUnits;
  private readonly checks: HeldChecks;
  private readonly allotments: Allotments;
  private readonly turns: Turns;
  private readonly costs: JobCosts;
  private readonly isPaused: (jobId: JobId) => boolean;

  constructor({ byJob, freeUnits, checks, allotments, turns, costs }: Stock) {
    this.byJob = byJob;
    this.freeUnits = freeUnits;
    this.checks = checks;
    this.allotments = allotments;
    this.turns = turns;
    this.costs = costs;
    this.isPaused = (jobId) => freeUnits.isPaused(jobId);
  }

  /** Up to `units` units; null when there is nothing for this host. */
  next(asker: KnownAsker, units: number, leaseId: LeaseId, now: number): Granted | null {
    if (asker.standing.repute === 'quarantined') return null;
    const room = Math.min(units, this.allotments.quotaLeft(asker, now));
    if (room <= 0) return null;
    const wasInVain = this.checks.wasInVain(asker, now);
    const check = wasInVain ? null : this.check(asker, room, leaseId, now);
    if (check !== null) return check;
    const held = this.nextShard(asker, now);
    if (held === null) {
      const late = wasInVain ? this.check(asker, room, leaseId, now) : null;
      return late ?? this.copies(asker, room, leaseId, now);
    }
    const { job } = held;
    const size = this.allotments.sizeFor(asker, held, room);
    const lease = held.take(asker, size, leaseId, now);
    this.charge(job, lease);
    return { lease, job, isAtEnd: this.allotments.isSplit(job) };
  }

  /** Why `next` has nothing for this host; null when it has. */
  whyNothing(asker: KnownAsker, now: number): NoUnits | null {
    if (asker.standing.repute === 'quarantined') return 'quarantined';
    if (asker.capacity.quota.restMs(now) > 0) return 'backing_off';
    if ([...this.byJob.keys()].every(this.isPaused)) return 'no_jobs';
    const jobs = [...this.freeUnits.shards].filter(([jobId]) => !this.isPaused(jobId));
    if (jobs.length === 0) return 'nothing_left';
    const fitting = jobs.filter(([, [held]]) => held !== undefined && fits(held.job, asker));
    if (fitting.length === 0) {
      const isUnfit = jobs.map(([, [held]]) => held && unfit(needsOf(held.job), asker));
      return isUnfit.includes('lacks_feature') ? 'lacks_feature' : 'too_small';
    }
    const ready = fitting.flatMap(([, shards]) => firstFor(shards, asker, now) ?? []);
    if (ready.length === 0) return 'tried_before';
    const hasEnough =
      this.allotments.quotaLeft(asker, now) <= 0 ||
      ready.every((held) => this.allotments.sizeFor(asker, held) === 0);
    return hasEnough ? 'enough_in_hand' : null;
  }

  /** Whether any job is at its tail: then a unit that is out may be late by now, and be copied. */
  get hasTail(): boolean {
    for (const [jobId, shards] of this.byJob) {
      if (this.isAtTail(jobId, shards, tailUnitsMax)) return true;
    }
    return false;
  }

  private check(asker: KnownAsker, room: number, leaseId: LeaseId, now: number): Granted | null {
    const check = this.checks.nextFor(asker, now, this.isPaused);
    const size = check === undefined ? 0 : this.allotments.sizeFor(asker, check, room);
    if (check === undefined || size === 0) return null;
    const lease = check.take(asker, size, leaseId, now);
    return { lease, job: check.job, isAtEnd: false };
  }

  /** A shard that can serve this host, of the job whose turn it is among those it has not enough of. */
  private nextShard(asker: KnownAsker, now: number): HeldShard | null {
    let only: HeldShard | null = null;
    let several: HeldShard[] | null = null;
    for (const [jobId, shards] of this.freeUnits.shards) {
      if (this.isPaused(jobId)) continue;
      const held = firstFor(shards, asker, now);
      if (held === undefined || this.allotments.sizeFor(asker, held) === 0) continue;
      if (several !== null) several.push(held);
      else if (only !== null) several = [only, held];
      else only = held;
    }
    // With one job there is nothing to share.
    if (several === null) return only;
    const next = this.turns.next(several.map(({ job }) => job));
    return several.find(({ job }) => job === next) ?? null;
  }

  /**
   * The last units of a job, which other hosts take long for: to replicate them costs a percent of the
   * work, and a job does not wait for the slowest of its hosts.
   */
  private copies(asker: KnownAsker, room: number, leaseId: LeaseId, now: number): Granted | null {
    const units = this.allotments.copiesFor(asker, room);
    if (units <= 0) return null;
    for (const [jobId, shards] of this.byJob) {
      if (!this.isAtTail(jobId, shards, asker.hosts)) continue;
      for (const held of shards) {
        const late = held.lateFor(asker, now);
        if (late.length === 0) continue;
        const lease = held.takeCopies(asker, late.slice(0, units), leaseId, now);
        this.charge(held.job, lease);
        return { lease, job: held.job, isAtEnd: true };
      }
    }
    return null;
  }

  private isAtTail(jobId: JobId, shards: ReadonlySet<HeldShard>, hosts: number): boolean {
    const [held] = shards;
    if (held === undefined || this.isPaused(jobId)) return false;
    return this.allotments.isAtTail(held.job, shards, hosts);
  }

  private charge(job: JobFacts, lease: LeaseFacts): void {
    const cost = runsSize(lease.positions) * this.costs.expected(job.jobId);
    this.turns.charge(job, cost);
  }
}

function firstFor(shards: Iterable<HeldShard>, asker: KnownAsker, now: number) {
  for (const held of shards) if (held.canServe(asker, now)) return held;
  return undefined;
}

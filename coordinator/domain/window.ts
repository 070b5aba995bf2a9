/**
 * The window: the shards that this coordinator holds, and whose turn it is (BOINC's feeder). Pure
 * memory: it says who gets what, and what a lapse of time frees; the journal says what is true. Losing
 * a window loses nothing but the knowledge of who is at work, and that comes back from the journal's
 * lease entries and from the hosts themselves.
 */
import type { AccountId, HostId, JobId, LeaseId } from '../../protocol/ids.ts';
import type { NoWorkReason, UnitRuns } from '../../protocol/messages.ts';
import { HeldShard, type KnownAsker, type ShardWatch } from './held-shard.ts';
import { fits, type JobFacts } from './job.ts';
import type { LeaseFacts } from './lease.ts';
import { leaseSize } from './lease-size.ts';
import { Load, Loads } from './load.ts';
import { averaged } from './log-average.ts';
import {
  isCheck,
  positionOf,
  runsSize,
  type Shard,
  type ShardId,
  type ShardUnits,
  shardId,
} from './shard.ts';
import type { ShardState } from './shard-state.ts';
import type { UnitCost } from './speed.ts';
import type { CheckNeeds } from './trust/check.ts';
import { Turns } from './turns.ts';

export type { Asker, KnownAsker } from './held-shard.ts';
/** Why a host gets no units, as far as it is a matter of units and of the host. */
export type NoUnits = Exclude<NoWorkReason, 'draining' | 'storage'>;

export class Window {
  private readonly shards = new Map<ShardId, HeldShard>();
  private readonly byJob = new Map<JobId, Set<HeldShard>>();
  /** Those of them that have free units. A grant looks at no others: most shards held are all out. */
  private readonly withFree = new Map<JobId, Set<HeldShard>>();
  private readonly byLease = new Map<LeaseId, HeldShard>();
  private readonly turns = new Turns();
  private readonly loads = new Loads();
  private readonly meanFuel = new Map<JobId, number>();
  private readonly costs = new Map<JobId, UnitCost>();
  /** How far each job is split, as far as its shards came by here. */
  private readonly splitTo = new Map<JobId, number>();
  private readonly freeByJob = new Map<JobId, number>();
  private readonly paused = new Set<JobId>();
  /**
   * Shards that check, by whom they need, the one that was looked at least lately first. They are
   * apart: not every host may have them, so they are neither counted as free nor is a turn spent on them.
   */
  private readonly checks = new Map<CheckNeeds, Set<HeldShard>>();
  private freeUnits = 0;

  /** Units that could be granted right now; those of paused jobs could not. */
  get free(): number {
    return this.freeUnits;
  }

  /** Whether a host that asks might get something: something may also be late by now. */
  get hasWork(): boolean {
    if (this.freeUnits > 0 || this.hasChecks) return true;
    for (const [jobId, shards] of this.byJob) {
      if (this.isAtTail(jobId, shards, tailUnitsMax)) return true;
    }
    return false;
  }

  /** Whether there are checks: one that no host here may have now, some host may have a while later. */
  get hasChecks(): boolean {
    for (const checks of this.checks.values()) if (checks.size > 0) return true;
    return false;
  }

  get shardIds(): ShardId[] {
    return [...this.shards.keys()];
  }

  get jobIds(): Set<JobId> {
    return new Set(this.byJob.keys());
  }

  /** Jobs that have units to grant. */
  get freeJobIds(): Set<JobId> {
    return new Set(this.withFree.keys());
  }

  /** Takes a shard in; one that is held already is refreshed. */
  hold(job: JobFacts, state: ShardState, now: number): void {
    const id = shardId(state.shard);
    if (this.shards.has(id)) {
      this.refresh(state, now);
      return;
    }
    if (isCheck(state.shard)) {
      const watch = { ...this.watchOf(job.jobId), freeChanged() {} };
      const held = new HeldShard(job, state, watch, now);
      this.shards.set(id, held);
      const needs = state.shard.check?.needs ?? 'anyone';
      const checks = this.checks.get(needs) ?? new Set();
      this.checks.set(needs, checks.add(held));
      return;
    }
    const held = new HeldShard(job, state, this.watchOf(job.jobId), now);
    this.shards.set(id, held);
    const siblings = this.byJob.get(job.jobId) ?? new Set();
    this.byJob.set(job.jobId, siblings.add(held));
    const to = endOf(state.shard.units);
    this.splitTo.set(job.jobId, Math.max(to, this.splitTo.get(job.jobId) ?? 0));
  }

  drop(id: ShardId): void {
    const held = this.shards.get(id);
    if (held === undefined) return;
    held.close();
    this.shards.delete(id);
    if (isCheck(held.state.shard)) {
      for (const checks of this.checks.values()) checks.delete(held);
      return;
    }
    const { jobId } = held.job;
    const siblings = this.byJob.get(jobId);
    siblings?.delete(held);
    if (siblings?.size !== 0) return;
    this.byJob.delete(jobId);
    this.freeByJob.delete(jobId);
    this.meanFuel.delete(jobId);
    this.costs.delete(jobId);
    this.splitTo.delete(jobId);
    this.turns.forget(jobId);
  }

  /** Grants nothing of the job until `resume`. What is out of it may be renewed and reported. */
  pause(jobId: JobId): void {
    if (this.paused.has(jobId)) return;
    this.paused.add(jobId);
    this.freeUnits -= this.freeByJob.get(jobId) ?? 0;
  }

  resume(jobId: JobId): void {
    if (this.paused.delete(jobId)) this.freeUnits += this.freeByJob.get(jobId) ?? 0;
  }

  /** Units of the job that could be granted, were it not paused. */
  freeOf(jobId: JobId): number {
    return this.freeByJob.get(jobId) ?? 0;
  }

  /** Whether the unit is out under a lease. */
  isOut(id: ShardId, position: number): boolean {
    return this.shards.get(id)?.isOut(position) ?? false;
  }

  get pausedJobIds(): JobId[] {
    return [...this.paused];
  }

  state(id: ShardId): ShardState | undefined {
    return this.shards.get(id)?.state;
  }

  /**
   * Puts a state read anew in place of one that another coordinator's append made stale. Leases keep
   * their deadlines and those that have ended stay ended, however often that happens; leases that
   * are new in the journal come in as when a shard is taken in.
   */
  refresh(state: ShardState, now: number): void {
    this.shards.get(shardId(state.shard))?.refresh(state, now);
  }

  /**
   * Grants up to `units` units, of one shard, of the job whose turn it is among those the host can
   * run. Null when the window has nothing for this host. `isAtEnd`: the job is split to its end, and this
   * was the host's part.
   */
  grant(
    asker: KnownAsker,
    units: number,
    leaseId: LeaseId,
    now: number,
  ): { lease: LeaseFacts; job: JobFacts; isAtEnd: boolean } | null {
    if (asker.standing.repute === 'quarantined') return null;
    const room = Math.min(units, this.quotaLeft(asker, now));
    if (room <= 0) return null;
    const check = this.checkFor(asker, now);
    const checkSize = check === undefined ? 0 : Math.min(room, this.sizeFor(asker, check));
    if (check !== undefined && checkSize > 0) {
      const lease = check.take(asker, checkSize, leaseId, now);
      return { lease, job: check.job, isAtEnd: false };
    }
    const held = this.nextFor(asker, now);
    if (held === null) return this.grantCopies(asker, room, leaseId, now);
    const { job } = held;
    const lease = held.take(asker, Math.min(room, this.sizeFor(asker, held)), leaseId, now);
    this.charge(job, lease);
    return { lease, job, isAtEnd: this.isSplit(job) };
  }

  private charge(job: JobFacts, lease: LeaseFacts): void {
    const cost = runsSize(lease.positions) * this.fuelPerUnit(job.jobId);
    this.turns.charge(job, cost);
  }

  /**
   * The last units of a job, which other hosts take long for: to replicate them costs a percent of the
   * work, and a job does not wait for the slowest of its hosts.
   */
  private grantCopies(asker: KnownAsker, room: number, leaseId: LeaseId, now: number) {
    if (asker.isAlone || asker.capacity.speed === null) return null;
    const idle = asker.capacity.threads - (this.loads.find(asker.hostId)?.units ?? 0);
    const units = Math.min(room, idle);
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

  /** Whether all that is left of the job is out, and little: 2 % of it, or two units for each host. */
  private isAtTail(jobId: JobId, shards: ReadonlySet<HeldShard>, hosts: number): boolean {
    const [held] = shards;
    if (held === undefined || this.paused.has(jobId)) return false;
    if (this.freeOf(jobId) > 0 || !this.isSplit(held.job)) return false;
    const few = Math.min(Math.max(held.job.units * tailShare, 2 * hosts), tailUnitsMax);
    let undecided = 0;
    for (const { state } of shards) undecided += state.undecided;
    return undecided <= few;
  }

  /** Units that the host may still have, for its own quota and for its account's. */
  private quotaLeft({ hostId, accountId, capacity }: KnownAsker, now: number): number {
    const { quota, accountQuota } = capacity;
    if (now < quota.restsUntil) return 0;
    const ofHost = quota.units - (this.loads.find(hostId)?.units ?? 0);
    const ofAccount = accountQuota.units - (this.loads.find(accountId)?.units ?? 0);
    return Math.min(ofHost, ofAccount);
  }

  /** Whether there is nothing left of it to split, as far as its shards tell that came by here. */
  private isSplit({ jobId, units }: JobFacts): boolean {
    return this.splitTo.get(jobId) === units;
  }

  /** How many units of the shard's job the host may have now. */
  private sizeFor({ hostId, capacity, hosts }: KnownAsker, { job, state, freeUnits }: HeldShard) {
    const { jobId } = job;
    const ahead = {
      jobId,
      cost: this.costs.get(jobId) ?? null,
      free: isCheck(state.shard) ? freeUnits : this.freeOf(jobId),
      isSplit: this.isSplit(job),
    };
    return leaseSize(capacity, this.loads.find(hostId) ?? noLoad, ahead, hosts);
  }

  /** A shard that can serve this host, of the job whose turn it is among those it has not enough of. */
  private nextFor(asker: KnownAsker, now: number): HeldShard | null {
    let only: HeldShard | null = null;
    let several: HeldShard[] | null = null;
    for (const [jobId, shards] of this.withFree) {
      if (this.paused.has(jobId)) continue;
      const held = firstFor(shards, asker, now);
      if (held === undefined || this.sizeFor(asker, held) === 0) continue;
      if (several !== null) several.push(held);
      else if (only !== null) several = [only, held];
      else only = held;
    }
    // With one job there is nothing to share.
    if (several === null) return only;
    const next = this.turns.next(several.map(({ job }) => job));
    return several.find(({ job }) => job === next) ?? null;
  }

  /** Those of which it cannot have a unit are looked at last the next time. */
  private checkFor(asker: KnownAsker, now: number): HeldShard | undefined {
    for (const checks of this.checks.values()) {
      const [oldest] = checks;
      if (oldest === undefined || oldest.isKeptFrom(asker, now)) continue;
      for (const held of [...firstFew(checks, checksLookedAt)]) {
        if (!this.paused.has(held.job.jobId) && held.canServe(asker, now)) return held;
        checks.delete(held);
        checks.add(held);
      }
    }
    return undefined;
  }

  /** Why `grant` has nothing for this host; null when it has. */
  whyNothing(asker: KnownAsker, now: number): NoUnits | null {
    if (asker.standing.repute === 'quarantined') return 'quarantined';
    if (now < asker.capacity.quota.restsUntil) return 'backing_off';
    const isServed = (jobId: JobId): boolean => !this.paused.has(jobId);
    if (firstOf(this.byJob.keys(), isServed) === undefined) return 'no_jobs';
    const jobs = [...this.withFree].filter(([jobId]) => isServed(jobId));
    if (jobs.length === 0) return 'nothing_left';
    const fitting = jobs.filter(
      ([, [held]]) => held !== undefined && fits(held.job, asker.memoryBytes),
    );
    if (fitting.length === 0) return 'too_small';
    const ready = fitting.flatMap(([, shards]) => firstFor(shards, asker, now) ?? []);
    if (ready.length === 0) return 'tried_before';
    const hasEnough =
      this.quotaLeft(asker, now) <= 0 || ready.every((held) => this.sizeFor(asker, held) === 0);
    return hasEnough ? 'enough_in_hand' : null;
  }

  /**
   * A host presents a lease after a reconnection, with the units of it that it still has. Those it
   * has lost are free at once: it would renew the lease for the others and never report them. Units
   * that were granted to somebody else meanwhile, or are not in the lease, it does not get. Returns
   * how many of the units it may go on with.
   */
  present(facts: LeaseFacts, positions: UnitRuns, now: number): number {
    return this.shards.get(shardId(facts.shard))?.present(facts, positions, now) ?? 0;
  }

  /** Extends a lease. False when it does not stand here (any more), or is another host's. */
  renew(leaseId: LeaseId, hostId: HostId, now: number): boolean {
    return this.byLease.get(leaseId)?.renew(leaseId, hostId, now) ?? false;
  }

  /**
   * What the state now says of these positions: undecided ones are free again, and rest for the
   * account that tried them; others are done.
   */
  settle(
    id: ShardId,
    { leaseId, accountId }: { leaseId: LeaseId; accountId: AccountId },
    positions: Iterable<number>,
    fuel: number,
    now: number,
  ): void {
    const held = this.shards.get(id);
    if (held === undefined) return;
    const settled = held.settle(leaseId, accountId, positions, now);
    if (fuel > 0) this.learn(held.job.jobId, fuel / settled);
  }

  /** Gives units back before their deadline. Returns how many were freed. */
  release(leaseId: LeaseId, hostId: HostId, positions: Iterable<number>): number {
    return this.byLease.get(leaseId)?.release(leaseId, hostId, positions) ?? 0;
  }

  /** Ends every lease past its deadline; its units are free at once. */
  expire(now: number): LeaseFacts[] {
    return [...this.shards.values()].flatMap((held) => held.expire(now));
  }

  /** Units that have cost too many hosts, of one shard each: they are to be given up. */
  get hopeless(): { shard: Shard; positions: number[] }[] {
    return [...this.shards.values()].flatMap((held) => {
      const positions = held.hopeless;
      return positions.length === 0 ? [] : [{ shard: held.shard, positions }];
    });
  }

  /** Units out under leases, by job: what a scientist sees as running. */
  running(jobId: JobId): number {
    let running = 0;
    for (const held of this.byJob.get(jobId) ?? []) running += held.running;
    return running;
  }

  /** Hosts that have a lease. */
  get holders(): Set<HostId> {
    const leases = [...this.shards.values()].flatMap((held) => held.heldLeases);
    return new Set(leases.map(({ hostId }) => hostId));
  }

  hasLeases(hostId: HostId): boolean {
    for (const held of this.shards.values()) if (held.hasLeaseOf(hostId)) return true;
    return false;
  }

  /** Whether the unit is out to be checked. */
  isBeingChecked(jobId: JobId, unit: number): boolean {
    for (const checks of this.checks.values()) {
      for (const held of checks) {
        if (held.job.jobId === jobId && held.isOut(positionOf(held.shard.units, unit))) return true;
      }
    }
    return false;
  }

  leasesOfHolder(id: HostId | AccountId): LeaseFacts[] {
    return [...(this.loads.find(id)?.leases ?? [])];
  }

  leasesOf(jobId: JobId): LeaseFacts[] {
    const shards = [...this.shards.values()].filter(({ job }) => job.jobId === jobId);
    return shards.flatMap((held) => held.heldLeases);
  }

  private watchOf(jobId: JobId): ShardWatch {
    return {
      freeChanged: (by, shard) => {
        this.freeByJob.set(jobId, (this.freeByJob.get(jobId) ?? 0) + by);
        if (!this.paused.has(jobId)) this.freeUnits += by;
        this.noteFree(jobId, shard);
      },
      loadOf: (id) => this.loads.of(id),
      unitFuel: () => this.meanFuel.get(jobId) ?? 0,
      unitCost: () => this.costs.get(jobId) ?? null,
      leaseHeld: (lease, shard) => {
        this.byLease.set(lease.leaseId, shard);
        this.loads.held(lease);
      },
      leaseGone: (lease) => {
        this.byLease.delete(lease.leaseId);
        this.loads.gone(lease);
      },
    };
  }

  private noteFree(jobId: JobId, shard: HeldShard): void {
    const shards = this.withFree.get(jobId);
    if (shard.freeUnits > 0) {
      if (shards === undefined) this.withFree.set(jobId, new Set([shard]));
      else shards.add(shard);
    } else if (shards?.delete(shard) === true && shards.size === 0) this.withFree.delete(jobId);
  }

  /**
   * What a unit of the job is expected to cost. Of a job that is new here nothing is known: it counts
   * as the others do on average, or its first grants would be as good as free and crowd them out.
   */
  private fuelPerUnit(jobId: JobId): number {
    const known = this.meanFuel.get(jobId);
    if (known !== undefined) return known;
    const others = [...this.meanFuel.values()];
    const average = others.reduce((sum, fuel) => sum + fuel, 0) / Math.max(others.length, 1);
    return Math.max(average, 1);
  }

  private learn(jobId: JobId, fuelPerUnit: number): void {
    // A check may outlive what was known of its job.
    if (!this.byJob.has(jobId)) return;
    const mean = this.meanFuel.get(jobId);
    this.meanFuel.set(jobId, mean === undefined ? fuelPerUnit : mean + 0.1 * (fuelPerUnit - mean));
    this.costs.set(jobId, averaged(this.costs.get(jobId) ?? null, fuelPerUnit));
  }
}

const noLoad = new Load();

const tailShare = 0.02;
/** Each host that waits looks at all of them once a second: 512 take it some ten microseconds. */
const tailUnitsMax = 512;

/** Where the units of a shard end, of one that was first split. */
const endOf = (units: ShardUnits): number => ('list' in units ? 0 : units.from + units.count);

function firstFor(shards: Iterable<HeldShard>, asker: KnownAsker, now: number) {
  for (const held of shards) if (held.canServe(asker, now)) return held;
  return undefined;
}

function firstOf<T>(items: Iterable<T>, isWanted: (item: T) => boolean): T | undefined {
  for (const item of items) if (isWanted(item)) return item;
  return undefined;
}

/** A grant costs some microseconds; looking at more checks than this would show in it. */
const checksLookedAt = 8;

function* firstFew<T>(items: Iterable<T>, count: number): Generator<T> {
  let left = count;
  for (const item of items) {
    if (left-- === 0) return;
    yield item;
  }
}

/**
 * The window: the shards that this coordinator holds, and the leases that are out on them (BOINC's feeder). Pure
 * memory: who gets what (grants.ts), and what a lapse of time frees; the journal says what is true. Losing
 * a window loses nothing but the knowledge of who is at work, and that comes back from the journal's
 * lease entries and from the hosts themselves.
 *
 * Some shards are here only as guests (guests.ts): their leases are as any other's, and nothing of them is granted.
 */
import type { AccountId, HostId, JobId, LeaseId } from '../../protocol/ids.ts';
import type { UnitRuns } from '../../protocol/messages.ts';
import { Allotments } from './allotments.ts';
import type { KnownAsker } from './asker.ts';
import { FreeUnits } from './free-units.ts';
import { type Granted, Grants, type NoUnits } from './grants.ts';
import { Guests } from './guests.ts';
import { HeldChecks } from './held-checks.ts';
import { HeldShard, type ShardWatch } from './held-shard.ts';
import type { JobFacts } from './job.ts';
import { JobCosts } from './job-costs.ts';
import type { LeaseFacts } from './lease.ts';
import { Loads } from './load.ts';
import type { Machine } from './machine.ts';
import { isCheck, type Shard, type ShardId, shardId } from './shard.ts';
import type { ShardState } from './shard-state.ts';
import { Turns } from './turns.ts';

export class Window {
  private readonly shards = new Map<ShardId, HeldShard>();
  private readonly byJob = new Map<JobId, Set<HeldShard>>();
  private readonly byLease = new Map<LeaseId, HeldShard>();
  private readonly turns = new Turns();
  private readonly loads = new Loads();
  private readonly costs = new JobCosts();
  private readonly freeUnits = new FreeUnits();
  private readonly checks = new HeldChecks();
  private readonly allotments = new Allotments(this.loads, this.costs, this.freeUnits);
  private readonly grants = new Grants({
    byJob: this.byJob,
    freeUnits: this.freeUnits,
    checks: this.checks,
    allotments: this.allotments,
    turns: this.turns,
    costs: this.costs,
  });
  readonly guests = new Guests(this.shards, (jobId) => this.watchOf(jobId));

  /** Units that could be granted right now; those of paused jobs could not. */
  get free(): number {
    return this.freeUnits.total;
  }

  /** Whether a host that asks might get something: something may also be late by now. */
  get hasWork(): boolean {
    return this.free > 0 || this.hasChecks || this.grants.hasTail;
  }

  /** Whether there are checks: one that no host here may have now, some host may have a while later. */
  get hasChecks(): boolean {
    return !this.checks.isEmpty;
  }

  get shardIds(): ShardId[] {
    return [...this.shards.keys()];
  }

  get jobIds(): Set<JobId> {
    return new Set(this.byJob.keys());
  }

  /** Jobs that have units to grant. */
  get freeJobIds(): Set<JobId> {
    return new Set(this.freeUnits.shards.keys());
  }

  /** Whether units of the shard are granted here. */
  isHeld(id: ShardId): boolean {
    return this.shards.has(id) && !this.guests.has(id);
  }

  /** Whether the lease is on a shard that another coordinator may hold. */
  isGuestLease(leaseId: LeaseId): boolean {
    const held = this.byLease.get(leaseId);
    return held !== undefined && this.guests.has(shardId(held.shard));
  }

  /** Held shards with units to grant that one of these machines could run. */
  spare(machines: readonly Machine[]): ShardId[] {
    return this.freeUnits.spare(machines).map(shardId);
  }

  /** Checks of which nothing is out. */
  get idleChecks(): ShardId[] {
    return this.checks.idle.map(shardId);
  }

  /** Somebody else has the shard now: what is out of it here stays, as long as its hosts renew it. */
  yield(id: ShardId, now: number): void {
    const held = this.shards.get(id);
    if (held === undefined || this.guests.has(id)) return;
    const { job, state, leasesLeft } = held;
    this.drop(id);
    if (leasesLeft.length === 0) return;
    this.guests.add(job, state, now);
    this.presentAll(leasesLeft, now);
  }

  /** Takes a shard in; one that is held already is refreshed, and one that is a guest is held from now on. */
  hold(job: JobFacts, state: ShardState, now: number): void {
    const id = shardId(state.shard);
    const guest = this.guests.remove(id);
    if (guest !== undefined) {
      this.hold(job, state.length < guest.state.length ? guest.state : state, now);
      this.presentAll(guest.leasesLeft, now);
      return;
    }
    if (this.shards.has(id)) {
      this.refresh(state, now);
      return;
    }
    if (isCheck(state.shard)) {
      const watch = { ...this.watchOf(job.jobId), freeChanged() {} };
      const held = new HeldShard(job, state, watch, now);
      this.shards.set(id, held);
      this.checks.add(held);
      return;
    }
    const held = new HeldShard(job, state, this.watchOf(job.jobId), now);
    this.shards.set(id, held);
    const siblings = this.byJob.get(job.jobId) ?? new Set();
    this.byJob.set(job.jobId, siblings.add(held));
    this.allotments.seen(job.jobId, state.shard.units);
  }

  drop(id: ShardId): void {
    if (this.guests.remove(id) !== undefined) return;
    const held = this.shards.get(id);
    if (held === undefined) return;
    held.close();
    this.shards.delete(id);
    if (isCheck(held.state.shard)) {
      this.checks.delete(held);
      return;
    }
    const { jobId } = held.job;
    const siblings = this.byJob.get(jobId);
    siblings?.delete(held);
    if (siblings?.size !== 0) return;
    this.byJob.delete(jobId);
    this.freeUnits.forget(jobId);
    this.costs.forget(jobId);
    this.allotments.forget(jobId);
    this.turns.forget(jobId);
  }

  /** Grants nothing of the job until `resume`. What is out of it may be renewed and reported. */
  pause(jobId: JobId): void {
    this.freeUnits.pause(jobId);
  }

  resume(jobId: JobId): void {
    this.freeUnits.resume(jobId);
  }

  /** Units of the job that could be granted, were it not paused. */
  freeOf(jobId: JobId): number {
    return this.freeUnits.of(jobId);
  }

  /** Whether the unit is out under a lease. */
  isOut(id: ShardId, position: number): boolean {
    return this.shards.get(id)?.isOut(position) ?? false;
  }

  get pausedJobIds(): JobId[] {
    return this.freeUnits.pausedJobIds;
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

  /** Leases up to `units` units, of one shard, to the host; null when there is nothing for it. */
  grant(asker: KnownAsker, units: number, leaseId: LeaseId, now: number): Granted | null {
    return this.grants.next(asker, units, leaseId, now);
  }

  /** Why `grant` has nothing for this host; null when it has. */
  whyNothing(asker: KnownAsker, now: number): NoUnits | null {
    return this.grants.whyNothing(asker, now);
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

  private presentAll(leases: readonly LeaseFacts[], now: number): void {
    for (const lease of leases) this.present(lease, lease.positions, now);
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
    const { jobId } = held.job;
    // A check may outlive what was known of its job.
    if (fuel > 0 && this.byJob.has(jobId)) this.costs.learn(jobId, fuel / settled);
  }

  /** Gives units back before their deadline. Returns how many were freed. */
  release(leaseId: LeaseId, hostId: HostId, positions: Iterable<number>): number {
    return this.byLease.get(leaseId)?.release(leaseId, hostId, positions) ?? 0;
  }

  /** Ends every lease past its deadline; its units are free at once. */
  expire(now: number): LeaseFacts[] {
    return [...this.shards.values()].flatMap((held) => held.expire(now));
  }

  /** Whether somebody pays for the priority of a job; of those that are not here nothing is kept. */
  setPaid(job: JobFacts, isPaid: boolean): void {
    if (this.byJob.has(job.jobId)) this.turns.setPaid(job, isPaid);
  }

  /** Leases end as much later by a clock that was set. */
  clockMoved(byMs: number): void {
    for (const held of this.shards.values()) held.clockMoved(byMs);
  }

  /** Units that have cost too many hosts, of one shard each: they are to be given up. */
  get hopeless(): { shard: Shard; positions: number[] }[] {
    return [...this.shards.values()].flatMap((held) => {
      if (this.guests.has(shardId(held.shard))) return [];
      const positions = held.hopeless;
      return positions.length === 0 ? [] : [{ shard: held.shard, positions }];
    });
  }

  /** Units out under leases, by job, but for those that are checked. */
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
    return this.loads.find(hostId) !== undefined;
  }

  /** Of checks that are begun, and of which nothing is out: what is left. */
  get checksLeftBehind(): { shard: Shard; positions: readonly number[] }[] {
    return this.checks.leftBehind;
  }

  /** Units out to be checked, by job. Whoever looks at a job sees them as running: else a host could tell its own. */
  checking(jobId: JobId): number {
    return this.checks.running(jobId);
  }

  get checkedJobIds(): JobId[] {
    return this.checks.jobIds;
  }

  /** Whether the unit is out to be checked. */
  isBeingChecked(jobId: JobId, unit: number): boolean {
    return this.checks.isOut(jobId, unit);
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
      freeChanged: (by, shard) => this.freeUnits.changed(jobId, by, shard),
      loadOf: (id) => this.loads.of(id),
      unitFuel: () => this.costs.mean(jobId),
      unitCost: () => this.costs.find(jobId),
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
}

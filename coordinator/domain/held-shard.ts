/**
 * One shard in the window: which of its units are free, and which are out under which lease.
 *
 *      held                       take                     decided
 *    ───────────────► free ───────────────► leased ─────────────────► (gone)
 *                      ▲                       │
 *                      └───────────────────────┘
 *                        release, expire, a result that did not decide
 *
 * The state says what is true of the units; this says who is at work on them, which is worth much and
 * costs nothing to lose.
 */
import type { AccountId, HostId, LeaseId } from '../../protocol/ids.ts';
import type { UnitRuns } from '../../protocol/messages.ts';
import { fits, type JobFacts } from './job.ts';
import { type LeaseFacts, leaseDurationMs } from './lease.ts';
import { Rests } from './rests.ts';
import { fromRuns, runsInclude, shardSize, toRuns } from './shard.ts';
import type { JournalLease, ShardState } from './shard-state.ts';

export type Asker = {
  hostId: HostId;
  accountId: AccountId;
  memoryBytes: number;
  /** Whether no host of another account is connected: then nothing rests for this one. */
  isAlone: boolean;
};

/** What the window keeps count of over all its shards. */
export type ShardWatch = {
  freeChanged(by: number): void;
  leaseHeld(leaseId: LeaseId, shard: HeldShard): void;
  leaseGone(leaseId: LeaseId): void;
};

type HeldLease = LeaseFacts & { deadline: number; left: Set<number> };

export class HeldShard {
  readonly job: JobFacts;
  state: ShardState;
  private readonly watch: ShardWatch;
  private readonly leases = new Map<LeaseId, HeldLease>();
  private readonly rests = new Rests();
  private free: number[] = [];

  /** Units out under leases that the journal knows stay out for one lease time: their hosts may come back. */
  constructor(job: JobFacts, state: ShardState, watch: ShardWatch, now: number) {
    this.job = job;
    this.state = state;
    this.watch = watch;
    this.takeUp(state.leases, now);
    this.refill();
  }

  get freeUnits(): number {
    return this.free.length;
  }

  get heldLeases(): LeaseFacts[] {
    return [...this.leases.values()];
  }

  /** Undecided units out under leases. */
  get running(): number {
    const out = new Set<number>();
    for (const { left } of this.leases.values())
      for (const position of left) if (this.isOpen(position)) out.add(position);
    return out.size;
  }

  /** Whether `take` would give this host something. */
  canServe(asker: Asker, now: number): boolean {
    if (this.free.length === 0 || !fits(this.job, asker.memoryBytes)) return false;
    return this.free.some((position) => this.mayTry(asker, position, now));
  }

  /** Leases up to `units` free units, the first of the shard first, but for those that rest for this account. */
  take(asker: Asker, units: number, leaseId: LeaseId, now: number): LeaseFacts {
    let taken: number[];
    if (this.rests.isEmpty || asker.isAlone) {
      taken = this.free.splice(-units, units);
      this.watch.freeChanged(-taken.length);
    } else {
      taken = this.free.filter((position) => this.mayTry(asker, position, now)).slice(-units);
      this.unfreeAll(new Set(taken));
    }
    taken.sort((a, b) => a - b);
    const { hostId, accountId } = asker;
    const { shard } = this.state;
    const facts = { leaseId, hostId, accountId, shard, positions: toRuns(taken) };
    this.remember(facts, new Set(taken), now);
    return facts;
  }

  /** See Window.present. */
  present(facts: LeaseFacts, positions: UnitRuns, now: number): number {
    const { leaseId, hostId } = facts;
    const had = new Set(fromRuns(positions));
    const known = this.leases.get(leaseId);
    if (known !== undefined) {
      known.deadline = now + leaseDurationMs;
      const lost = [...known.left].filter((position) => !had.has(position));
      this.release(leaseId, hostId, lost);
      return known.left.size;
    }
    const wanted = this.free.filter((p) => had.has(p) && runsInclude(facts.positions, p));
    const taken = this.stillOpen(leaseId, wanted);
    this.unfreeAll(taken);
    if (taken.size > 0) this.remember(facts, taken, now);
    return taken.size;
  }

  renew(leaseId: LeaseId, hostId: HostId, now: number): boolean {
    const lease = this.leases.get(leaseId);
    if (lease === undefined || lease.hostId !== hostId) return false;
    lease.deadline = now + leaseDurationMs;
    return true;
  }

  /** See Window.settle. Returns how many positions were settled. */
  settle(leaseId: LeaseId, accountId: AccountId, positions: Iterable<number>, now: number): number {
    const lease = this.leases.get(leaseId);
    let settled = 0;
    for (const position of positions) {
      settled++;
      const wasLeft = lease?.left.delete(position) === true;
      if (this.isOpen(position)) {
        const { ends } = this.state.unit(position);
        const tries = ends.filter((end) => end.accountId === accountId).length;
        this.rests.tried(position, accountId, tries, now);
        this.putBack(position);
      } else {
        this.rests.decided(position);
        // A unit that was out under its lease cannot be free as well; a late result's may be.
        if (!wasLeft) this.unfree(position);
      }
    }
    if (lease?.left.size === 0) this.forget(leaseId);
    return settled;
  }

  /** Returns how many units were freed. */
  release(leaseId: LeaseId, hostId: HostId, positions: Iterable<number>): number {
    const lease = this.leases.get(leaseId);
    if (lease === undefined || lease.hostId !== hostId) return 0;
    let freed = 0;
    for (const position of positions) {
      if (!lease.left.delete(position)) continue;
      freed++;
      this.putBack(position);
    }
    if (lease.left.size === 0) this.forget(leaseId);
    return freed;
  }

  /** Ends the leases past their deadline and frees their units. */
  expire(now: number): LeaseFacts[] {
    const expired = [...this.leases.values()].filter(({ deadline }) => deadline <= now);
    for (const { leaseId, left } of expired) {
      this.forget(leaseId);
      for (const position of left) this.putBack(position);
    }
    return expired;
  }

  /** See Window.refresh. */
  refresh(state: ShardState, now: number): void {
    const before = this.state.leases;
    this.state = state;
    for (const lease of this.leases.values()) {
      lease.left = this.stillOpen(lease.leaseId, lease.left);
      if (lease.left.size === 0) this.forget(lease.leaseId);
    }
    const unheardOf = [...state.leases].filter(([id]) => !before.has(id) && !this.leases.has(id));
    this.takeUp(unheardOf, now);
    this.refill();
  }

  /** Lets go of everything: the window drops this shard. */
  close(): void {
    this.watch.freeChanged(-this.free.length);
    for (const leaseId of this.leases.keys()) this.watch.leaseGone(leaseId);
  }

  private isOpen(position: number): boolean {
    return this.state.unit(position).status === 'open';
  }

  private mayTry(asker: Asker, position: number, now: number): boolean {
    if (this.rests.isEmpty || asker.isAlone) return true;
    return !this.rests.isResting(position, asker.accountId, now);
  }

  /** Remembers leases that the journal tells of, with what is left of them. */
  private takeUp(leases: Iterable<[LeaseId, JournalLease]>, now: number): void {
    const { shard } = this.state;
    for (const [leaseId, { hostId, accountId, positions }] of leases) {
      const left = this.stillOpen(leaseId, fromRuns(positions));
      if (left.size > 0) this.remember({ leaseId, hostId, accountId, positions, shard }, left, now);
    }
  }

  /** Free is what is neither decided nor out; the first unit last, because grants take from the end. */
  private refill(): void {
    const out = new Set([...this.leases.values()].flatMap(({ left }) => [...left]));
    const before = this.free.length;
    this.free = [];
    for (let position = shardSize(this.state.shard.units) - 1; position >= 0; position--) {
      if (this.isOpen(position) && !out.has(position)) this.free.push(position);
    }
    this.watch.freeChanged(this.free.length - before);
  }

  private remember(facts: LeaseFacts, left: Set<number>, now: number): void {
    this.leases.set(facts.leaseId, { ...facts, left, deadline: now + leaseDurationMs });
    this.watch.leaseHeld(facts.leaseId, this);
  }

  private forget(leaseId: LeaseId): void {
    this.leases.delete(leaseId);
    this.watch.leaseGone(leaseId);
  }

  /** Frees a unit unless it is decided, free already, or out under another lease. */
  private putBack(position: number): void {
    if (!this.isOpen(position) || this.free.includes(position)) return;
    for (const { left } of this.leases.values()) if (left.has(position)) return;
    this.free.push(position);
    this.watch.freeChanged(1);
  }

  private unfree(position: number): void {
    const at = this.free.indexOf(position);
    if (at < 0) return;
    this.free.splice(at, 1);
    this.watch.freeChanged(-1);
  }

  private unfreeAll(positions: ReadonlySet<number>): void {
    this.free = this.free.filter((position) => !positions.has(position));
    this.watch.freeChanged(-positions.size);
  }

  /** Of some units of a lease, those that are undecided and that it has not reported on yet. */
  private stillOpen(leaseId: LeaseId, positions: Iterable<number>): Set<number> {
    const open = new Set<number>();
    for (const position of positions) {
      const { status, ends } = this.state.unit(position);
      if (status === 'open' && !ends.some((end) => end.leaseId === leaseId)) open.add(position);
    }
    return open;
  }
}

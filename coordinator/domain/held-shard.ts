/**
 * One shard in the window: which of its units are free (free-positions.ts), for whom, and which are out
 * (leases-out.ts).
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
import type { KnownAsker } from './asker.ts';
import { FreePositions } from './free-positions.ts';
import type { JobFacts } from './job.ts';
import type { LeaseFacts } from './lease.ts';
import { type HeldLease, LeasesOut, type LeaseWatch, moveOn, prolong } from './leases-out.ts';
import { Losses } from './losses.ts';
import { fits } from './machine.ts';
import { Rests } from './rests.ts';
import { fromRuns, runsInclude, type Shard, shardSize, toRuns } from './shard.ts';
import type { JournalLease, ShardState } from './shard-state.ts';
import { usualMs } from './speed.ts';
import {
  type CheckOrder,
  everybodyHeard,
  type Heard,
  isKeptFrom,
  mayCheck,
} from './trust/check.ts';

/** What the window keeps count of over all its shards. */
export type ShardWatch = Omit<LeaseWatch, 'leaseHeld'> & {
  freeChanged(by: number, shard: HeldShard): void;
  leaseHeld(lease: HeldLease, shard: HeldShard): void;
};

export class HeldShard {
  readonly job: JobFacts;
  state: ShardState;
  /** All of it: a state that is read anew upon a lease knows that lease's units, and no check. */
  readonly shard: Shard;
  private readonly watch: ShardWatch;
  private readonly leases: LeasesOut;
  private readonly rests = new Rests();
  /** Whoever has testified about any unit of it: what is kept for them only may be anybody's. */
  private readonly heardOfAny: readonly Heard[];
  private readonly losses = new Losses();
  private readonly free: FreePositions;

  /** Units out under leases that the journal knows stay out for one lease time: their hosts may come back. */
  constructor(job: JobFacts, state: ShardState, watch: ShardWatch, now: number) {
    this.job = job;
    this.state = state;
    this.shard = state.shard;
    this.watch = watch;
    this.heardOfAny = everybodyHeard(state.shard.check);
    const { wallMsMax } = job.document.limits;
    this.leases = new LeasesOut(shardSize(state.shard.units), wallMsMax, {
      ...watch,
      leaseHeld: (lease) => watch.leaseHeld(lease, this),
    });
    this.free = new FreePositions((by) => watch.freeChanged(by, this));
    this.takeUp(state.leases, now);
    this.refill();
  }

  private get check(): CheckOrder | undefined {
    return this.shard.check;
  }

  get freeUnits(): number {
    return this.free.all.length;
  }

  get heldLeases(): LeaseFacts[] {
    return this.leases.all;
  }

  /** Each with the units that are still out under it. */
  get leasesLeft(): LeaseFacts[] {
    return this.leases.all.map((lease) => ({
      ...factsOf(lease),
      positions: toRuns(this.leases.positionsLeft(lease)),
    }));
  }

  /** Of a shard that is begun, and of which nothing is out: what is left. */
  get leftBehind(): readonly number[] {
    const isBegun = this.state.undecided < shardSize(this.shard.units);
    return isBegun && this.heldLeases.length === 0 ? this.free.all : [];
  }

  /** Undecided units out under leases. */
  get running(): number {
    let running = 0;
    for (let position = 0; position < shardSize(this.shard.units); position++) {
      if (this.isOut(position)) running++;
    }
    return running;
  }

  isOut(position: number): boolean {
    return this.leases.isOut(position) && this.isOpen(position);
  }

  /** Whether `take` would give this host something. */
  canServe(asker: KnownAsker, now: number): boolean {
    if (this.freeUnits === 0 || !fits(this.job, asker)) return false;
    if (this.isForAll(asker)) return true;
    if (this.isKeptFrom(asker, now)) return false;
    return this.free.all.some((position) => this.mayTry(asker, position, now));
  }

  /** Leases up to `units` free units, the first of the shard first, but for those that rest for this account. */
  take(asker: KnownAsker, most: number, leaseId: LeaseId, now: number): LeaseFacts {
    // What a verifier looks at is the input of one unit, and so of one lease.
    const units = this.check?.verify === undefined ? most : 1;
    const taken = this.isForAll(asker)
      ? this.free.take(units)
      : this.free.takeOf(
          units,
          (position) => this.mayTry(asker, position, now),
          // What may have taken its hosts down.
          (position) => this.losses.isSuspect(position),
        );
    const { hostId, accountId } = asker;
    const { shard } = this;
    const positions = toRuns(taken);
    const facts = { leaseId, hostId, accountId, shard, positions };
    return this.leases.add(facts, taken, now, asker.capacity);
  }

  /**
   * Undecided units that are out and that this host is likely to have done sooner, those first that
   * their own hosts come to last.
   */
  lateFor(asker: KnownAsker, now: number): number[] {
    const { accountId, capacity } = asker;
    const cost = this.watch.unitCost();
    if (this.check !== undefined || cost === null || capacity.speed === null) return [];
    if (!fits(this.job, asker)) return [];
    const unitMs = usualMs(cost, capacity.speed);
    const late: number[] = [];
    for (let position = shardSize(this.shard.units) - 1; position >= 0; position--) {
      if (!this.isOut(position)) continue;
      if (this.leases.isLate(position, accountId, unitMs, now)) late.push(position);
    }
    return late;
  }

  /** Leases units that are out already: whoever is first with a good result has it. */
  takeCopies(
    { hostId, accountId, capacity }: KnownAsker,
    units: readonly number[],
    leaseId: LeaseId,
    now: number,
  ): LeaseFacts {
    const taken = units.toSorted((a, b) => a - b);
    const facts = { leaseId, hostId, accountId, shard: this.shard, positions: toRuns(taken) };
    return this.leases.add(facts, taken, now, capacity, true);
  }

  /** See Window.present. */
  present(facts: LeaseFacts, positions: UnitRuns, now: number): number {
    const { leaseId, hostId } = facts;
    const had = new Set(fromRuns(positions));
    const known = this.leases.find(leaseId);
    if (known !== undefined) {
      prolong(known, now);
      const lost = this.leases.positionsLeft(known).filter((position) => !had.has(position));
      this.release(leaseId, hostId, lost);
      return known.left;
    }
    const wanted = this.free.all.filter((p) => had.has(p) && runsInclude(facts.positions, p));
    const taken = wanted.filter((position) => this.state.isOpenFor(leaseId, position));
    this.free.deleteAll(new Set(taken));
    if (taken.length > 0) this.leases.add(facts, taken, now);
    return taken.length;
  }

  renew(leaseId: LeaseId, hostId: HostId, now: number): boolean {
    const lease = this.leases.find(leaseId);
    if (lease === undefined || lease.hostId !== hostId) return false;
    prolong(lease, now);
    return true;
  }

  /** See Window.settle. Returns how many positions were settled. */
  settle(leaseId: LeaseId, accountId: AccountId, positions: Iterable<number>, now: number): number {
    const lease = this.leases.find(leaseId);
    let settled = 0;
    for (const position of positions) {
      settled++;
      const wasLeft = this.leases.letGo(position, lease);
      if (this.isOpen(position)) {
        const { ends } = this.state.unit(position);
        const tries = ends.filter((end) => end.accountId === accountId).length;
        this.rests.tried(position, accountId, tries, now);
        this.putBack(position);
      } else {
        this.rests.decided(position);
        this.losses.decided(position);
        // A unit that was out under its lease cannot be free as well; a late result's may be.
        if (!wasLeft) this.free.delete(position);
      }
    }
    if (lease !== undefined) moveOn(lease, now);
    if (lease?.left === 0) this.leases.forget(lease);
    return settled;
  }

  /** Returns how many units were freed. */
  release(leaseId: LeaseId, hostId: HostId, positions: Iterable<number>): number {
    const lease = this.leases.find(leaseId);
    if (lease === undefined || lease.hostId !== hostId) return 0;
    let freed = 0;
    for (const position of positions) {
      if (!this.leases.letGo(position, lease)) continue;
      freed++;
      this.putBack(position);
    }
    if (lease.left === 0) this.leases.forget(lease);
    return freed;
  }

  clockMoved(byMs: number): void {
    this.leases.clockMoved(byMs);
  }

  /** Ends the leases past their deadline and frees their units. */
  expire(now: number): LeaseFacts[] {
    const expired = this.leases.expired(now);
    for (const lease of expired) {
      const left = this.leases.positionsLeft(lease).filter((position) => this.isOpen(position));
      // Units are run in their order: those after the first few cannot have done the host any harm.
      for (const position of left.slice(0, lease.threads)) {
        this.losses.lost(position, lease.accountId, left.length === 1);
      }
      for (const position of this.leases.positionsLeft(lease)) {
        this.leases.letGo(position, lease);
        this.putBack(position);
      }
      this.leases.forget(lease);
    }
    return expired;
  }

  /** Undecided units that have cost too many hosts: nobody gets them any more. */
  get hopeless(): number[] {
    return this.losses.isEmpty ? [] : this.losses.hopeless.filter((at) => this.isOpen(at));
  }

  /** See Window.refresh. */
  refresh(state: ShardState, now: number): void {
    const before = this.state.leases;
    this.state = state;
    for (const lease of this.leases.all) {
      // Its host may have given units back to another coordinator.
      const told = state.leases.get(lease.leaseId);
      for (const position of this.leases.positionsLeft(lease)) {
        const isReleased = told !== undefined && !runsInclude(told.positions, position);
        if (isReleased || !state.isOpenFor(lease.leaseId, position))
          this.leases.letGo(position, lease);
      }
      if (lease.left === 0) this.leases.forget(lease);
    }
    const unheardOf = [...state.leases].filter(
      ([id]) => !before.has(id) && this.leases.find(id) === undefined,
    );
    this.takeUp(unheardOf, now);
    this.refill();
  }

  /** Lets go of everything: the window drops this shard. */
  close(): void {
    this.free.clear();
    for (const lease of this.leases.all) this.leases.forget(lease);
  }

  private isOpen(position: number): boolean {
    return this.state.isOpen(position);
  }

  /** Whether all of it is for others to check, for now. */
  isKeptFrom({ standing }: KnownAsker, now: number): boolean {
    if (this.check === undefined) return false;
    return isKeptFrom(standing, this.check, now, this.heardOfAny);
  }

  /** Whether every free unit is for this host: then none is looked at one by one. */
  private isForAll(asker: KnownAsker): boolean {
    return this.check === undefined && this.losses.isEmpty && (this.rests.isEmpty || asker.isAlone);
  }

  private mayTry(asker: KnownAsker, position: number, now: number): boolean {
    if (this.losses.isHopeless(position)) return false;
    const { accountId, standing, isAlone } = asker;
    if (this.check !== undefined) {
      const heard = this.check.heard[position] ?? [];
      if (!mayCheck({ accountId, ...standing }, this.check, heard, now)) return false;
    }
    return isAlone || !this.rests.isResting(position, accountId, now);
  }

  /** Remembers leases that the journal tells of, with what is left of them. */
  private takeUp(leases: Iterable<[LeaseId, JournalLease]>, now: number): void {
    const { shard } = this;
    for (const [leaseId, { hostId, accountId, positions }] of leases) {
      const left = [...fromRuns(positions)].filter((p) => this.state.isOpenFor(leaseId, p));
      if (left.length > 0)
        this.leases.add({ leaseId, hostId, accountId, positions, shard }, left, now);
    }
  }

  /** Free is what is neither decided nor out. */
  private refill(): void {
    const units = shardSize(this.state.shard.units);
    this.free.refill(units, (position) => this.isOpen(position) && !this.leases.isOut(position));
  }

  /** Frees a unit unless it is decided, free already, or out under another lease. */
  private putBack(position: number): void {
    if (this.isOpen(position) && !this.leases.isOut(position)) this.free.add(position);
  }
}

const factsOf = ({ leaseId, hostId, accountId, shard, positions }: LeaseFacts): LeaseFacts => ({
  leaseId,
  hostId,
  accountId,
  shard,
  positions,
});

/**
 * One shard in the window: which of its units are free, for whom, and which are out (leases-out.ts).
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
import type { Capacity } from './capacities.ts';
import type { JobFacts } from './job.ts';
import type { LeaseFacts } from './lease.ts';
import { type HeldLease, LeasesOut, type LeaseWatch, moveOn, prolong } from './leases-out.ts';
import { Losses } from './losses.ts';
import { fits, type Machine } from './machine.ts';
import { Rests } from './rests.ts';
import { fromRuns, runsInclude, type Shard, shardSize, toRuns } from './shard.ts';
import type { JournalLease, ShardState } from './shard-state.ts';
import { usualMs } from './speed.ts';
import { type CheckOrder, type Heard, isKeptFrom, mayCheck } from './trust/check.ts';
import type { Standing } from './trust/known-hosts.ts';

export type Asker = Machine & {
  hostId: HostId;
  accountId: AccountId;
  /** Whether no host of another account is connected: then nothing rests for this one. */
  isAlone: boolean;
  /** How many hosts are connected, this one included. */
  hosts: number;
  capacity: Capacity;
};
/** With what is known of it, which says which checks it may have. */
export type KnownAsker = Asker & { standing: Standing };

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
  private free: number[] = [];

  /** Units out under leases that the journal knows stay out for one lease time: their hosts may come back. */
  constructor(job: JobFacts, state: ShardState, watch: ShardWatch, now: number) {
    this.job = job;
    this.state = state;
    this.shard = state.shard;
    this.watch = watch;
    this.heardOfAny = everybodyHeard(state.shard.check?.heard ?? []);
    const { wallMsMax } = job.document.limits;
    this.leases = new LeasesOut(shardSize(state.shard.units), wallMsMax, {
      ...watch,
      leaseHeld: (lease) => watch.leaseHeld(lease, this),
    });
    this.takeUp(state.leases, now);
    this.refill();
  }

  private get check(): CheckOrder | undefined {
    return this.shard.check;
  }

  get freeUnits(): number {
    return this.free.length;
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
    return isBegun && this.heldLeases.length === 0 ? this.free : [];
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
    if (this.free.length === 0 || !fits(this.job, asker)) return false;
    if (this.isForAll(asker)) return true;
    if (this.isKeptFrom(asker, now)) return false;
    return this.free.some((position) => this.mayTry(asker, position, now));
  }

  /** Leases up to `units` free units, the first of the shard first, but for those that rest for this account. */
  take(asker: KnownAsker, most: number, leaseId: LeaseId, now: number): LeaseFacts {
    // What a verifier looks at is the input of one unit, and so of one lease.
    const units = this.check?.verify === undefined ? most : 1;
    const taken = this.isForAll(asker)
      ? this.free.splice(-units, units)
      : this.takeOpen(asker, units, now);
    this.watch.freeChanged(-taken.length, this);
    // The first unit comes last in `free`; only what was put back may be elsewhere.
    taken.reverse();
    if (!isAscending(taken)) taken.sort((a, b) => a - b);
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
    const wanted = this.free.filter((p) => had.has(p) && runsInclude(facts.positions, p));
    const taken = wanted.filter((position) => this.isStillOpen(leaseId, position));
    this.unfreeAll(new Set(taken));
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
        if (!wasLeft) this.unfree(position);
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
        if (isReleased || !this.isStillOpen(lease.leaseId, position))
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
    const given = this.free.length;
    this.free = [];
    this.watch.freeChanged(-given, this);
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

  /** As many as are open to the host, up to `units`, looking at no more than that takes. */
  private takeOpen(asker: KnownAsker, units: number, now: number): number[] {
    const open: number[] = [];
    let suspect = -1;
    for (let i = this.free.length - 1; i >= 0 && open.length < units; i--) {
      const position = this.free[i] as number;
      if (!this.mayTry(asker, position, now)) continue;
      if (this.losses.isSuspect(position)) suspect = Math.max(suspect, i);
      else open.push(...this.free.splice(i, 1));
    }
    // What may have taken its hosts down goes out alone, and after the rest.
    if (open.length === 0 && suspect >= 0) return this.free.splice(suspect, 1);
    return open.reverse();
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
      const left = [...fromRuns(positions)].filter((p) => this.isStillOpen(leaseId, p));
      if (left.length > 0)
        this.leases.add({ leaseId, hostId, accountId, positions, shard }, left, now);
    }
  }

  /** Free is what is neither decided nor out; the first unit last, because grants take from the end. */
  private refill(): void {
    const before = this.free.length;
    this.free = [];
    for (let position = shardSize(this.state.shard.units) - 1; position >= 0; position--) {
      if (this.isOpen(position) && !this.leases.isOut(position)) this.free.push(position);
    }
    this.watch.freeChanged(this.free.length - before, this);
  }

  /** Frees a unit unless it is decided, free already, or out under another lease. */
  private putBack(position: number): void {
    if (!this.isOpen(position) || this.leases.isOut(position)) return;
    if (this.free.includes(position)) return;
    this.free.push(position);
    this.watch.freeChanged(1, this);
  }

  private unfree(position: number): void {
    const at = this.free.indexOf(position);
    if (at < 0) return;
    this.free.splice(at, 1);
    this.watch.freeChanged(-1, this);
  }

  private unfreeAll(positions: ReadonlySet<number>): void {
    this.free = this.free.filter((position) => !positions.has(position));
    this.watch.freeChanged(-positions.size, this);
  }

  /** Whether a unit of a lease is undecided and the lease has not reported on it yet. */
  private isStillOpen(leaseId: LeaseId, position: number): boolean {
    if (!this.state.isOpen(position)) return false;
    return !this.state.unit(position).ends.some((end) => end.leaseId === leaseId);
  }
}

const factsOf = ({ leaseId, hostId, accountId, shard, positions }: LeaseFacts): LeaseFacts => ({
  leaseId,
  hostId,
  accountId,
  shard,
  positions,
});

function isAscending(numbers: readonly number[]): boolean {
  for (let i = 1; i < numbers.length; i++) {
    if ((numbers[i] as number) < (numbers[i - 1] as number)) return false;
  }
  return true;
}

const everybodyHeard = (heard: readonly (readonly Heard[])[]): Heard[] => [
  ...new Map(heard.flat().map((one) => [`${one.accountId} ${one.network}`, one])).values(),
];

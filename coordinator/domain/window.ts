/**
 * The window: the shards that this coordinator holds, and which of their units are free, leased or
 * decided (BOINC's feeder). Pure memory: it says who gets what, and what a lapse of time frees; the
 * journal says what is true. Losing a window loses nothing but the knowledge of who is at work, and
 * that comes back from the journal's lease entries and from the hosts themselves.
 *
 *      hold(state)                grant                    decided
 *    ───────────────► free ───────────────► leased ─────────────────► (gone)
 *                      ▲                       │
 *                      └───────────────────────┘
 *                        release, expire, a result that did not decide
 */
import type { AccountId, HostId, JobId, LeaseId } from '../../protocol/ids.ts';
import type { UnitRuns } from '../../protocol/messages.ts';
import { FairShare } from './fair-share.ts';
import { fits, type JobFacts, weightOf } from './job.ts';
import { type LeaseFacts, leaseDurationMs } from './lease.ts';
import { Rests } from './rests.ts';
import { fromRuns, runsInclude, type ShardId, shardId, shardSize, toRuns } from './shard.ts';
import type { JournalLease, ShardState } from './shard-state.ts';

export type Asker = {
  hostId: HostId;
  accountId: AccountId;
  memoryBytes: number;
  /** Whether no host of another account is connected: then nothing rests for this one. */
  isAlone: boolean;
};

type HeldLease = LeaseFacts & { deadline: number; left: Set<number> };
type HeldShard = {
  state: ShardState;
  job: JobFacts;
  free: number[];
  leases: Map<LeaseId, HeldLease>;
  rests: Rests;
};

export class Window {
  private readonly shards = new Map<ShardId, HeldShard>();
  private readonly byLease = new Map<LeaseId, HeldShard>();
  private readonly share = new FairShare<JobId>();
  private readonly meanFuel = new Map<JobId, number>();
  private freeUnits = 0;

  /** Units that could be granted right now. */
  get free(): number {
    return this.freeUnits;
  }

  get shardIds(): ShardId[] {
    return [...this.shards.keys()];
  }

  get jobIds(): Set<JobId> {
    return new Set([...this.shards.values()].map((held) => held.job.jobId));
  }

  /** Jobs that have units to grant. */
  get freeJobIds(): Set<JobId> {
    const held = [...this.shards.values()].filter(({ free }) => free.length > 0);
    return new Set(held.map(({ job }) => job.jobId));
  }

  /**
   * Takes a shard in; one that is held already is refreshed. Units out under leases that the journal
   * knows stay out for one lease time: their hosts may come back and go on.
   */
  hold(job: JobFacts, state: ShardState, now: number): void {
    const id = shardId(state.shard);
    if (this.shards.has(id)) {
      this.refresh(state, now);
      return;
    }
    const held: HeldShard = { state, job, free: [], leases: new Map(), rests: new Rests() };
    this.shards.set(id, held);
    this.takeUp(held, state.leases, now);
    this.refill(held);
  }

  drop(id: ShardId): void {
    const held = this.shards.get(id);
    if (held === undefined) return;
    this.freeUnits -= held.free.length;
    for (const leaseId of held.leases.keys()) this.byLease.delete(leaseId);
    this.shards.delete(id);
    if (![...this.shards.values()].some(({ job }) => job.jobId === held.job.jobId)) {
      this.meanFuel.delete(held.job.jobId);
      this.share.forget(held.job.jobId);
    }
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
    const held = this.shards.get(shardId(state.shard));
    if (held === undefined) return;
    const before = held.state.leases;
    held.state = state;
    for (const lease of held.leases.values()) {
      lease.left = stillOpen(state, lease.leaseId, lease.left);
      if (lease.left.size === 0) this.forget(held, lease.leaseId);
    }
    const unheardOf = [...state.leases].filter(([id]) => !before.has(id) && !held.leases.has(id));
    this.takeUp(held, unheardOf, now);
    this.refill(held);
  }

  /**
   * Grants up to `units` units, of one shard, of the job whose turn it is among those the host can
   * run. Null when the window has nothing for this host.
   */
  grant(
    asker: Asker,
    units: number,
    leaseId: LeaseId,
    now: number,
  ): (LeaseFacts & { job: JobFacts }) | null {
    const candidates = new Map<JobId, HeldShard>();
    for (const held of this.shards.values()) {
      if (held.free.length === 0 || candidates.has(held.job.jobId)) continue;
      if (!fits(held.job, asker.memoryBytes)) continue;
      if (!held.free.some((position) => mayTry(held, asker, position, now))) continue;
      candidates.set(held.job.jobId, held);
    }
    const jobId = this.share.next(candidates.keys());
    const held = jobId === undefined ? undefined : candidates.get(jobId);
    if (held === undefined) return null;

    const taken = this.take(held, asker, units, now).sort((a, b) => a - b);
    const { job, state } = held;
    const facts: LeaseFacts = {
      leaseId,
      hostId: asker.hostId,
      accountId: asker.accountId,
      shard: state.shard,
      positions: toRuns(taken),
    };
    this.remember(held, facts, new Set(taken), now);
    this.share.charge(job.jobId, taken.length * this.fuelPerUnit(job.jobId), weightOf(job));
    return { ...facts, job };
  }

  /**
   * A host presents a lease after a reconnection, with the units of it that it still has. Those it
   * has lost are free at once: it would renew the lease for the others and never report them. Units
   * that were granted to somebody else meanwhile, or are not in the lease, it does not get. Returns
   * how many of the units it may go on with.
   */
  present(facts: LeaseFacts, positions: UnitRuns, now: number): number {
    const held = this.shards.get(shardId(facts.shard));
    if (held === undefined) return 0;
    const { leaseId, hostId } = facts;
    const had = new Set(fromRuns(positions));
    const known = held.leases.get(leaseId);
    if (known !== undefined) {
      known.deadline = now + leaseDurationMs;
      const lost = [...known.left].filter((position) => !had.has(position));
      this.release(leaseId, hostId, lost);
      return known.left.size;
    }
    const wanted = held.free.filter((p) => had.has(p) && runsInclude(facts.positions, p));
    const taken = stillOpen(held.state, leaseId, wanted);
    held.free = held.free.filter((position) => !taken.has(position));
    this.freeUnits -= taken.size;
    if (taken.size > 0) this.remember(held, facts, taken, now);
    return taken.size;
  }

  /** Extends a lease. False when it does not stand here (any more), or is another host's. */
  renew(leaseId: LeaseId, hostId: HostId, now: number): boolean {
    const lease = this.byLease.get(leaseId)?.leases.get(leaseId);
    if (lease === undefined || lease.hostId !== hostId) return false;
    lease.deadline = now + leaseDurationMs;
    return true;
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
    const lease = held.leases.get(leaseId);
    let settled = 0;
    for (const position of positions) {
      settled++;
      lease?.left.delete(position);
      if (held.state.unit(position).status === 'open') {
        held.rests.tried(position, accountId, now);
        this.free1(held, position);
      } else {
        held.rests.decided(position);
        this.unfree(held, position);
      }
    }
    if (lease?.left.size === 0) this.forget(held, leaseId);
    if (fuel > 0) this.learn(held.job.jobId, fuel / settled);
  }

  /** Gives units back before their deadline. Returns how many were freed. */
  release(leaseId: LeaseId, hostId: HostId, positions: Iterable<number>): number {
    const held = this.byLease.get(leaseId);
    const lease = held?.leases.get(leaseId);
    if (held === undefined || lease === undefined || lease.hostId !== hostId) return 0;
    let freed = 0;
    for (const position of positions) {
      if (!lease.left.delete(position)) continue;
      freed++;
      this.free1(held, position);
    }
    if (lease.left.size === 0) this.forget(held, leaseId);
    return freed;
  }

  /** Ends every lease past its deadline; its units are free at once. */
  expire(now: number): LeaseFacts[] {
    const expired: LeaseFacts[] = [];
    for (const held of this.shards.values()) {
      for (const lease of held.leases.values()) {
        if (lease.deadline > now) continue;
        expired.push(lease);
        this.forget(held, lease.leaseId);
        for (const position of lease.left) this.free1(held, position);
      }
    }
    return expired;
  }

  /** Units out under leases, by job: what a scientist sees as running. */
  running(jobId: JobId): number {
    let running = 0;
    for (const held of this.shards.values()) {
      if (held.job.jobId !== jobId) continue;
      const out = new Set<number>();
      for (const lease of held.leases.values())
        for (const position of lease.left)
          if (held.state.unit(position).status === 'open') out.add(position);
      running += out.size;
    }
    return running;
  }

  leasesOf(jobId: JobId): LeaseFacts[] {
    return [...this.shards.values()]
      .filter((held) => held.job.jobId === jobId)
      .flatMap((held) => [...held.leases.values()]);
  }

  /** Takes free units, the last of the list first, but for those that rest for this account. */
  private take(held: HeldShard, asker: Asker, units: number, now: number): number[] {
    let taken: number[];
    if (held.rests.isEmpty || asker.isAlone) taken = held.free.splice(-units, units);
    else {
      taken = held.free.filter((position) => mayTry(held, asker, position, now)).slice(-units);
      const gone = new Set(taken);
      held.free = held.free.filter((position) => !gone.has(position));
    }
    this.freeUnits -= taken.length;
    return taken;
  }

  /** Remembers leases that the journal tells of, with what is left of them. */
  private takeUp(held: HeldShard, leases: Iterable<[LeaseId, JournalLease]>, now: number): void {
    for (const [leaseId, { hostId, accountId, positions }] of leases) {
      const left = stillOpen(held.state, leaseId, fromRuns(positions));
      const facts = { leaseId, hostId, accountId, positions, shard: held.state.shard };
      if (left.size > 0) this.remember(held, facts, left, now);
    }
  }

  /** Free is what is neither decided nor out; the first unit last, because grants take from the end. */
  private refill(held: HeldShard): void {
    const out = new Set([...held.leases.values()].flatMap(({ left }) => [...left]));
    this.freeUnits -= held.free.length;
    held.free = [];
    for (let position = shardSize(held.state.shard.units) - 1; position >= 0; position--) {
      const isOpen = held.state.unit(position).status === 'open';
      if (isOpen && !out.has(position)) held.free.push(position);
    }
    this.freeUnits += held.free.length;
  }

  private remember(held: HeldShard, facts: LeaseFacts, left: Set<number>, now: number): void {
    held.leases.set(facts.leaseId, { ...facts, left, deadline: now + leaseDurationMs });
    this.byLease.set(facts.leaseId, held);
  }

  private forget(held: HeldShard, leaseId: LeaseId): void {
    held.leases.delete(leaseId);
    this.byLease.delete(leaseId);
  }

  /** Frees a unit unless it is decided, free already, or out under another lease. */
  private free1(held: HeldShard, position: number): void {
    if (held.state.unit(position).status !== 'open' || held.free.includes(position)) return;
    for (const lease of held.leases.values()) if (lease.left.has(position)) return;
    held.free.push(position);
    this.freeUnits++;
  }

  /** A late result decided a unit that was free again. */
  private unfree(held: HeldShard, position: number): void {
    const at = held.free.indexOf(position);
    if (at < 0) return;
    held.free.splice(at, 1);
    this.freeUnits--;
  }

  /**
   * What a unit of the job is expected to cost. Of a job that is new here nothing is known: it counts
   * as the others do on average, or its first grants would be as good as free and crowd them out.
   */
  private fuelPerUnit(jobId: JobId): number {
    const known = [...this.meanFuel.values()];
    const average = known.reduce((sum, fuel) => sum + fuel, 0) / Math.max(known.length, 1);
    return this.meanFuel.get(jobId) ?? Math.max(average, 1);
  }

  private learn(jobId: JobId, fuelPerUnit: number): void {
    const mean = this.meanFuel.get(jobId);
    this.meanFuel.set(jobId, mean === undefined ? fuelPerUnit : mean + 0.1 * (fuelPerUnit - mean));
  }
}

const mayTry = ({ rests }: HeldShard, asker: Asker, position: number, now: number): boolean =>
  rests.isEmpty || asker.isAlone || !rests.isResting(position, asker.accountId, now);

/** Of some units of a lease, those that are undecided and that it has not reported on yet. */
function stillOpen(state: ShardState, leaseId: LeaseId, positions: Iterable<number>): Set<number> {
  const open = new Set<number>();
  for (const position of positions) {
    const { status, ends } = state.unit(position);
    if (status === 'open' && !ends.some((end) => end.leaseId === leaseId)) open.add(position);
  }
  return open;
}

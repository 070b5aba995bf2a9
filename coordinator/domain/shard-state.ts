/**
 * What a journal adds up to: the units of one shard and the leases they were handed out under.
 * A pure fold over journal entries; `length` is how many bytes of the journal it stands for, which
 * is also the version that the next append is compared with.
 */
import type { AccountId, HostId, LeaseId } from '../../protocol/ids.ts';
import type { UnitRuns } from '../../protocol/messages.ts';
import { decodeEntries, encodeEntries, type JournalEntry } from './journal.ts';
import { fromRuns, type Shard, shardSize, toRuns } from './shard.ts';
import { accept, fail, type ReplicaEnd, type Unit } from './unit.ts';

export type JournalLease = { hostId: HostId; accountId: AccountId; positions: UnitRuns };

/** What there is to say of a unit that nothing was heard of. Shared: nobody writes to it. */
const untouched: Unit = { status: 'open', ends: [] };

export class ShardState {
  readonly shard: Shard;
  length = 0;
  undecided: number;
  readonly leases = new Map<LeaseId, JournalLease>();
  private readonly decided: Uint8Array;
  /** Whose success it was, of units with one success and nothing else: of nearly all. */
  private readonly successOf: (LeaseId | undefined)[];
  private readonly successFuel: Float64Array;
  /** All other units that something was heard of. */
  private readonly others = new Map<number, Unit>();
  private unwritten: JournalEntry[] = [];

  constructor(shard: Shard) {
    const units = shardSize(shard.units);
    this.shard = shard;
    this.undecided = units;
    this.decided = new Uint8Array(units);
    this.successOf = new Array(units);
    this.successFuel = new Float64Array(units);
  }

  static replay(shard: Shard, journal: Uint8Array): ShardState {
    const state = new ShardState(shard);
    for (const entry of decodeEntries(journal)) state.fold(entry);
    state.length = journal.length;
    return state;
  }

  unit(position: number): Unit {
    const other = this.others.get(position);
    if (other !== undefined) return other;
    const leaseId = this.successOf[position];
    if (leaseId === undefined) return untouched;
    const ends = [this.success(leaseId, this.successFuel[position] ?? 0)];
    if (this.isOpen(position)) return { status: 'open', ends };
    return { status: 'accepted', canonical: leaseId, ends };
  }

  isOpen(position: number): boolean {
    return this.decided[position] === 0;
  }

  /** Whether a unit of a lease is undecided, and no report under the lease has told of it yet. */
  isOpenFor(leaseId: LeaseId, position: number): boolean {
    return (
      this.isOpen(position) && !this.unit(position).ends.some((end) => end.leaseId === leaseId)
    );
  }

  /** Whether nothing at all was heard of the unit. */
  isUntouched(position: number): boolean {
    return (
      this.isOpen(position) &&
      this.successOf[position] === undefined &&
      (this.others.size === 0 || !this.others.has(position))
    );
  }

  get isClosed(): boolean {
    return this.undecided === 0;
  }

  /** Applies entries; `takeBytes` gives what is to be appended to make them true. */
  apply(entries: readonly JournalEntry[]): void {
    for (const entry of entries) {
      this.fold(entry);
      this.unwritten.push(entry);
    }
  }

  /** The bytes of all entries that were applied since the last time. Empty when there were none. */
  takeBytes(): Uint8Array {
    const bytes = encodeEntries(this.unwritten);
    this.unwritten = [];
    this.length += bytes.length;
    return bytes;
  }

  private fold(entry: JournalEntry): void {
    switch (entry.kind) {
      case 'leased':
        this.leases.set(entry.leaseId, entry);
        return;
      case 'released':
        this.release(entry.leaseId, entry.positions);
        return;
      case 'recorded': {
        const { leaseId } = entry;
        const { accountId } = this.lease(leaseId);
        for (const { position, outcome, exitCode, fuel } of entry.results) {
          this.addEnd(position, { leaseId, accountId, outcome, exitCode, fuel });
        }
        return;
      }
      case 'succeeded': {
        const { leaseId, fuel } = entry;
        let i = 0;
        for (const run of entry.positions) {
          const from = run[0];
          const count = run[1];
          for (let position = from; position < from + count; position++) {
            this.succeed(position, leaseId, fuel[i++] ?? 0);
          }
        }
        return;
      }
      case 'accepted':
        for (const run of entry.positions) {
          const from = run[0];
          const count = run[1];
          for (let position = from; position < from + count; position++) {
            this.accept(position, entry.leaseId);
          }
        }
        return;
      case 'failed':
        for (const position of entry.positions) {
          this.decide(position, fail(this.unit(position), entry.reason));
        }
        return;
    }
  }

  private release(leaseId: LeaseId, positions: UnitRuns): void {
    const lease = this.leases.get(leaseId);
    if (lease === undefined) return;
    const gone = new Set(fromRuns(positions));
    const kept = [...fromRuns(lease.positions)].filter((position) => !gone.has(position));
    this.leases.set(leaseId, { ...lease, positions: toRuns(kept) });
  }

  private succeed(position: number, leaseId: LeaseId, fuel: number): void {
    if (!this.isUntouched(position)) {
      this.addEnd(position, this.success(leaseId, fuel));
      return;
    }
    this.successOf[position] = leaseId;
    this.successFuel[position] = fuel;
  }

  private accept(position: number, leaseId: LeaseId): void {
    if (this.successOf[position] !== leaseId || !this.isOpen(position)) {
      this.decide(position, accept(this.unit(position), leaseId));
      return;
    }
    this.decided[position] = 1;
    this.undecided--;
  }

  private addEnd(position: number, end: ReplicaEnd): void {
    const unit = this.unit(position);
    this.set(position, { ...unit, ends: [...unit.ends, end] });
  }

  private decide(position: number, unit: Unit): void {
    this.set(position, unit);
    this.decided[position] = 1;
    this.undecided--;
  }

  private set(position: number, unit: Unit): void {
    this.successOf[position] = undefined;
    this.others.set(position, unit);
  }

  private success(leaseId: LeaseId, fuel: number): ReplicaEnd {
    const { accountId } = this.lease(leaseId);
    return { leaseId, accountId, outcome: 'success', exitCode: 0, fuel };
  }

  private lease(leaseId: LeaseId): JournalLease {
    const lease = this.leases.get(leaseId);
    if (lease === undefined) throw new Error(`results of lease ${leaseId} before the lease`);
    return lease;
  }
}

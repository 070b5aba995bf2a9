/**
 * What a journal adds up to: the units of one shard and the leases they were handed out under.
 * A pure fold over journal entries; `length` is how many bytes of the journal it stands for, which
 * is also the version that the next append is compared with.
 */
import type { AccountId, HostId, LeaseId } from '../../protocol/ids.ts';
import type { UnitRuns } from '../../protocol/messages.ts';
import { decodeEntries, encodeEntry, type JournalEntry } from './journal.ts';
import { fromRuns, type Shard, shardSize, toRuns } from './shard.ts';
import { accept, fail, type Unit } from './unit.ts';

export type JournalLease = { hostId: HostId; accountId: AccountId; positions: UnitRuns };

/** What there is to say of a unit that nothing was heard of. Shared: nobody writes to it. */
const untouched: Unit = { status: 'open', ends: [] };

export class ShardState {
  readonly shard: Shard;
  length = 0;
  undecided: number;
  readonly leases = new Map<LeaseId, JournalLease>();
  private readonly units: (Unit | undefined)[];

  constructor(shard: Shard) {
    this.shard = shard;
    this.undecided = shardSize(shard.units);
    this.units = new Array(this.undecided);
  }

  static replay(shard: Shard, journal: Uint8Array): ShardState {
    const state = new ShardState(shard);
    for (const entry of decodeEntries(journal)) state.apply(entry);
    state.length = journal.length;
    return state;
  }

  unit(position: number): Unit {
    return this.units[position] ?? untouched;
  }

  get isClosed(): boolean {
    return this.undecided === 0;
  }

  /** Applies entries and returns their bytes, for the append that makes them true. */
  append(entries: readonly JournalEntry[]): Uint8Array[] {
    return entries.map((entry) => {
      this.apply(entry);
      const bytes = encodeEntry(entry);
      this.length += bytes.length;
      return bytes;
    });
  }

  private apply(entry: JournalEntry): void {
    switch (entry.kind) {
      case 'leased':
        this.leases.set(entry.leaseId, entry);
        return;
      case 'released': {
        const lease = this.leases.get(entry.leaseId);
        if (lease === undefined) return;
        const gone = new Set(fromRuns(entry.positions));
        const kept = [...fromRuns(lease.positions)].filter((position) => !gone.has(position));
        this.leases.set(entry.leaseId, { ...lease, positions: toRuns(kept) });
        return;
      }
      case 'recorded': {
        const { leaseId } = entry;
        const lease = this.leases.get(leaseId);
        if (lease === undefined) throw new Error(`results of lease ${leaseId} before the lease`);
        const { accountId } = lease;
        for (const { position, outcome, exitCode, fuel } of entry.results) {
          const end = { leaseId, accountId, outcome, exitCode, fuel };
          const unit = this.units[position];
          if (unit === undefined) this.units[position] = { status: 'open', ends: [end] };
          else unit.ends.push(end);
        }
        return;
      }
      case 'accepted':
        for (const position of entry.positions) {
          this.units[position] = accept(this.unit(position), entry.leaseId);
          this.undecided--;
        }
        return;
      case 'failed':
        for (const position of entry.positions) {
          this.units[position] = fail(this.unit(position), entry.reason);
          this.undecided--;
        }
        return;
    }
  }
}

/**
 * The journal of a shard: everything that happened to its units, in order, as appended bytes. It is
 * the truth about them; every other view (the window, the results, a recount of the ledger) is a
 * replay of it. What a host said (`recorded`, `succeeded`) and what we made of it (`accepted`,
 * `failed`) are entries of their own, so that audits can decide again without touching what was said.
 *
 * Bytes: MessagePack values one after the other, each an array that starts with its kind. A later
 * format adds kinds; none is ever changed.
 */
import { Packr } from 'msgpackr';
import type { AccountId, HostId, LeaseId } from '../../protocol/ids.ts';
import type { UnitRuns } from '../../protocol/messages.ts';
import { type Outcome, outcomes } from '../../protocol/outcome.ts';
import { unpackSuccesses } from '../../protocol/report.ts';
import { flatRuns, runsFromFlat } from './shard.ts';
import { smallNumbersAt, stepOver } from './step-over.ts';

export type RecordedResult = {
  position: number;
  outcome: Outcome;
  exitCode: number | null;
  fuel: number;
  /** The encoded output when small; null when it is an artifact, named by `digest`. */
  output: Uint8Array | null;
  digest: Uint8Array | null;
  detail: string;
};

/** Successes with their outputs here, in columns, as nearly all results are. */
export type Successes = {
  positions: UnitRuns;
  /** One for each position. */
  fuel: readonly number[];
  /** Encoded outputs, one after the other (protocol/output.ts). */
  outputs: Uint8Array;
};

export type JournalEntry =
  | { kind: 'leased'; leaseId: LeaseId; hostId: HostId; accountId: AccountId; positions: UnitRuns }
  | { kind: 'released'; leaseId: LeaseId; positions: UnitRuns }
  | { kind: 'recorded'; leaseId: LeaseId; results: RecordedResult[] }
  | ({ kind: 'succeeded'; leaseId: LeaseId } & Successes)
  | { kind: 'accepted'; leaseId: LeaseId; positions: UnitRuns }
  | { kind: 'failed'; positions: number[]; reason: string };

const codes = {
  leased: 1,
  recorded: 2,
  accepted: 3,
  failed: 4,
  released: 5,
  succeeded: 6,
  succeededAndAccepted: 7,
  leasedToAccepted: 8,
} as const;
/** An array of eight, as `encodeEntries` makes it. */
const leasedToAcceptedHead = 0x98;
const packr = new Packr({ useRecords: false, int64AsType: 'number' });

/** The bytes to append. In one go, because each call of the packer costs as much as an entry. */
export function encodeEntries(entries: readonly JournalEntry[]): Uint8Array {
  const tuples: unknown[] = [];
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i] as JournalEntry;
    if (entry.kind === 'leased' && isSuccess(entries, i + 1, entry.leaseId)) {
      const { leaseId, hostId, accountId, positions } = entry;
      const succeeded = entries[i + 1] as SucceededEntry;
      const columns = [flatRuns(succeeded.positions), succeeded.fuel, succeeded.outputs];
      tuples.push([
        codes.leasedToAccepted,
        leaseId,
        ...columns,
        hostId,
        accountId,
        flatRuns(positions),
      ]);
      i += 2;
    } else if (entry.kind === 'succeeded' && isSuccess(entries, i, entry.leaseId)) {
      const { leaseId, positions, fuel, outputs } = entry;
      tuples.push([codes.succeededAndAccepted, leaseId, flatRuns(positions), fuel, outputs]);
      i++;
    } else tuples.push(toTuple(entry));
  }
  return packr.pack(tuples).subarray(arrayHeaderBytes(tuples.length));
}

type SucceededEntry = Extract<JournalEntry, { kind: 'succeeded' }>;

/**
 * Whether at `i` some successes of a lease are followed by their acceptance. That is nearly always so:
 * the two share a tuple, and the lease's own entry is in it too when it comes right before.
 */
function isSuccess(entries: readonly JournalEntry[], i: number, leaseId: LeaseId): boolean {
  const [said, made] = [entries[i], entries[i + 1]];
  if (said?.kind !== 'succeeded' || made?.kind !== 'accepted') return false;
  return said.leaseId === leaseId && made.leaseId === leaseId && made.positions === said.positions;
}

/** What MessagePack puts before the elements of an array: fixarray, array 16, array 32. */
function arrayHeaderBytes(length: number): number {
  if (length < 16) return 1;
  return length < 65_536 ? 3 : 5;
}

function toTuple(entry: JournalEntry): unknown[] {
  switch (entry.kind) {
    case 'leased':
      return [
        codes.leased,
        entry.leaseId,
        entry.hostId,
        entry.accountId,
        flatRuns(entry.positions),
      ];
    case 'released':
      return [codes.released, entry.leaseId, flatRuns(entry.positions)];
    case 'recorded':
      return [codes.recorded, entry.leaseId, entry.results.map(resultTuple)];
    case 'succeeded':
      return [codes.succeeded, entry.leaseId, flatRuns(entry.positions), entry.fuel, entry.outputs];
    case 'accepted':
      return [codes.accepted, entry.leaseId, flatRuns(entry.positions)];
    case 'failed':
      return [codes.failed, entry.positions, entry.reason];
  }
}

/** Trailing fields that say nothing (no exit code to tell, no artifact, no detail) are left out. */
function resultTuple(result: RecordedResult): unknown[] {
  const tuple: unknown[] = [
    result.position,
    outcomes.indexOf(result.outcome),
    result.fuel,
    result.output,
    result.digest,
    result.exitCode,
    result.detail,
  ];
  const said = [
    true,
    true,
    true,
    true,
    result.digest !== null,
    result.exitCode !== null,
    result.detail !== '',
  ];
  return tuple.slice(0, said.lastIndexOf(true) + 1);
}

/** Throws when the bytes are not a journal: they are ours, so that is corruption or a bug. */
export function decodeEntries(bytes: Uint8Array): JournalEntry[] {
  if (bytes.length === 0) return [];
  const tuples = packr.unpackMultiple(bytes);
  if (!Array.isArray(tuples)) throw new Error('a journal did not decode');
  return tuples.flatMap(toEntries);
}

/**
 * The positions, as flat runs, of the tuple at this byte when it is a lease with successes and their
 * acceptance; null when it is anything else. Decodes nothing else of it.
 */
export function acceptedAtOnce(journal: Uint8Array, at: number): number[] | null {
  if (journal[at] !== leasedToAcceptedHead || journal[at + 1] !== codes.leasedToAccepted)
    return null;
  return smallNumbersAt(journal, stepOver(journal, at + 2));
}

/** Successes one by one. Throws when their outputs are not: they were looked at before they got here. */
export function resultsOf({ positions, fuel, outputs }: Successes): RecordedResult[] {
  const rows = unpackSuccesses({ units: positions, fuel: [...fuel], outputs });
  if (rows === null) throw new Error('successes whose outputs are not canonical');
  return rows.map(({ unit, fuel, output }) => ({
    position: unit,
    outcome: 'success',
    exitCode: 0,
    fuel,
    output,
    digest: null,
    detail: '',
  }));
}

// biome-ignore lint/suspicious/noExplicitAny: the shapes were written by encodeEntries above
function toEntries(tuple: any): JournalEntry | JournalEntry[] {
  switch (tuple?.[0]) {
    case codes.leased:
      return {
        kind: 'leased',
        leaseId: tuple[1],
        hostId: tuple[2],
        accountId: tuple[3],
        positions: runsFromFlat(tuple[4]),
      };
    case codes.released:
      return { kind: 'released', leaseId: tuple[1], positions: runsFromFlat(tuple[2]) };
    case codes.recorded:
      return { kind: 'recorded', leaseId: tuple[1], results: tuple[2].map(toResult) };
    case codes.succeeded:
      return {
        kind: 'succeeded',
        leaseId: tuple[1],
        positions: runsFromFlat(tuple[2]),
        fuel: tuple[3],
        outputs: tuple[4],
      };
    case codes.succeededAndAccepted:
      return accepted(tuple);
    case codes.leasedToAccepted: {
      const [, leaseId, , , , hostId, accountId, flat] = tuple;
      return [
        { kind: 'leased', leaseId, hostId, accountId, positions: runsFromFlat(flat) },
        ...accepted(tuple),
      ];
    }
    case codes.accepted:
      return { kind: 'accepted', leaseId: tuple[1], positions: runsFromFlat(tuple[2]) };
    case codes.failed:
      return { kind: 'failed', positions: tuple[1], reason: tuple[2] };
    default:
      throw new Error(`a journal holds an entry of unknown kind ${tuple?.[0]}`);
  }
}

// biome-ignore lint/suspicious/noExplicitAny: as above
function toResult(tuple: any): RecordedResult {
  const outcome = outcomes[tuple[1]];
  if (outcome === undefined) throw new Error(`a journal holds the unknown outcome ${tuple[1]}`);
  return {
    position: tuple[0],
    outcome,
    fuel: tuple[2],
    output: tuple[3],
    digest: tuple[4] ?? null,
    exitCode: tuple[5] ?? null,
    detail: tuple[6] ?? '',
  };
}

// biome-ignore lint/suspicious/noExplicitAny: as above
function accepted([, leaseId, flat, fuel, outputs]: any): JournalEntry[] {
  const positions = runsFromFlat(flat);
  return [
    { kind: 'succeeded', leaseId, positions, fuel, outputs },
    { kind: 'accepted', leaseId, positions },
  ];
}

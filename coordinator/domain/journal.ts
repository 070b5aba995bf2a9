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
import { endsOfOutputs } from '../../protocol/output.ts';
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

/** A result, and whose it is. */
export type Ended = {
  leaseId: LeaseId;
  hostId: HostId;
  accountId: AccountId;
  result: RecordedResult;
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
const known: ReadonlySet<number> = new Set(Object.values(codes));
/** What MessagePack begins an array of three, five and eight with. */
const [arrayOf3, arrayOf5, arrayOf8] = [0x93, 0x95, 0x98];
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
 * The digests of all outputs that a journal names, whoever reported them and whatever became of them. Throws at entries
 * of a kind that is not known here: they may name some.
 */
export function* outputsNamed(journal: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < journal.length; ) {
    const end = stepOver(journal, at);
    const code = journal[at + 1] ?? 0;
    if (!known.has(code)) throw new Error(`a journal holds an entry of unknown kind ${code}`);
    if (code === codes.recorded) {
      const [, , results] = packr.unpack(journal.subarray(at, end));
      for (const { digest } of results.map(toResult)) if (digest !== null) yield digest;
    }
    at = end;
  }
}

/** What a tuple is that is looked at without being decoded, and the positions it is about, as flat runs. */
export type Glance = { kind: 'leased' | 'released' | 'accepted'; positions: number[] };

/**
 * The tuple at this byte: `accepted` when it has successes and their acceptance in one. Null when it is
 * anything else.
 */
export function glanceAt(journal: Uint8Array, at: number): Glance | null {
  const head = journal[at];
  const code = journal[at + 1];
  if (head === arrayOf8 && code === codes.leasedToAccepted)
    return glance('accepted', journal, stepOver(journal, at + 2));
  if (head === arrayOf5 && code === codes.succeededAndAccepted)
    return glance('accepted', journal, stepOver(journal, at + 2));
  if (head === arrayOf5 && code === codes.leased) {
    const hostId = stepOver(journal, at + 2);
    return glance('leased', journal, stepOver(journal, stepOver(journal, hostId)));
  }
  if (head === arrayOf3 && code === codes.released)
    return glance('released', journal, stepOver(journal, at + 2));
  return null;
}

function glance(kind: Glance['kind'], journal: Uint8Array, at: number): Glance | null {
  const positions = smallNumbersAt(journal, at);
  return positions === null ? null : { kind, positions };
}

/**
 * Of an `accepted` tuple the result at one of its positions, and whose it is: as the tuple tells, or else
 * the one at `leased`. Null when that is none, or another lease: then the lease's entry is elsewhere. Throws
 * when the position is not in the tuple.
 */
export function resultAt(
  journal: Uint8Array,
  at: number,
  position: number,
  leased: number,
): Ended | null {
  const tuple = decodeAt(journal, at);
  const [code, leaseId, flat, fuel, outputs] = tuple;
  const index = indexInRuns(flat, position);
  const ends = endsOfOutputs(outputs, fuel.length);
  if (index < 0 || ends === null) throw new Error(`a journal holds no result of ${position} here`);
  const output = outputs.subarray(ends[index - 1] ?? 0, ends[index]);
  const result = success(position, fuel[index], output);
  if (code === codes.leasedToAccepted)
    return { leaseId, hostId: tuple[5], accountId: tuple[6], result };
  if (leased < 0) return null;
  const [, leasedId, hostId, accountId] = decodeAt(journal, leased);
  return leasedId === leaseId ? { leaseId, hostId, accountId, result } : null;
}

const decodeAt = (journal: Uint8Array, at: number) =>
  packr.unpack(journal.subarray(at, stepOver(journal, at)));

/** How many positions stand before this one in flat runs; -1 when it is not in them. */
function indexInRuns(flat: readonly number[], position: number): number {
  let before = 0;
  for (let i = 0; i < flat.length; i += 2) {
    const [from = 0, count = 0] = [flat[i], flat[i + 1]];
    if (position >= from && position < from + count) return before + position - from;
    before += count;
  }
  return -1;
}

/** Successes one by one. Throws when their outputs are not: they were looked at before they got here. */
export function resultsOf({ positions, fuel, outputs }: Successes): RecordedResult[] {
  const rows = unpackSuccesses({ units: positions, fuel: [...fuel], outputs });
  if (rows === null) throw new Error('successes whose outputs are not canonical');
  return rows.map(({ unit, fuel, output }) => success(unit, fuel, output));
}

const success = (position: number, fuel: number, output: Uint8Array): RecordedResult => ({
  position,
  outcome: 'success',
  exitCode: 0,
  fuel,
  output,
  digest: null,
  detail: '',
});

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

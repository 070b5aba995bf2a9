/**
 * The journal of a shard: everything that happened to its units, in order, as appended bytes. It is
 * the truth about them; every other view (the window, the results, a recount of the ledger) is a
 * replay of it. What a host said (`recorded`) and what we made of it (`accepted`, `failed`) are
 * entries of their own, so that audits can decide again without touching what was said.
 *
 * Bytes: MessagePack values one after the other, each an array that starts with its kind. A later
 * format adds kinds; none is ever changed.
 */
import { Packr } from 'msgpackr';
import type { AccountId, HostId, LeaseId } from '../../protocol/ids.ts';
import type { UnitRuns } from '../../protocol/messages.ts';
import { type Outcome, outcomes } from '../../protocol/outcome.ts';

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

export type JournalEntry =
  | { kind: 'leased'; leaseId: LeaseId; hostId: HostId; accountId: AccountId; positions: UnitRuns }
  | { kind: 'released'; leaseId: LeaseId; positions: UnitRuns }
  | { kind: 'recorded'; leaseId: LeaseId; results: RecordedResult[] }
  | { kind: 'accepted'; leaseId: LeaseId; positions: number[] }
  | { kind: 'failed'; positions: number[]; reason: string };

const codes = { leased: 1, recorded: 2, accepted: 3, failed: 4, released: 5 } as const;
const packr = new Packr({ useRecords: false, int64AsType: 'number' });

export function encodeEntry(entry: JournalEntry): Uint8Array {
  return packr.pack(toTuple(entry));
}

function toTuple(entry: JournalEntry): unknown[] {
  switch (entry.kind) {
    case 'leased':
      return [codes.leased, entry.leaseId, entry.hostId, entry.accountId, entry.positions.flat()];
    case 'released':
      return [codes.released, entry.leaseId, entry.positions.flat()];
    case 'recorded':
      return [codes.recorded, entry.leaseId, entry.results.map(resultTuple)];
    case 'accepted':
      return [codes.accepted, entry.leaseId, entry.positions];
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
  return tuples.map(toEntry);
}

// biome-ignore lint/suspicious/noExplicitAny: the shapes were written by encodeEntry above
function toEntry(tuple: any): JournalEntry {
  switch (tuple?.[0]) {
    case codes.leased:
      return {
        kind: 'leased',
        leaseId: tuple[1],
        hostId: tuple[2],
        accountId: tuple[3],
        positions: pairs(tuple[4]),
      };
    case codes.released:
      return { kind: 'released', leaseId: tuple[1], positions: pairs(tuple[2]) };
    case codes.recorded:
      return { kind: 'recorded', leaseId: tuple[1], results: tuple[2].map(toResult) };
    case codes.accepted:
      return { kind: 'accepted', leaseId: tuple[1], positions: tuple[2] };
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

const pairs = (flat: number[]): UnitRuns =>
  Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i] ?? 0, flat[2 * i + 1] ?? 0]);

/** Random journal entries and reports for property tests. */
import fc from 'fast-check';
import type { JournalEntry, RecordedResult } from '../../../coordinator/domain/journal.ts';
import { toRuns } from '../../../coordinator/domain/shard.ts';
import { outcomes } from '../../../protocol/outcome.ts';
import { accountId, aHostError, aResult, aTrap, hostId, leaseId } from '../builders.ts';

export const anyBytes = fc.uint8Array({ maxLength: 1024 });
const position = fc.nat(255);
const positions = fc
  .uniqueArray(position, { minLength: 1, maxLength: 20 })
  .map((values) => values.sort((a, b) => a - b));
const runs = positions.map(toRuns);
const id = fc.nat(5);

const result: fc.Arbitrary<RecordedResult> = fc.record({
  position,
  outcome: fc.constantFrom(...outcomes),
  exitCode: fc.option(fc.integer(), { nil: null }),
  fuel: fc.nat(Number.MAX_SAFE_INTEGER),
  output: fc.option(anyBytes, { nil: null }),
  digest: fc.option(fc.uint8Array({ minLength: 32, maxLength: 32 }), { nil: null }),
  detail: fc.string({ maxLength: 40, unit: 'grapheme' }),
});

/** An entry of any kind. A row of them is no possible history, only bytes to be read back. */
export const anyEntry: fc.Arbitrary<JournalEntry> = fc.oneof(
  fc.record({
    kind: fc.constant('leased' as const),
    leaseId: id.map(leaseId),
    hostId: id.map(hostId),
    accountId: id.map(accountId),
    positions: runs,
  }),
  fc.record({ kind: fc.constant('released' as const), leaseId: id.map(leaseId), positions: runs }),
  fc.record({
    kind: fc.constant('recorded' as const),
    leaseId: id.map(leaseId),
    results: fc.array(result, { maxLength: 6 }),
  }),
  fc.record({ kind: fc.constant('accepted' as const), leaseId: id.map(leaseId), positions: runs }),
  fc.record({
    kind: fc.constant('succeeded' as const),
    leaseId: id.map(leaseId),
    positions: runs,
    fuel: fc.array(fc.nat(Number.MAX_SAFE_INTEGER), { maxLength: 20 }),
    outputs: anyBytes,
  }),
  fc.record({
    kind: fc.constant('failed' as const),
    positions,
    reason: fc.string({ maxLength: 40, unit: 'grapheme' }),
  }),
);

/** How a run may end, with two kinds of trap that do not agree with each other. */
const ends = {
  success: (at: number) => aResult(at),
  trap: (at: number) => aTrap(at, 500),
  otherTrap: (at: number) => aTrap(at, 501),
  exit: (at: number) => aResult(at, { outcome: 'kernel_exit', exitCode: 3, output: null }),
  hostError: (at: number) => aHostError(at),
  timeExceeded: (at: number) =>
    aResult(at, { outcome: 'time_exceeded', exitCode: null, output: null }),
} as const;
export type End = keyof typeof ends;
export const endWith = (end: End, at: number): RecordedResult => ends[end](at);

/** Successes are one in three, so that units have a history before they are decided. */
export const anyEnd: fc.Arbitrary<End> = fc.oneof(
  fc.constant<End>('success'),
  fc.constantFrom<End>('trap', 'otherTrap', 'exit'),
  fc.constantFrom<End>('hostError', 'timeExceeded'),
);

/** A report of one of `leases` leases, of accounts that hold two leases each. */
export type Report = { lease: number; account: number; ends: [number, End][] };
export const anyReport = (units: number, leases: number): fc.Arbitrary<Report> =>
  fc
    .record({
      lease: fc.integer({ min: 1, max: leases }),
      ends: fc.array(fc.tuple(fc.nat(units - 1), anyEnd), { minLength: 1, maxLength: 4 }),
    })
    .map((report) => ({ ...report, account: Math.ceil(report.lease / 2) }));

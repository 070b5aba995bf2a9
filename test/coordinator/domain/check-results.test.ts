import { describe, expect, it } from 'vitest';
import { checkResults } from '../../../coordinator/domain/check-results.ts';
import { encodeEntries, type JournalEntry } from '../../../coordinator/domain/journal.ts';
import type { Shard } from '../../../coordinator/domain/shard.ts';
import { encodeOutput } from '../../../protocol/output.ts';
import { accountId, aResult, hostId, jobId, leaseId } from '../builders.ts';

const shard: Shard = { jobId: jobId(1), number: 9, units: { list: [12, 70] } };
const output = encodeOutput({ stdout: Buffer.from('four'), files: {} });

const leased = (number: number, at: number): JournalEntry => ({
  kind: 'leased',
  leaseId: leaseId(number),
  hostId: hostId(number),
  accountId: accountId(number),
  positions: [[at, 1]],
});

function accepted(number: number, at: number): JournalEntry[] {
  const positions: [number, number][] = [[at, 1]];
  return [
    { kind: 'succeeded', leaseId: leaseId(number), positions, fuel: [7], outputs: output },
    { kind: 'accepted', leaseId: leaseId(number), positions },
  ];
}

const brought = (...entries: JournalEntry[]) =>
  checkResults(shard, encodeEntries(entries))?.map((results) =>
    results.map((one) => `${one.hostId} ${one.result.outcome}`),
  );

describe('what a check has brought', () => {
  it('is what was recorded of each of its units', () => {
    expect(brought(leased(1, 1), ...accepted(1, 1), leased(2, 0), ...accepted(2, 0))).toEqual([
      [`${hostId(2)} success`],
      [`${hostId(1)} success`],
    ]);
  });

  it('is nothing while a unit is undecided', () => {
    expect(brought(leased(1, 1), ...accepted(1, 1))).toBeUndefined();
    expect(brought(leased(1, 1), ...accepted(1, 1), leased(2, 0))).toBeUndefined();
  });

  it('is also what failed, and what came of a unit before it was accepted', () => {
    const trap = aResult(0, { outcome: 'kernel_trap', detail: 'unreachable' });
    const first: JournalEntry[] = [
      leased(3, 0),
      { kind: 'recorded', leaseId: leaseId(3), results: [trap] },
    ];
    expect(
      brought(...first, leased(1, 1), ...accepted(1, 1), leased(2, 0), ...accepted(2, 0)),
    ).toEqual([[`${hostId(3)} kernel_trap`, `${hostId(2)} success`], [`${hostId(1)} success`]]);
  });
});

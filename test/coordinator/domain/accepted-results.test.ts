import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AcceptedResults } from '../../../coordinator/domain/accepted-results.ts';
import { resultsAccepted } from '../../../coordinator/domain/decided-units.ts';
import { encodeEntries, type JournalEntry } from '../../../coordinator/domain/journal.ts';
import type { UnitRuns } from '../../../protocol/messages.ts';
import { encodeOutput } from '../../../protocol/output.ts';
import { accountId, aResult, hostId, leaseId } from '../builders.ts';

const output = (text: string) =>
  encodeOutput({ stdout: new TextEncoder().encode(text), files: {} });

/** A lease whose units all succeed in one report. */
function atOnce(number: number, positions: UnitRuns): JournalEntry[] {
  const lease = leaseId(number);
  const units = positions.flatMap(([from, count]) =>
    Array.from({ length: count }, (_, i) => from + i),
  );
  const outputs = Buffer.concat(units.map((unit) => output(`${number}: ${unit}`)));
  const fuel = units.map((unit) => 2 ** 33 + unit);
  return [
    {
      kind: 'leased',
      leaseId: lease,
      hostId: hostId(number % 3),
      accountId: accountId(number % 3),
      positions,
    },
    { kind: 'succeeded', leaseId: lease, positions, fuel, outputs },
    { kind: 'accepted', leaseId: lease, positions },
  ];
}

/** Each commit is packed by itself, as when it happened. */
const journalOf = (commits: readonly JournalEntry[][]) =>
  Buffer.concat(commits.map((entries) => encodeEntries(entries)));

const units = 700;

function expectAll(journal: Uint8Array): void {
  const [lean, whole] = [new AcceptedResults(journal, units), resultsAccepted(journal)];
  for (let position = 0; position < units; position++)
    expect(lean.find(position)).toEqual(whole.get(position));
}

describe('the accepted results of a journal', () => {
  it('are found one by one as they are when all of it is decoded', () => {
    const sizes = fc.array(fc.tuple(fc.nat(9), fc.integer({ min: 1, max: 30 })), { maxLength: 20 });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 5 }), (gaps, leasesPerCommit) => {
        const leases: JournalEntry[][] = [];
        let at = 0;
        for (const [gap, count] of gaps) {
          leases.push(atOnce(leases.length, [[at + gap, count]]));
          at += gap + count;
        }
        const commits: JournalEntry[][] = [];
        while (leases.length > 0) commits.push(leases.splice(0, leasesPerCommit).flat());
        expectAll(journalOf(commits));
      }),
      { numRuns: 50 },
    );
  });

  it('of leases on several runs are found in each', () => {
    expectAll(
      journalOf([
        atOnce(1, [
          [3, 4],
          [300, 2],
          [600, 100],
        ]),
      ]),
    );
  });

  it('are found where leases were reported in parts, failed, or came late', () => {
    const [leased, ...rest] = atOnce(2, [[10, 4]]);
    const parts = [10, 12].map((from): JournalEntry[] => {
      const [, succeeded, accepted] = atOnce(2, [[from, 2]]);
      return [succeeded, accepted] as JournalEntry[];
    });
    const [, late] = atOnce(4, [[0, 1]]);
    const failed = aResult(20, { outcome: 'kernel_trap', detail: 'unreachable' });
    const journal = journalOf([
      atOnce(1, [[0, 4]]),
      [leased as JournalEntry, ...(parts[0] ?? [])],
      parts[1] ?? [],
      [...atOnce(4, [[0, 1]]).slice(0, 1), late as JournalEntry],
      [
        ...atOnce(5, [[20, 1]]).slice(0, 1),
        { kind: 'recorded', leaseId: leaseId(5), results: [failed] },
      ],
    ]);
    expect(rest).toHaveLength(2);
    expectAll(journal);
    expect(new AcceptedResults(journal, units).find(13)?.hostId).toBe(hostId(2));
    expect(new AcceptedResults(journal, units).find(20)).toBeUndefined();
  });

  it('are found where leases were written before their results, and some given back', () => {
    const [one, two, three] = [atOnce(1, [[0, 4]]), atOnce(2, [[4, 4]]), atOnce(3, [[4, 4]])];
    const journal = journalOf([
      [...one.slice(0, 1), ...two.slice(0, 1)],
      one.slice(1),
      [{ kind: 'released', leaseId: leaseId(2), positions: [[4, 4]] }],
      three,
    ]);
    expectAll(journal);
    expect(new AcceptedResults(journal, units).find(5)?.hostId).toBe(hostId(0));
    expect(new AcceptedResults(journal, 8).areAllAtOnce).toBe(true);
    expect(new AcceptedResults(journal, units).areAllAtOnce).toBe(false);
  });

  it('are found where a lease is told of with its first results, and brought others later', () => {
    const [leased] = atOnce(1, [[0, 4]]);
    const journal = journalOf([
      [leased as JournalEntry, ...atOnce(1, [[0, 2]]).slice(1)],
      atOnce(1, [[2, 2]]).slice(1),
    ]);
    expectAll(journal);
    expect(new AcceptedResults(journal, units).find(3)?.hostId).toBe(hostId(1));
  });

  it('are those of the lease that brought them, and not of the one that has the unit by then', () => {
    const [late, next] = [atOnce(1, [[0, 2]]), atOnce(2, [[0, 2]])];
    const journal = journalOf([late.slice(0, 1), next.slice(0, 1), late.slice(1)]);
    expectAll(journal);
    expect(new AcceptedResults(journal, units).find(1)?.hostId).toBe(hostId(1));
  });

  it('of an empty journal are none', () => {
    expect(new AcceptedResults(new Uint8Array(0), units).find(0)).toBeUndefined();
  });
});

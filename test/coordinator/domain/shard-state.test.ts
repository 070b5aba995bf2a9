import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeEntries, type JournalEntry } from '../../../coordinator/domain/journal.ts';
import { recordResults } from '../../../coordinator/domain/record.ts';
import { ShardState } from '../../../coordinator/domain/shard-state.ts';
import { aLease, append, aResult, aShard, aTrap, leaseId } from '../builders.ts';
import { anyReport, endWith, type Report } from './arbitrary.ts';

const units = 6;

/** Records reports one after the other, and returns the journal this makes. */
function recorded(reports: readonly Report[]): { state: ShardState; journal: Uint8Array } {
  const state = new ShardState(aShard(units));
  const journal: Uint8Array[] = [];
  for (const { lease, account, ends } of reports) {
    const results = ends.map(([at, end]) => endWith(end, at));
    const holder = aLease(lease, [[0, units]], account);
    journal.push(append(state, recordResults(state, holder, results).entries));
  }
  return { state, journal: Buffer.concat(journal) };
}

const seen = (state: ShardState) => ({
  units: Array.from({ length: units }, (_, at) => state.unit(at)),
  leases: [...state.leases],
  undecided: state.undecided,
  isClosed: state.isClosed,
  length: state.length,
});

describe('the state of a shard', () => {
  it('is the same read from its journal as built entry by entry', () => {
    fc.assert(
      fc.property(fc.array(anyReport(units, 8), { maxLength: 30, size: 'max' }), (reports) => {
        const { state, journal } = recorded(reports);
        expect(seen(ShardState.replay(aShard(units), journal))).toEqual(seen(state));
        expect(state.length).toBe(journal.length);
      }),
    );
  });

  it('[W1] makes each unit accepted or failed with a reason, once and for good', () => {
    fc.assert(
      fc.property(fc.array(anyReport(units, 20), { maxLength: 60, size: 'max' }), (reports) => {
        const decided = new Map<number, unknown>();
        for (let count = 1; count <= reports.length; count++) {
          const { state } = recorded(reports.slice(0, count));
          for (let at = 0; at < units; at++) {
            const { status, ...unit } = state.unit(at);
            if (status === 'open') continue;
            if ('reason' in unit) expect(unit.reason).not.toBe('');
            const { ends: _, ...verdict } = { status, ...unit };
            if (decided.has(at)) expect(verdict).toEqual(decided.get(at));
            decided.set(at, verdict);
          }
          expect(state.undecided).toBe(units - decided.size);
          expect(state.isClosed).toBe(decided.size === units);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('knows who holds which units, and what was given back', () => {
    const state = new ShardState(aShard(4));
    const lease = aLease(1, [[0, 4]]);
    append(state, [{ kind: 'leased', ...lease }]);
    append(state, [{ kind: 'released', leaseId: leaseId(1), positions: [[1, 2]] }]);
    expect(state.leases.get(leaseId(1))).toMatchObject({
      hostId: lease.hostId,
      accountId: lease.accountId,
      positions: [
        [0, 1],
        [3, 1],
      ],
    });
    append(state, [{ kind: 'released', leaseId: leaseId(9), positions: [[0, 1]] }]);
    expect(state.leases.size).toBe(1);
  });

  it.each<[string, JournalEntry[]]>([
    [
      'results before their lease',
      [{ kind: 'recorded', leaseId: leaseId(2), results: [aTrap(0)] }],
    ],
    [
      'a unit decided twice',
      [
        { kind: 'accepted', leaseId: leaseId(1), positions: [[0, 1]] },
        { kind: 'failed', positions: [0], reason: 'kernel_trap' },
      ],
    ],
  ])('refuses a journal that cannot be: %s', (_, entries) => {
    const start: JournalEntry[] = [
      { kind: 'leased', ...aLease(1, [[0, 1]]) },
      { kind: 'recorded', leaseId: leaseId(1), results: [aResult(0)] },
    ];
    const journal = encodeEntries([...start, ...entries]);
    expect(() => ShardState.replay(aShard(4), journal)).toThrow();
  });
});

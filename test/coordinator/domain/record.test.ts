import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { creditMicro } from '../../../coordinator/domain/credit.ts';
import {
  type RecordedResult,
  resultsOf,
  type Successes,
} from '../../../coordinator/domain/journal.ts';
import {
  type Recording,
  recordResults,
  recordSuccesses,
} from '../../../coordinator/domain/record.ts';
import { runsSize } from '../../../coordinator/domain/shard.ts';
import { ShardState } from '../../../coordinator/domain/shard-state.ts';
import { replicasMax } from '../../../coordinator/domain/unit.ts';
import type { UnitRuns } from '../../../protocol/messages.ts';
import { encodeOutput } from '../../../protocol/output.ts';
import {
  accountId,
  aHostError,
  aLease,
  append,
  aResult,
  aShard,
  aTrap,
  hostId,
} from '../builders.ts';
import { anyReport, endWith } from './arbitrary.ts';

const units = 6;

/** Records results under lease `number` of account `account`, as an append that was written. */
function record(
  state: ShardState,
  number: number,
  results: readonly RecordedResult[],
  account = number,
): Recording {
  const recording = recordResults(state, aLease(number, [[0, units]], account), results);
  append(state, recording.entries);
  return recording;
}

describe('a report', () => {
  it('of successes is accepted, counted and paid by the fuel of each unit, rounded down', () => {
    const state = new ShardState(aShard(units));
    const recording = record(state, 1, [
      aResult(0, { fuel: 1_999_999 }),
      aResult(1, { fuel: 999_999 }),
      aResult(2, { fuel: 5_000_000 }),
    ]);
    expect(recording).toMatchObject({
      verdicts: ['accepted', 'accepted', 'accepted'],
      canonical: 3,
      failed: 0,
      fuel: 7_999_998,
      pay: { accountId: accountId(1), hostId: hostId(1), micro: 6, positions: [[0, 3]] },
    });
    expect(state.undecided).toBe(3);
  });

  it('of a kernel failure is pending until another account saw the same', () => {
    const state = new ShardState(aShard(units));
    expect(record(state, 1, [aTrap(0)])).toMatchObject({
      verdicts: ['pending'],
      failed: 0,
      pay: null,
    });
    expect(record(state, 2, [aTrap(0)])).toMatchObject({
      verdicts: ['pending'],
      failed: 1,
      pay: null,
    });
    expect(state.unit(0)).toMatchObject({ status: 'failed', reason: 'kernel_trap' });
  });

  it('[W4] of the same failure from a second host of one account does not fail the unit', () => {
    const state = new ShardState(aShard(units));
    record(state, 1, [aTrap(0)], 7);
    expect(record(state, 2, [aTrap(0)], 7).failed).toBe(0);
    expect(state.unit(0).status).toBe('open');
    expect(record(state, 3, [aTrap(0)], 8).failed).toBe(1);
  });

  it.each(['host_error', 'aborted', 'time_exceeded'] as const)(
    'of %s is invalid: the unit goes to another host',
    (outcome) => {
      const state = new ShardState(aShard(units));
      expect(record(state, 1, [aResult(0, { outcome })]).verdicts).toEqual(['invalid']);
      expect(state.unit(0).status).toBe('open');
    },
  );

  it('of units that failed for different reasons writes each reason down', () => {
    const state = new ShardState(aShard(units));
    record(state, 1, [aTrap(0), aTrap(1), endWith('exit', 2)]);
    const { entries } = record(state, 2, [aTrap(0), aTrap(1), endWith('exit', 2)]);
    expect(entries.filter(({ kind }) => kind === 'failed')).toEqual([
      { kind: 'failed', positions: [0, 1], reason: 'kernel_trap' },
      { kind: 'failed', positions: [2], reason: 'kernel_exit with code 3' },
    ]);
  });

  it('under a lease that the journal does not know writes the lease down first, once', () => {
    const state = new ShardState(aShard(units));
    const kinds = (recording: Recording) => recording.entries.map(({ kind }) => kind);
    expect(kinds(record(state, 1, [aResult(0)]))).toEqual(['leased', 'recorded', 'accepted']);
    expect(kinds(record(state, 1, [aResult(1)]))).toEqual(['recorded', 'accepted']);
  });

  it('[W5] that comes late is used as long as the unit is undecided, and not afterwards', () => {
    const state = new ShardState(aShard(units));
    const late = [aResult(0), aResult(1)];
    expect(record(state, 2, [aResult(1)]).verdicts).toEqual(['accepted']);
    const recording = record(state, 1, late);
    expect(recording.verdicts).toEqual(['accepted', 'not_needed']);
    expect(recording.pay).toMatchObject({ positions: [[0, 1]] });
  });

  it('that names a unit twice gets one answer for it, and is paid for it once', () => {
    const state = new ShardState(aShard(units));
    const recording = record(state, 1, [
      aResult(0),
      aResult(0, { fuel: 9_000_000 }),
      aTrap(1),
      aTrap(1),
    ]);
    expect(recording.verdicts).toEqual(['accepted', 'accepted', 'pending', 'pending']);
    expect(recording).toMatchObject({
      canonical: 1,
      failed: 0,
      pay: { micro: 1, positions: [[0, 1]] },
    });
  });
});

describe('a unit that nobody can finish', () => {
  it('[W1] ends as failed after eight tries, with the reason', () => {
    const state = new ShardState(aShard(units));
    for (let lease = 1; lease < replicasMax; lease++) record(state, lease, [aHostError(0)]);
    expect(state.unit(0).status).toBe('open');
    expect(record(state, replicasMax, [aHostError(0)]).failed).toBe(1);
    expect(state.unit(0)).toMatchObject({ reason: expect.stringContaining('host_error') });
  });
});

describe('repetition', () => {
  const reports = fc.array(anyReport(units, 12), { minLength: 1, maxLength: 25, size: 'max' });

  it('[W3] of any report at any later time appends nothing and gets the same answer', () => {
    fc.assert(
      fc.property(reports, fc.array(fc.nat(), { maxLength: 25 }), (drawn, picks) => {
        const state = new ShardState(aShard(units));
        const answered: {
          lease: number;
          account: number;
          results: RecordedResult[];
          verdicts: unknown;
        }[] = [];
        for (const [i, { lease, account, ends }] of drawn.entries()) {
          const results = ends.map(([at, end]) => endWith(end, at));
          const { verdicts } = record(state, lease, results, account);
          answered.push({ lease, account, results, verdicts });
          const earlier = answered[(picks[i] ?? 0) % answered.length] ?? answered[0];
          if (earlier === undefined) continue;
          const again = record(state, earlier.lease, earlier.results, earlier.account);
          expect(again).toEqual({
            entries: [],
            verdicts: earlier.verdicts,
            canonical: 0,
            failed: 0,
            fuel: 0,
            pay: null,
          });
        }
      }),
    );
  });

  it('[C2] pays nobody twice: what is paid in all is the fuel of the canonical results', () => {
    fc.assert(
      fc.property(reports, (drawn) => {
        const state = new ShardState(aShard(units));
        let paid = { micro: 0, units: 0 };
        for (const { lease, account, ends } of [...drawn, ...drawn]) {
          const results = ends.map(([at, end]) => endWith(end, at));
          const { pay } = record(state, lease, results, account);
          if (pay !== null)
            paid = { micro: paid.micro + pay.micro, units: paid.units + runsSize(pay.positions) };
        }
        const canonical = Array.from({ length: units }, (_, at) => state.unit(at)).flatMap(
          (unit) =>
            unit.status === 'accepted'
              ? unit.ends.filter((end) => end.leaseId === unit.canonical)
              : [],
        );
        const micro = canonical.reduce((sum, { fuel }) => sum + creditMicro(fuel), 0);
        expect(paid).toEqual({ micro, units: canonical.length });
      }),
    );
  });
});

describe('successes in columns', () => {
  const positions: UnitRuns = [
    [0, 2],
    [3, 2],
  ];
  const output = encodeOutput({ stdout: Buffer.from('7'), files: {} });
  const successes: Successes = {
    positions,
    fuel: [1_999_999, 999_999, 5_000_000, 1],
    outputs: Buffer.concat([output, output, output, output]),
  };

  it('are accepted as they are when nothing was heard of their units', () => {
    const state = new ShardState(aShard(units));
    const recording = recordSuccesses(state, aLease(1, [[0, units]]), successes);
    expect(recording.entries.map(({ kind }) => kind)).toEqual(['leased', 'succeeded', 'accepted']);
    expect(recording).toMatchObject({ canonical: 4, pay: { micro: 6, positions } });
    append(state, recording.entries);
    expect(state.undecided).toBe(units - 4);
  });

  it('[W3] get the same answers, pay and state as the same results one by one, after any history', () => {
    const history = fc.array(anyReport(units, 6), { maxLength: 6 });
    fc.assert(
      fc.property(history, fc.integer({ min: 1, max: 6 }), (drawn, number) => {
        const [columns, singly] = [new ShardState(aShard(units)), new ShardState(aShard(units))];
        for (const { lease, account, ends } of drawn) {
          const results = ends.map(([at, end]) => endWith(end, at));
          for (const state of [columns, singly]) record(state, lease, results, account);
        }
        const lease = aLease(number, [[0, units]], Math.ceil(number / 2));
        const { entries: a, ...one } = recordSuccesses(columns, lease, successes);
        const { entries: b, ...other } = recordResults(singly, lease, resultsOf(successes));
        expect(one).toEqual(other);
        append(columns, a);
        append(singly, b);
        for (let at = 0; at < units; at++) expect(columns.unit(at)).toEqual(singly.unit(at));
        expect(columns.undecided).toBe(singly.undecided);
        const again = recordSuccesses(columns, lease, successes);
        expect(again).toMatchObject({ entries: [], verdicts: one.verdicts, pay: null });
      }),
    );
  });
});

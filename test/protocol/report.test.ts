import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { HostResult } from '../../protocol/messages.ts';
import { outcomes, verdicts } from '../../protocol/outcome.ts';
import { encodeOutput } from '../../protocol/output.ts';
import {
  expandVerdicts,
  orderForReport,
  packResults,
  toVerdictRuns,
  unpackSuccesses,
} from '../../protocol/report.ts';

const anyOutput = fc
  .record({
    stdout: fc.uint8Array({ maxLength: 200 }),
    files: fc.dictionary(fc.string({ maxLength: 5 }), fc.uint8Array({ maxLength: 9 }), {
      maxKeys: 2,
    }),
  })
  .map(encodeOutput);

const anyResult: fc.Arbitrary<HostResult> = fc
  .record({
    unit: fc.nat(300),
    outcome: fc.oneof(fc.constant('success' as const), fc.constantFrom(...outcomes)),
    exitCode: fc.constantFrom(0, 0, 0, 3, null),
    fuel: fc.nat(Number.MAX_SAFE_INTEGER),
    output: fc.option(anyOutput, { nil: null, freq: 5 }),
    detail: fc.constantFrom('', '', '', 'unreachable executed'),
    wallMs: fc.nat(1000),
  })
  .map((result) => ({
    ...result,
    digest: createHash('sha256')
      .update(result.output ?? new Uint8Array(0))
      .digest(),
  }));
const anyResults = fc.uniqueArray(anyResult, { selector: ({ unit }) => unit, maxLength: 40 });

describe('results in columns', () => {
  test('and those one by one are together all that was said, in report order', () => {
    fc.assert(
      fc.property(anyResults, (drawn) => {
        const ordered = orderForReport(drawn, (result) => result);
        const { successes, results } = packResults(ordered);
        const rows = successes === null ? [] : unpackSuccesses(successes);
        expect(rows?.concat([]).map(({ unit }) => unit)).toEqual(
          ordered.slice(0, ordered.length - results.length).map(({ unit }) => unit),
        );
        for (const [i, row] of (rows ?? []).entries()) {
          const result = ordered[i];
          expect(result).toMatchObject({ outcome: 'success', exitCode: 0, detail: '' });
          expect(row.fuel).toBe(result?.fuel);
          expect(Buffer.from(row.output).equals(result?.output ?? Buffer.of())).toBe(true);
        }
        expect(results).toEqual(ordered.slice(rows?.length));
      }),
    );
  });

  test('that do not fit each other are refused', () => {
    const output = encodeOutput({ stdout: Uint8Array.of(1), files: {} });
    const two = Buffer.concat([output, output]);
    const units: [number, number][] = [[4, 2]];
    expect(unpackSuccesses({ units, fuel: [1, 2], outputs: two })).toHaveLength(2);
    expect(unpackSuccesses({ units, fuel: [1], outputs: two })).toBeNull();
    expect(unpackSuccesses({ units, fuel: [1, 2], outputs: output })).toBeNull();
    expect(unpackSuccesses({ units, fuel: [1, 2], outputs: two.subarray(1) })).toBeNull();
    expect(
      unpackSuccesses({ units, fuel: [1, 2], outputs: Buffer.concat([two, Buffer.of(1)]) }),
    ).toBeNull();
  });
});

test('verdicts are the same after they were runs', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...verdicts)), (drawn) => {
      const runs = toVerdictRuns(drawn);
      expect(expandVerdicts(runs)).toEqual(drawn);
      for (const [i, [verdict]] of runs.entries()) expect(runs[i + 1]?.[0]).not.toBe(verdict);
    }),
  );
});

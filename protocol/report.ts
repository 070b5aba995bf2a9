/**
 * Results in columns and back. Nearly all results are successes with a small output; of those a report
 * carries the units as runs, the fuel as one array and the outputs as one run of bytes, without a
 * field name or a digest for each (the bytes are there to compare). All others go one by one.
 *
 *   orderForReport ─► packResults ─► wire ─► unpackSuccesses
 *        └── in this order come the verdicts, as runs ─► expandVerdicts
 */
import { concatBytes } from './bytes.ts';
import type { HostResult, Successes, UnitRuns, VerdictRuns } from './messages.ts';
import type { Verdict } from './outcome.ts';
import { endsOfOutputs } from './output.ts';

/** Whether a result may go in columns: nothing would be lost. */
const isPlain = (result: HostResult): result is HostResult & { output: Uint8Array } =>
  result.outcome === 'success' &&
  result.exitCode === 0 &&
  result.output !== null &&
  result.detail === '';

/** Results, each of another unit, as a report tells them: those in columns first, by unit. */
export function orderForReport<T>(results: readonly T[], resultOf: (item: T) => HostResult): T[] {
  const plain = results.filter((item) => isPlain(resultOf(item)));
  const others = results.filter((item) => !isPlain(resultOf(item)));
  return [...plain.sort((a, b) => resultOf(a).unit - resultOf(b).unit), ...others];
}

/** What a report says of these results, which are in report order. */
export function packResults(results: readonly HostResult[]): {
  successes: Successes | null;
  results: HostResult[];
} {
  const plain = results.filter(isPlain);
  const others = results.filter((result) => !isPlain(result));
  if (plain.length === 0) return { successes: null, results: others };
  const units: UnitRuns = [];
  for (const { unit } of plain) {
    const last = units.at(-1);
    if (last !== undefined && unit === last[0] + last[1]) last[1]++;
    else units.push([unit, 1]);
  }
  const successes = {
    units,
    fuel: plain.map(({ fuel }) => fuel),
    outputs: concatBytes(plain.map(({ output }) => output)),
    wallMs: plain.reduce((sum, { wallMs }) => sum + wallMs, 0),
  };
  return { successes, results: others };
}

/** One row for each unit. Null when the columns are not of one length, or an output is not canonical. */
export function unpackSuccesses(
  successes: Pick<Successes, 'units' | 'fuel' | 'outputs'>,
): { unit: number; fuel: number; output: Uint8Array }[] | null {
  const { units, fuel, outputs } = successes;
  const count = units.reduce((sum, [, length]) => sum + length, 0);
  const ends = endsOfOutputs(outputs, count);
  if (ends === null || fuel.length !== count) return null;
  const rows = units.flatMap(([from, length]) =>
    Array.from({ length }, (_, i) => ({ unit: from + i })),
  );
  return rows.map(({ unit }, i) => ({
    unit,
    fuel: fuel[i] ?? 0,
    output: outputs.subarray(ends[i - 1] ?? 0, ends[i]),
  }));
}

export function toVerdictRuns(verdicts: readonly Verdict[]): VerdictRuns {
  const runs: VerdictRuns = [];
  for (const verdict of verdicts) {
    const last = runs.at(-1);
    if (last?.[0] === verdict) last[1]++;
    else runs.push([verdict, 1]);
  }
  return runs;
}

export const expandVerdicts = (runs: VerdictRuns): Verdict[] =>
  runs.flatMap(([verdict, count]) => new Array<Verdict>(count).fill(verdict));

/**
 * Chaos over real processes: half a minute with a Redis that the coordinator runs, and half a minute with one
 * behind a proxy; `npm run chaos` and `npm run soak` take longer. A run that fails says its seed:
 * CHAOS_SEED=… brings the same faults in the same order.
 */
import { appendFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { chaos } from './chaos.ts';
import type { Topology } from './chaos-grid.ts';

const minutes = Number(process.env['CHAOS_MINUTES'] ?? '1');
const seed = BigInt(process.env['CHAOS_SEED'] ?? '1');
/** Where each run adds a line of JSON. */
const reportFile = process.env['CHAOS_REPORT'];
/** Beside the faults: until all is complete, and until it is checked, which takes the longer the more was done. */
const afterMsMax = 400_000;
const checkShare = 0.5;

test.each<Topology>(['own Redis', 'Redis behind a proxy'])(
  `[W2] [W3] [C2] seed ${seed}: nothing acknowledged is lost, nothing is paid twice (%s)`,
  { timeout: minutes * 30_000 * (1 + checkShare) + afterMsMax },
  async (topology) => {
    const told: string[] = [];
    const say = (line: string) => {
      told.push(line);
      if (reportFile !== undefined) process.stderr.write(`${line}\n`);
    };
    const report = await chaos({ seed, topology, minutes: minutes / 2 }, say);
    if (reportFile !== undefined) appendFileSync(reportFile, `${JSON.stringify(report)}\n`);
    expect(report.violations, `${told.join('\n')}\nCHAOS_SEED=${seed}`).toEqual([]);
    expect([report.lost, report.paidTwice]).toEqual([0, 0]);
    expect(report.kills).toBeGreaterThan(0);
    expect(report.acknowledged).toBeGreaterThan(0);
  },
);

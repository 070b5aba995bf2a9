/**
 * Chaos over real processes: half a minute with a coordinator that runs its own Redis, and half a minute with two that
 * are given one. `npm run chaos` and `npm run soak` take longer, and one coordinator that is given its Redis as well.
 * A run that fails says its seed: CHAOS_SEED=… brings the same faults in the same order.
 */
import { appendFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { chaos } from './chaos.ts';
import { type Topology, topologies } from './chaos-grid.ts';

const minutes = Number(process.env['CHAOS_MINUTES'] ?? '1');
const seed = BigInt(process.env['CHAOS_SEED'] ?? '1');
/** What there is with one coordinator that is given its Redis, there is with two as well, but for owning it alone. */
const inShort: readonly Topology[] = ['own Redis', 'two coordinators'];
const only = process.env['CHAOS_ONLY'];
const chosen = minutes > 1 ? topologies : inShort;
/** Of these each has its share of the time. */
const runs = only === undefined ? chosen : topologies.filter((name) => name === only);
const minutesEach = minutes / runs.length;
/** Where each run adds a line of JSON. */
const reportFile = process.env['CHAOS_REPORT'];
/** Beside the faults: until all is complete, and until it is checked, which takes the longer the more was done. */
const afterMsMax = 400_000;
const checkShare = 0.5;

test.each<Topology>(runs)(
  `[W2] [W3] [C2] seed ${seed}: nothing acknowledged is lost, nothing is paid twice (%s)`,
  { timeout: minutesEach * 60_000 * (1 + checkShare) + afterMsMax },
  async (topology) => {
    const told: string[] = [];
    const say = (line: string) => {
      told.push(line);
      if (reportFile !== undefined) process.stderr.write(`${line}\n`);
    };
    const report = await chaos({ seed, topology, minutes: minutesEach }, say);
    if (reportFile !== undefined) appendFileSync(reportFile, `${JSON.stringify(report)}\n`);
    expect(report.violations, `${told.join('\n')}\nCHAOS_SEED=${seed}`).toEqual([]);
    expect([report.lost, report.paidTwice]).toEqual([0, 0]);
    expect(report.kills).toBeGreaterThan(0);
    expect(report.acknowledged).toBeGreaterThan(0);
  },
);

/**
 * `npm run chaos -- --minutes 30 [--seed N] [--only 'two coordinators'] [--json]`: the runs of chaos.test.ts, as
 * long as is wanted and with a new seed each time, or one of them. Tells on stderr what strikes; on stdout what came of it, with --json as one
 * line. Ends with 1 when a promise was broken.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    seed: { type: 'string', default: `${Date.now()}` },
    only: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

const folder = mkdtempSync(join(tmpdir(), 'mh-chaos-report-'));
const file = join(folder, 'runs.jsonl');
const vitest = join(root, 'node_modules/vitest/vitest.mjs');
const { status } = spawnSync(process.execPath, [vitest, 'run', 'test/chaos'], {
  cwd: root,
  env: {
    ...process.env,
    CHAOS_MINUTES: values.minutes,
    CHAOS_SEED: values.seed,
    CHAOS_REPORT: file,
    ...(values.only === undefined ? {} : { CHAOS_ONLY: values.only }),
  },
  // What Vitest says is for people.
  stdio: ['ignore', 2, 2],
});
const runs = readRuns();
rmSync(folder, { recursive: true });

const sum = (field) => runs.reduce((total, run) => total + run[field], 0);
const report = {
  minutes: sum('minutes'),
  kills: sum('kills'),
  acknowledged: sum('acknowledged'),
  lost: sum('lost'),
  paidTwice: sum('paidTwice'),
  violations: runs.flatMap(({ violations }) => violations),
  seed: values.seed,
  runs,
};
if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
else {
  const { minutes, kills, acknowledged, lost, paidTwice, violations } = report;
  process.stdout.write(
    `${minutes} minutes, ${kills} kills: ${acknowledged} results acknowledged, ${lost} lost, ` +
      `${paidTwice} paid twice, ${violations.length} violations (seed ${values.seed})\n`,
  );
  for (const violation of violations) process.stdout.write(`${violation}\n`);
}
process.exitCode = status ?? 1;

/** A run that did not come to its end has no line, and Vitest has said why. */
function readRuns() {
  try {
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    return lines.map((line) => JSON.parse(line));
  } catch {
    // None did.
    return [];
  }
}

/**
 * A short run of chaos: faults of every kind over a grid of real processes, and what was lost by it. The
 * driver is a test (test/chaos), so this takes a checkout; `npm run chaos -- --minutes 30` takes as long
 * as is said.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { packageRoot } from '../cli/package-root.ts';

/** Half of it over each kind of Redis: some twenty kills. */
const minutes = '2';

type Report = {
  minutes: number;
  kills: number;
  acknowledged: number;
  lost: number;
  paidTwice: number;
  violations: string[];
};

export async function chaos(say: (line: string) => void): Promise<Report> {
  say(`${minutes} minutes of faults; what strikes is told as it does`);
  const driver = join(packageRoot, 'test/chaos/run.mjs');
  const child = spawn(process.execPath, [driver, '--minutes', minutes, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output] = await Promise.all([text(child.stdout), once(child, 'close')]);
  const report = JSON.parse(output) as Report;
  const { kills, acknowledged, lost, paidTwice, violations } = report;
  say(
    `${kills} kills: ${acknowledged} results acknowledged, ${lost} lost, ${paidTwice} paid twice`,
  );
  for (const violation of violations) say(violation);
  return report;
}

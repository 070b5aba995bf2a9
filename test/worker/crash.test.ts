import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import type { TestCoordinator } from '../support/test-coordinator.ts';
import { aFolder, aGrid } from './join.ts';
import { aMeteredKernel, aProgram } from './sandbox/a-kernel.ts';

const program = fileURLToPath(new URL('./agent-child.mjs', import.meta.url));

let grid: TestCoordinator;
let folder: string;
beforeEach(async () => {
  grid = await aGrid();
  folder = await aFolder();
});

function start(sandbox: 'dice' | 'real'): ChildProcess {
  const child = spawn(process.execPath, [program, grid.url, folder, sandbox], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

test('[V1] an agent killed again and again loses no finished unit and gives no unit a second result', async () => {
  const units = 120;
  grid.unitsPerLeaseMax = 8;
  grid.addJob({ units });
  // Verdicts come late half of the time, so that there always is something to report again. But they
  // come: a host that waits for sixteen of them reports nothing more.
  const flip = setInterval(() => {
    grid.records = !grid.records;
    if (grid.records) grid.recordWithheld();
  }, 100);
  onTestFinished(() => clearInterval(flip));
  for (let life = 1; grid.unitsReported().size < units; life++) {
    const before = grid.reported.length;
    const child = start('dice');
    // Long enough to get somewhere, and no two lives end at the same step.
    const isFarEnough = () => grid.reported.length >= before + 3 * life;
    await grid.until(() => isFarEnough() || grid.unitsReported().size === units);
    await kill(child);
  }
  clearInterval(flip);
  grid.records = true;
  const last = start('dice');
  await grid.until(() => grid.of('want').length > 0 && grid.unitsReported().size === units);
  last.kill('SIGTERM');
  await once(last, 'exit');

  const digests = new Map<string, Set<string>>();
  for (const { leaseId, result } of grid.reported) {
    const replica = `${leaseId}/${result.unit}`;
    const known = digests.get(replica) ?? new Set();
    digests.set(replica, known.add(Buffer.from(result.digest).toString('hex')));
  }
  expect([...digests.values()].filter((different) => different.size !== 1)).toEqual([]);
  expect(grid.sessions).toBeGreaterThan(3);
}, 60_000);

test('[V1] a killed agent’s leases are presented by the next one in the folder, which runs them again', async () => {
  grid.grants = false;
  grid.records = false;
  const { jobId } = grid.addJob({ units: 10 });
  const first = start('dice');
  await grid.until(() => grid.of('want').length === 1);
  const { token } = grid.grant(jobId, [2, 3, 7, 8, 9]);
  await grid.until(() => grid.reported.length > 0);
  await kill(first);

  grid.records = true;
  start('dice');
  await grid.until(() => grid.of('hello').length === 2);
  expect(grid.of('hello')[1]?.leases).toEqual([
    {
      token,
      units: [
        [2, 2],
        [7, 3],
      ],
    },
  ]);
  await grid.until(() => grid.unitsReported().size === 5);
});

test.runIf(existsSync('/proc/self/stat'))(
  'a killed agent leaves no process behind',
  async () => {
    const endless = aMeteredKernel(aProgram([], '(loop $again (br $again))'));
    grid.addJob({ units: 1, kernel: Buffer.from(endless), fuelMax: String(2 ** 53 - 1) });
    const child = start('real');
    const descendants = () => descendantsOf(child.pid ?? 0);
    await expect.poll(() => descendants().length, { timeout: 20_000 }).toBeGreaterThan(0);
    const sandbox = descendants();
    await kill(child);
    await expect.poll(() => sandbox.filter(isAlive), { timeout: 10_000 }).toEqual([]);
  },
  60_000,
);

const statOf = (pid: string | number): string[] => {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    // It ended in this moment.
    return [];
  }
};
const isAlive = (pid: number) => !['Z', undefined].includes(statOf(pid)[0]);

function descendantsOf(pid: number): number[] {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && statOf(name)[1] === String(pid))
    .map(Number);
  return children.flatMap((child) => [child, ...descendantsOf(child)]);
}

/**
 * How much of the processor time that a unit of some ten seconds takes goes to the kernel: the time of
 * the thread it runs in, against that of the whole sandbox process, compilers and all, and of the agent
 * together. From /proc, so on Linux only. Time that other programs take away is in neither.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { meterKernel } from '../kernel/meter.ts';
import { openSandbox } from '../worker/sandbox/node/sandbox-process.ts';
import type { SandboxRun } from '../worker/sandbox/sandbox.ts';

const memoryPagesMax = 4096;
/** The kernel's fuel in some ten seconds: it ends there. */
const fuelMax = 40e9;
const childrenFile = `/proc/${process.pid}/task/${process.pid}/children`;

/** A share, 0 to 1; null where the system does not tell. */
export async function measureLongUnit(kernel: Uint8Array): Promise<number | null> {
  if (!existsSync(childrenFile)) return null;
  const { wasm } = meterKernel(kernel, { memoryPagesMax });
  const digest = `sha256:${createHash('sha256').update(wasm).digest('hex')}`;
  const sandbox = openSandbox({ threads: 1 });
  try {
    // A first unit starts the process: volunteers do that once a day.
    await sandbox.run({ digest, wasm }, aRun(31, 1e9));
    const pid = Number(readFileSync(childrenFile, 'utf8').trim().split(' ').at(-1));
    const [threadsBefore, agentBefore] = [ticksOf(pid), agentMs()];
    await sandbox.run({ digest, wasm }, aRun(86_243, fuelMax));
    const spent = [...ticksOf(pid)].map(([id, ticks]) => ticks - (threadsBefore.get(id) ?? 0));
    const all = sum(spent) * tickMs + agentMs() - agentBefore;
    return (Math.max(...spent) * tickMs) / all;
  } finally {
    await sandbox.close();
  }
}

/** Linux counts in hundredths of a second for everyone. */
const tickMs = 10;

/** User and system time of each thread. */
function ticksOf(pid: number): Map<string, number> {
  const folder = `/proc/${pid}/task`;
  return new Map(
    readdirSync(folder).map((id) => {
      // Behind the name in parentheses, which may have anything in it, fields 14 and 15.
      const [, fields = ''] = readFileSync(`${folder}/${id}/stat`, 'utf8').split(/\) (?=\w )/);
      return [id, sum(fields.split(' ').slice(11, 13).map(Number))];
    }),
  );
}

const agentMs = (): number => sum(Object.values(process.cpuUsage())) / 1000;

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

const aRun = (exponent: number, fuel: number): SandboxRun => ({
  id: String(exponent),
  args: ['mersenne', '--exponent', String(exponent)],
  env: {},
  stdin: new Uint8Array(),
  files: {},
  outputs: [],
  fuelMax: fuel,
  outputBytesMax: 65_536,
  seed: 0n,
  wallMsMax: 600_000,
});

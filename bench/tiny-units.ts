/**
 * Units per second through the sandbox that volunteers use, one thread, when a unit is next to
 * nothing: is 2^31 - 1 prime. What is left is what a unit costs: an instance, a world, two messages.
 */
import { createHash } from 'node:crypto';
import { meterKernel } from '../kernel/meter.ts';
import { openSandbox } from '../worker/sandbox/node/sandbox-process.ts';
import type { Sandbox, SandboxKernel, SandboxRun } from '../worker/sandbox/sandbox.ts';

/** The best of some spans: the others compiled, or ran beside something else. */
const spans = 40;
const spanMs = 100;
const memoryPagesMax = 4096;
/** One runs, the next are there when it ends; a volunteer's lease holds many more. */
const underWay = 4;

export async function measureTinyUnits(kernel: Uint8Array): Promise<number> {
  const { wasm } = meterKernel(kernel, { memoryPagesMax });
  const digest = `sha256:${createHash('sha256').update(wasm).digest('hex')}`;
  const sandbox = openSandbox({ threads: 1 });
  try {
    let best = 0;
    for (let span = 0; span < spans; span++) {
      best = Math.max(best, await runFor(spanMs, sandbox, { digest, wasm }));
    }
    return best;
  } finally {
    await sandbox.close();
  }
}

async function runFor(ms: number, sandbox: Sandbox, kernel: SandboxKernel): Promise<number> {
  const began = performance.now();
  let units = 0;
  const lane = async (name: number): Promise<void> => {
    while (performance.now() - began < ms) {
      const { outcome, detail } = await sandbox.run(kernel, tinyRun(`${name}-${units}`));
      if (outcome !== 'success') throw new Error(`A tiny unit ended as ${outcome}: ${detail}`);
      units++;
    }
  };
  await Promise.all(Array.from({ length: underWay }, (_, name) => lane(name)));
  return (units * 1000) / (performance.now() - began);
}

const tinyRun = (id: string): SandboxRun => ({
  id,
  args: ['mersenne', '--exponent', '31'],
  env: {},
  stdin: new Uint8Array(),
  files: {},
  outputs: [],
  fuelMax: 1e9,
  outputBytesMax: 65_536,
  seed: 0n,
  wallMsMax: 60_000,
});

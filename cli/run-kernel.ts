/**
 * Runs one kernel here, exactly as a volunteer would: metered by the same pass, in the same sandbox
 * process. What works here works on the grid, and gives the same bytes and the same fuel there, given the same
 * variables, and unless it asks for chance: that is another for each job and unit.
 */
import { meterMigratableKernel } from '../kernel/builders/migratable.ts';
import { KernelRefused, meterKernel } from '../kernel/meter.ts';
import { mistyped } from '../kernel/mistyped.ts';
import { openSandbox } from '../worker/sandbox/node/sandbox-process.ts';
import type { SandboxEnd, UnitRun } from '../worker/sandbox/sandbox.ts';
import { Failure } from './failure.ts';
import { digestOf } from './files.ts';

const pageBytes = 65_536;

export type Metering = { memoryBytesMax: number; nans: 'same' | 'any'; isMigratable: boolean };
export type KernelRun = Omit<UnitRun, 'seed'> & Metering & { wallMsMax: number };

/** Never throws for what the kernel does; throws a Failure when it may not be a kernel at all. */
export async function runKernelHere(
  wasm: Uint8Array,
  { memoryBytesMax, nans, isMigratable, ...run }: KernelRun,
  signal: AbortSignal,
): Promise<SandboxEnd> {
  const metered = await meterOrRefuse(wasm, { memoryBytesMax, nans, isMigratable });
  const sandbox = openSandbox({ threads: 1 });
  const id = 'run';
  signal.addEventListener('abort', () => sandbox.abort(id), { once: true });
  try {
    const kernel = { digest: digestOf(metered), wasm: metered };
    // A volunteer's seed comes from job and unit; here there is no job, and every run draws the same.
    return await sandbox.run(kernel, { ...run, id, seed: 0n });
  } finally {
    await sandbox.close();
  }
}

/** The kernel with its meter. A module that V8 finds invalid is refused like one that we do. */
export async function meterOrRefuse(
  wasm: Uint8Array,
  { memoryBytesMax, nans, isMigratable }: Metering,
): Promise<Uint8Array> {
  try {
    const memoryPagesMax = Math.floor(memoryBytesMax / pageBytes);
    const meter = isMigratable ? meterMigratableKernel : meterKernel;
    const { wasm: metered } = await meter(wasm, { memoryPagesMax, nans });
    if (WebAssembly.validate(new Uint8Array(metered))) return metered;
    throw mistyped(wasm);
  } catch (error) {
    if (!(error instanceof KernelRefused)) throw error;
    throw new Failure('kernel_refused', 'The kernel cannot run on a grid.', {
      why: error.message,
      remedy: error.change,
      cause: error,
    });
  }
}

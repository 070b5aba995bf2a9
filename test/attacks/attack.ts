/**
 * Runs a hostile kernel in a real sandbox process, then a friendly one in the same sandbox: the
 * volunteer's worker must have lived on. Hostile text is metered like any kernel, unless the attack
 * is a kernel that was *not*: one that a hostile coordinator, or a bug in the meter, let through.
 */
import { openSandbox } from '../../worker/sandbox/node/sandbox-process.ts';
import type { SandboxEnd, SandboxRun } from '../../worker/sandbox/sandbox.ts';
import { aMeteredKernel, aProgram, aRun, wasmOf } from '../worker/sandbox/a-kernel.ts';

export interface Survived {
  attack: SandboxEnd;
  afterwards: SandboxEnd;
}

/** 1024 pages: 64 MiB. */
const memoryPagesMax = 1024;

export const attackWith = (wat: string, changes: Partial<SandboxRun> = {}): Promise<Survived> =>
  attack(aMeteredKernel(wat, memoryPagesMax), changes);

/** What a kernel must export to pass for metered: gauges that nothing counts on. */
export const forgedGauges = `
  (global (export "manyhands_fuel") (mut i64) (i64.const 0))
  (global (export "manyhands_stack") (mut i32) (i32.const 1))
  (global (export "manyhands_growth") (mut i32) (i32.const 0))`;

export const attackUnmeteredWith = (
  wat: string,
  changes: Partial<SandboxRun> = {},
): Promise<Survived> => attack(wasmOf(wat), changes);

async function attack(wasm: Uint8Array, changes: Partial<SandboxRun>): Promise<Survived> {
  const sandbox = openSandbox({ threads: 1 });
  const run = { ...aRun(), wallMsMax: 60_000 };
  try {
    return {
      attack: await sandbox.run({ digest: 'attack', wasm }, { ...run, ...changes, id: 'attack' }),
      afterwards: await sandbox.run(
        { digest: 'friendly', wasm: aMeteredKernel(aProgram([], '')) },
        { ...run, id: 'friendly' },
      ),
    };
  } finally {
    await sandbox.close();
  }
}

export const success = { outcome: 'success' };
/** More than any test waits for. */
export const endlessFuel = Number.MAX_SAFE_INTEGER;

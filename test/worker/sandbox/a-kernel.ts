/** Kernels written as WebAssembly text, metered as a coordinator would, and runs to give them. */
import wabt from 'wabt';
import { meterKernel } from '../../../kernel/meter.ts';
import type { UnitRun } from '../../../worker/sandbox/sandbox.ts';

const { parseWat } = await wabt();

export function wasmOf(wat: string): Uint8Array {
  const parsed = parseWat('kernel.wat', wat, {
    bulk_memory: true,
    multi_value: true,
    reference_types: true,
  });
  return new Uint8Array(parsed.toBinary({}).buffer);
}

export const aMeteredKernel = (wat: string, memoryPagesMax = 256): Uint8Array =>
  meterKernel(wasmOf(wat), { memoryPagesMax }).wasm;

export const aKernel = (wat: string, memoryPagesMax = 256): WebAssembly.Module =>
  new WebAssembly.Module(aMeteredKernel(wat, memoryPagesMax));

/**
 * A kernel of one function: imports by name with WASI's signatures, a page of memory, and whatever
 * `data` lies in it.
 */
export function aProgram(imports: (keyof typeof signatures)[], body: string, more = ''): string {
  const doors = imports.map((name) => {
    const from =
      name === 'progress' || name === 'checkpoint' ? 'manyhands' : 'wasi_snapshot_preview1';
    return `(import "${from}" "${name}" (func $${name} ${signatures[name]}))`;
  });
  return `(module ${doors.join('\n')} (memory (export "memory") 1) ${more}
    (func (export "_start") ${body}))`;
}

const signatures = {
  fd_write: '(param i32 i32 i32 i32) (result i32)',
  fd_read: '(param i32 i32 i32 i32) (result i32)',
  environ_get: '(param i32 i32) (result i32)',
  path_create_directory: '(param i32 i32 i32) (result i32)',
  path_symlink: '(param i32 i32 i32 i32 i32) (result i32)',
  fd_renumber: '(param i32 i32) (result i32)',
  fd_close: '(param i32) (result i32)',
  path_open: '(param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)',
  random_get: '(param i32 i32) (result i32)',
  clock_time_get: '(param i32 i64 i32) (result i32)',
  args_get: '(param i32 i32) (result i32)',
  proc_exit: '(param i32)',
  progress: '(param f64)',
  checkpoint: '',
};

export const aRun = (changes: Partial<UnitRun> = {}): UnitRun => ({
  args: ['kernel'],
  env: {},
  stdin: new Uint8Array(0),
  files: {},
  outputs: [],
  fuelMax: 100_000_000,
  outputBytesMax: 1024 * 1024,
  seed: 1n,
  ...changes,
});

export const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** WebAssembly text to bytes and back. */
import initialiseWabt from 'wabt';

const wabt = await initialiseWabt();
export function wat(text: string): Uint8Array {
  const module = wabt.parseWat('kernel.wat', text);
  try {
    module.validate();
    return module.toBinary({}).buffer;
  } finally {
    module.destroy();
  }
}

/** One instruction a line, numbers instead of names. */
export function toText(wasm: Uint8Array): string {
  const module = wabt.readWasm(wasm, { readDebugNames: false });
  try {
    return module.toText({ foldExprs: false, inlineExport: false });
  } finally {
    module.destroy();
  }
}

/** A command with these fields besides its memory and an optional body for `_start`. */
export function command(fields: string, start = ''): Uint8Array {
  return wat(`(module
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (import "manyhands" "checkpoint" (func $checkpoint))
    (memory (export "memory") 1 16)
    ${fields}
    (func (export "_start") ${start}))`);
}

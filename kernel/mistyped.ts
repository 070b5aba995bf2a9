/**
 * The refusal of a module whose types do not fit. Checking them is V8's part, and so is saying what is
 * wrong: it is asked to compile the module as its author sent it, and where it gives up is where the
 * author has to look.
 */
import { decodeModule } from './meter/decode.ts';
import { withFunction } from './meter/function-name.ts';
import { KernelRefused } from './refused.ts';

/** For a module that the meter accepts and `WebAssembly.validate` does not. */
export function mistyped(wasm: Uint8Array): KernelRefused {
  const { what, offset } = complaintOf(wasm);
  const detail = `The types do not fit: ${what}.`;
  return withFunction(new KernelRefused('malformed', detail, offset), decodeModule(wasm));
}

/** V8 says: `WebAssembly.Module(): Compiling function #3:"main" failed: what is wrong @+52`. */
function complaintOf(wasm: Uint8Array): { what: string; offset: number } {
  const [, what, offset] = /^(?:.*\(\): )?(?:.* failed: )?(.*) @\+(\d+)$/s.exec(saysOf(wasm)) ?? [];
  return { what: what ?? 'no engine can compile it', offset: Number(offset ?? 0) };
}

function saysOf(wasm: Uint8Array): string {
  try {
    new WebAssembly.Module(new Uint8Array(wasm));
    return '';
  } catch (error) {
    return error instanceof Error ? error.message : '';
  }
}

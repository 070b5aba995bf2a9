/** Runs a module with host functions that only watch, and tells how it went. */
import { createHash } from 'node:crypto';

export interface Run {
  /** 'return', 'exit 3', or the engine's sentence about a trap. */
  end: string;
  /** The counter at every call of the host. */
  seen: bigint[];
  /** The counter at the end. */
  fuel: bigint;
  /** Left in the meter's other globals. */
  stack: number;
  growth: number;
  memory: string;
}

export interface RunOptions {
  /** Set before the start; used fuel is told from what is left. Without it the counter goes up. */
  fuelMax?: bigint;
  pages?: number;
}

class Exit extends Error {}

export function run(wasm: Uint8Array, { fuelMax, pages }: RunOptions = {}): Run {
  const seen: bigint[] = [];
  const instance = instantiate(wasm, () => seen.push(used()));
  if (typeof instance === 'string')
    return { end: instance, seen, fuel: 0n, stack: 0, growth: 0, memory: '' };
  const global = (name: string) => instance.exports[name] as { value: bigint } | undefined;
  const counter = global(fuelMax === undefined ? 'reference_fuel' : 'manyhands_fuel');
  if (counter !== undefined && fuelMax !== undefined) counter.value = fuelMax;
  const limit = instance.exports['manyhands_pages'] as { value: number } | undefined;
  if (limit !== undefined && pages !== undefined) limit.value = pages;
  function used(): bigint {
    return fuelMax === undefined ? (counter?.value ?? 0n) : fuelMax - (counter?.value ?? 0n);
  }

  let end = 'return';
  try {
    (instance.exports['_start'] as () => void)();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    end = error.message;
  }
  const memory = new Uint8Array((instance.exports['memory'] as { buffer: ArrayBuffer }).buffer);
  return {
    end,
    seen,
    fuel: used(),
    stack: Number(global('manyhands_stack')?.value ?? 0),
    growth: Number(global('manyhands_growth')?.value ?? 0),
    memory: createHash('sha256').update(memory).digest('hex'),
  };
}

/** The instance, or the sentence of the trap: segments that do not fit trap before anything runs. */
function instantiate(wasm: Uint8Array, watch: () => void): WebAssembly.Instance | string {
  const imports = {
    wasi_snapshot_preview1: {
      proc_exit: (code: number) => {
        watch();
        throw new Exit(`exit ${code}`);
      },
      sched_yield: () => {
        watch();
        return 0;
      },
    },
    manyhands: { progress: watch, checkpoint: watch },
  };
  try {
    return new WebAssembly.Instance(new WebAssembly.Module(wasm), imports);
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) return error.message;
    throw error;
  }
}

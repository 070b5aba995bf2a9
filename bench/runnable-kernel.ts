/**
 * A kernel, metered or not, made ready to be run again and again in this process: its export `run`
 * in one instance where it has one, else its `_start` in a new instance and a new world each time.
 */
import { Ending } from '../worker/sandbox/wasi/ending.ts';
import { wasiImports, wasiModuleName } from '../worker/sandbox/wasi/imports.ts';
import { contents } from '../worker/sandbox/wasi/streams.ts';
import { openWorld } from '../worker/sandbox/wasi/world.ts';

/** Returns what `run` does; a command returns a checksum of its stdout. */
export type Runnable = () => number;

/** More than any bench kernel uses. */
const fuelMax = 2 ** 50;

export async function runnable(
  wasm: Uint8Array,
  args: readonly string[] | null,
): Promise<Runnable> {
  const module = await WebAssembly.compile(new Uint8Array(wasm));
  return args === null ? ofExport(module) : ofCommand(module, args);
}

function ofExport(module: WebAssembly.Module): Runnable {
  const { instance } = instantiate(module, ['kernel']);
  const { run, manyhands_fuel: gauge } = instance.exports;
  if (typeof run !== 'function') throw new Error('The bench kernel does not export run.');
  if (!(gauge instanceof WebAssembly.Global)) return () => run();
  return () => {
    gauge.value = BigInt(fuelMax);
    return run();
  };
}

function ofCommand(module: WebAssembly.Module, args: readonly string[]): Runnable {
  return () => {
    const { instance, world } = instantiate(module, args);
    const { _start: start } = instance.exports;
    if (typeof start !== 'function') throw new Error('The kernel does not export _start.');
    try {
      start();
    } catch (thrown) {
      if (!(thrown instanceof Ending)) throw thrown;
    }
    return contents(world.state.stdout).reduce((sum, byte) => (sum * 31 + byte) >>> 0, 0);
  };
}

function instantiate(module: WebAssembly.Module, args: readonly string[]) {
  const world = openWorld({
    args: [...args],
    env: {},
    stdin: new Uint8Array(),
    fuelMax,
    outputBytesMax: 2 ** 20,
    seed: 0n,
  });
  const instance = new WebAssembly.Instance(module, {
    [wasiModuleName]: wasiImports(world),
    manyhands: { progress() {}, checkpoint() {} },
  });
  const { memory, manyhands_fuel: gauge } = instance.exports;
  if (memory instanceof WebAssembly.Memory) world.memory.attach(memory);
  if (gauge instanceof WebAssembly.Global) {
    gauge.value = world.fuelMax;
    world.fuel = gauge as { value: bigint };
  }
  return { instance, world };
}

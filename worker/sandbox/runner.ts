/**
 * Runs one metered kernel on one unit's inputs, here and now, and says how it ended. Nothing of the
 * host goes in but what is in `UnitRun`, so what comes out is the same on every host: outcome, exit
 * code, fuel and bytes. Only a `host_error` and the words of `detail` are this host's own.
 *
 * Whoever changes what a kernel can see (the clock, the stream of randomness, the order of listings,
 * a quota, an errno) or what a call costs changes results: raise `protocolVersion` with it, so that
 * hosts of both kinds never work on one grid.
 *
 * It returns when the kernel does. A kernel cannot run for ever, since its fuel ends, but it can
 * run for long: call this in a thread that may be ended.
 */
import { collectOutputs, placeInputs } from './files.ts';
import { type HowItEnded, howItEnded, outputExceeded } from './how-it-ended.ts';
import { findGauges, type MeterGauges } from './meter-gauges.ts';
import type { UnitEnd, UnitRun } from './sandbox.ts';
import { wasiImports, wasiModuleName } from './wasi/imports.ts';
import { contents } from './wasi/streams.ts';
import { openWorld, stderrBytesKept, type World } from './wasi/world.ts';

export function runKernel(
  module: WebAssembly.Module,
  run: UnitRun,
  onProgress: (fraction: number) => void = () => {},
): UnitEnd {
  const world = openWorld(run);
  const { stdout, stderr } = world.state;
  let gauges: MeterGauges | null = null;
  let thrown: unknown = null;
  try {
    placeInputs(world.state.files, run.files, run.outputs);
    const instance = new WebAssembly.Instance(module, importsOf(world, onProgress));
    gauges = connect(world, instance);
    start(instance);
  } catch (error) {
    thrown = error;
  }
  const ended = howItEnded(thrown, gauges, run);
  const fuel = gauges === null ? 0 : run.fuelMax - Math.max(0, Number(gauges.fuel.value));
  return {
    ...withOutputs(world, run, ended),
    fuel,
    stdout: contents(stdout),
    stderr: contents(stderr, stderrBytesKept),
  };
}

function importsOf(world: World, onProgress: (fraction: number) => void): WebAssembly.Imports {
  return {
    [wasiModuleName]: wasiImports(world),
    manyhands: {
      progress(fraction: number) {
        // NaN fails the comparison too.
        if (fraction >= 0 && fraction <= 1) onProgress(fraction);
      },
      // A good moment to save the run; none is saved yet, and the kernel must not notice either way.
      checkpoint() {},
    },
  };
}

/** Gives the calls the instance's memory and lets them pay from its fuel. */
function connect(world: World, instance: WebAssembly.Instance): MeterGauges {
  const gauges = findGauges(instance.exports);
  gauges.fuel.value = world.fuelMax;
  world.fuel = gauges.fuel;
  const { memory } = instance.exports;
  if (memory instanceof WebAssembly.Memory) world.memory.attach(memory);
  return gauges;
}

function start(instance: WebAssembly.Instance): void {
  const { _start } = instance.exports;
  if (typeof _start !== 'function') throw new Error('The kernel does not export _start.');
  _start();
}

/** Files are results of a kernel that ended by itself; of any other they are debris. */
function withOutputs(
  world: World,
  run: UnitRun,
  ended: HowItEnded,
): HowItEnded & Pick<UnitEnd, 'files'> {
  if (ended.exitCode === null) return { ...ended, files: {} };
  const bytesMax = run.outputBytesMax - world.state.stdout.length;
  const files = collectOutputs(world.state.files, run.files, run.outputs, bytesMax);
  return files === null
    ? { ...outputExceeded(run.outputBytesMax), files: {} }
    : { ...ended, files };
}

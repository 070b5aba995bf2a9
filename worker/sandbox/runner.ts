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
import { InstanceState } from './checkpoint/instance-state.ts';
import { loadCalls } from './checkpoint/load-calls.ts';
import { saveCalls } from './checkpoint/saved-calls.ts';
import { demand, type Snapshot } from './checkpoint/snapshot.ts';
import { Suspension } from './checkpoint/suspension.ts';
import { beginning, drive } from './drive.ts';
import { collectOutputs, placeInputs } from './files.ts';
import { type HowItEnded, howItEnded, outputExceeded } from './how-it-ended.ts';
import { findGauges, type MeterGauges } from './meter-gauges.ts';
import type { UnitEnd, UnitRun } from './sandbox.ts';
import { cost } from './wasi/cost.ts';
import { wasiImports, wasiModuleName } from './wasi/imports.ts';
import { contents } from './wasi/streams.ts';
import { openWorld, spend, stderrBytesKept, type World } from './wasi/world.ts';

export function runKernel(
  module: WebAssembly.Module,
  run: UnitRun,
  onProgress: (fraction: number) => void = () => {},
): UnitEnd {
  const stop = runInterruptibly(module, run, { from: null, wantsStop: never, onProgress });
  if (stop.kind === 'saved') throw new Error('a run stopped that nobody wanted to stop');
  return stop.end;
}

export interface Interruptible {
  /** Where to go on; null to begin. */
  from: Snapshot | null;
  /**
   * Asked whenever the run could be saved: between steps, and at `manyhands.checkpoint` in kernels
   * that were made to stop there. It is asked only after some work, so runs that stop at each
   * moment come to their end too.
   */
  wantsStop: () => boolean;
  onProgress: (fraction: number) => void;
}

export type RunStop =
  | { kind: 'ended'; end: UnitEnd }
  /** `fuel` is what it has burned since its beginning. */
  | { kind: 'saved'; snapshot: Snapshot; fuel: number };

/**
 * As `runKernel`, until a stop is wanted. The snapshot, given to another call with the same module
 * and run, goes on as if nothing had happened; one that fits neither ends as `host_error`.
 */
export function runInterruptibly(
  module: WebAssembly.Module,
  run: UnitRun,
  options: Interruptible,
): RunStop {
  const world = openWorld(run);
  let kernel: OpenKernel | null = null;
  let thrown: unknown = null;
  try {
    if (options.from === null) placeInputs(world.state.files, run.files, run.outputs);
    else loadCalls(world.state, options.from.calls, run);
    kernel = open(module, world, options);
    const snapshot = proceed(kernel, world, run, options);
    if (snapshot !== null) return { kind: 'saved', snapshot, fuel: burned(kernel, run) };
  } catch (error) {
    thrown = error;
  }
  // Its memory could not hold the stack (see `Suspension`): it starts anew and does not stop.
  if (kernel?.suspension?.isUnwinding)
    return runInterruptibly(module, run, { ...options, wantsStop: never });
  const ended = howItEnded(thrown, kernel, run);
  const { stdout, stderr } = world.state;
  const end = {
    ...withOutputs(world, run, ended),
    fuel: kernel === null ? 0 : burned(kernel, run),
    stdout: contents(stdout),
    stderr: contents(stderr, stderrBytesKept),
  };
  return { kind: 'ended', end };
}

const never = (): boolean => false;

const burned = ({ fuel }: MeterGauges, { fuelMax }: UnitRun): number =>
  fuelMax - Math.max(0, Number(fuel.value));

/** An instance that is ready to be called, and what its host holds of it. */
interface OpenKernel extends MeterGauges {
  exports: WebAssembly.Exports;
  /** Null when the kernel was not metered for checkpoints: then it is never stopped. */
  state: InstanceState | null;
  suspension: Suspension | null;
  wantsStop: () => boolean;
}

function open(module: WebAssembly.Module, world: World, options: Interruptible): OpenKernel {
  const { from, onProgress } = options;
  let opened: OpenKernel | null = null;
  const { exports } = new WebAssembly.Instance(module, {
    [wasiModuleName]: wasiImports(world),
    manyhands: {
      progress(fraction: number) {
        // NaN fails the comparison too.
        if (fraction >= 0 && fraction <= 1) onProgress(fraction);
      },
      // The kernel does not notice whether it was saved here.
      checkpoint() {
        opened?.suspension?.checkpoint(opened.wantsStop);
      },
    },
  });
  const gauges = connect(world, exports);
  const state = InstanceState.of(exports);
  const suspension = state && Suspension.of(exports);
  // Fuel may be found to be used up a little later than it was: such a run is at its end.
  const isSavable = () => state?.isSavable === true && gauges.fuel.value >= 0n;
  const wantsStop = () => options.wantsStop() && isSavable();
  opened = { ...gauges, exports, state, suspension, wantsStop };
  if (from === null) return opened;
  demand(state !== null, 'the kernel was not metered for checkpoints');
  state?.restore(from);
  const fuel = gauges.fuel.value;
  demand(fuel >= 0n && fuel <= world.fuelMax, 'it has more fuel left than the unit began with');
  return opened;
}

/** Gives the calls the instance's memory and lets them pay from its fuel. */
function connect(world: World, exports: WebAssembly.Exports): MeterGauges {
  const gauges = findGauges(exports);
  gauges.fuel.value = world.fuelMax;
  world.fuel = gauges.fuel;
  const { memory } = exports;
  if (memory instanceof WebAssembly.Memory) world.memory.attach(memory);
  return gauges;
}

/** Lets the kernel run to its end, or to a stop. */
function proceed(
  { exports, state, suspension, wantsStop }: OpenKernel,
  world: World,
  run: UnitRun,
  { from }: Interruptible,
): Snapshot | null {
  const payStep = () => spend(world, cost.kernelStep);
  const driver = { suspension, payStep, wantsStop };
  const position = drive(exports, driver, from?.position ?? beginning);
  if (position === null || state === null) return null;
  return { position, ...state.save(), calls: saveCalls(world.state, run.files) };
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

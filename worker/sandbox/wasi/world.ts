/**
 * Everything a kernel's calls can touch. `WasiState` is plain data, so that a run can one day be
 * saved in one place and go on in another; `World` adds what is bound to the running instance.
 *
 * Time is fuel: one unit of fuel is one nanosecond, and the meter takes 500 for every call, so a
 * kernel that looks at the clock twice always sees it move, by the same amount on every host.
 * Sleeping moves the clock and nothing else.
 */

import { cost, costOfBytes } from './cost.ts';
import { type DescriptorTable, openDescriptors } from './descriptors.ts';
import { Ending } from './ending.ts';
import { type FileSystem, openFileSystem } from './file-system.ts';
import { GuestMemory } from './guest-memory.ts';
import { type RandomState, seedRandom } from './random.ts';
import { type ByteSink, type ByteSource, emptySink } from './streams.ts';

interface WasiState {
  /** Zero-terminated, as a kernel reads them. */
  args: Uint8Array[];
  env: Uint8Array[];
  random: RandomState;
  sleptNs: bigint;
  stdin: ByteSource;
  stdout: ByteSink;
  stdoutBytesMax: number;
  stderr: ByteSink;
  files: FileSystem;
  descriptors: DescriptorTable;
}

/** The meter's own global in the instance: what is left, for the kernel and for its calls alike. */
interface FuelGauge {
  value: bigint;
}

export interface World {
  state: WasiState;
  memory: GuestMemory;
  fuelMax: bigint;
  fuel: FuelGauge;
}

/** 9 September 2001, 01:46:40 UTC: a round 10^18, and plainly not today to whoever prints it. */
export const epochNs = 1_000_000_000_000_000_000n;

/** Enough for the largest output (64 MiB) beside as much scratch; a host holds up to twice this. */
const fileBytesMax = 128 * 1024 * 1024;
/** A kernel that wants more files wants a different layout; each costs the host about 1 KiB. */
const inodesMax = 10_000;

const utf8 = new TextEncoder();

/** A world before its instance: without memory, and with a gauge of its own until the meter's. */
export function openWorld(unit: {
  args: string[];
  env: Record<string, string>;
  stdin: Uint8Array;
  fuelMax: number;
  outputBytesMax: number;
  seed: bigint;
}): World {
  const files = openFileSystem({ bytesMax: fileBytesMax, inodesMax, nowNs: epochNs });
  const fuelMax = BigInt(unit.fuelMax);
  return {
    state: {
      args: unit.args.map((arg) => utf8.encode(`${arg}\0`)),
      // Sorted: how an object was put together must not show.
      env: Object.keys(unit.env)
        .sort()
        .map((name) => utf8.encode(`${name}=${unit.env[name]}\0`)),
      random: seedRandom(unit.seed),
      sleptNs: 0n,
      stdin: { bytes: unit.stdin, position: 0 },
      stdout: emptySink(),
      stdoutBytesMax: unit.outputBytesMax,
      stderr: emptySink(),
      files,
      descriptors: openDescriptors(files.root),
    },
    memory: new GuestMemory(),
    fuelMax,
    fuel: { value: fuelMax },
  };
}

/** A screenful of a hundred lines or two: the last words, not the story. */
export const stderrBytesKept = 16 * 1024;

/** Pays for work done for the kernel, and ends the run when that was more than it has. */
export function spend(world: World, fuel: number): void {
  const left = world.fuel.value - BigInt(fuel);
  world.fuel.value = left;
  if (left < 0n) throw new Ending({ kind: 'fuelExhausted' });
}

export const spendOnBytes = (world: World, bytes: number): void => spend(world, costOfBytes(bytes));

export const spendOnStep = (world: World): void => spend(world, cost.step);

/** Since the run began. */
export const elapsedNs = (world: World): bigint =>
  world.fuelMax - world.fuel.value + world.state.sleptNs;

/** As a wall clock would say it: for files, and for whoever asks the date. */
export const nowNs = (world: World): bigint => epochNs + elapsedNs(world);

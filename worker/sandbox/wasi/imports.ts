/**
 * The import object of a kernel: WASI preview 1 whole, and nothing else. Here is the border where a
 * refusal becomes the number that WASI returns. What is thrown beyond that ends the run: an
 * `Ending`, or a fault of the host that the runner reports as such.
 */
import { clockCalls } from './calls/clock.ts';
import { descriptorCalls } from './calls/descriptor.ts';
import { listingCalls } from './calls/listing.ts';
import { openCalls } from './calls/open.ts';
import { pathCalls } from './calls/path.ts';
import { processCalls } from './calls/process.ts';
import { transferCalls } from './calls/transfer.ts';
import { errno, Refusal } from './errno.ts';
import type { World } from './world.ts';

export const wasiModuleName = 'wasi_snapshot_preview1';

// biome-ignore lint/suspicious/noConfusingVoidType: a call that says nothing has succeeded
type Call = (...args: never[]) => number | void;

const groups = [
  processCalls,
  clockCalls,
  descriptorCalls,
  transferCalls,
  listingCalls,
  openCalls,
  pathCalls,
];

export function wasiImports(world: World): Record<string, Call> {
  const imports: Record<string, Call> = {};
  for (const group of groups) {
    const calls: Record<string, Call> = group(world);
    for (const [name, call] of Object.entries(calls)) imports[name] = atBorder(call);
  }
  return imports;
}

function atBorder(call: Call): Call {
  return (...args) => {
    try {
      return call(...args) ?? errno.success;
    } catch (thrown) {
      if (thrown instanceof Refusal) return thrown.errno;
      throw thrown;
    }
  };
}

/**
 * Runs a unit to its end and lets it be saved on the way. A run that is saved stops, is written
 * down, and goes on from what was written: the way that a restarted worker goes is the way that
 * every saved run has gone.
 */
import { packSnapshot, unpackSnapshot } from './checkpoint/pack.ts';
import { forgetSaveWish, isSaveWished, type SaveWish } from './checkpoint/save-wish.ts';
import { partBytes, type Snapshot } from './checkpoint/snapshot.ts';
import { cannotGoOn } from './no-end.ts';
import { runInterruptibly } from './runner.ts';
import type { SavedRun, UnitEnd, UnitRun } from './sandbox.ts';

/**
 * Of a snapshot before it is compressed. At this size writing one takes 5 s and 450 MiB of memory (floats,
 * which hardly compress, on a busy machine); a larger run is not saved.
 */
const snapshotBytesMax = 128 * 1024 * 1024;

export interface SavingRun {
  unit: UnitRun;
  /** Where it goes on; null when it begins. */
  from: SavedRun | null;
  /** Set by whoever wants a snapshot; null when nobody ever will. */
  wish: SaveWish | null;
}

export interface SavingRunEvents {
  onProgress: (fraction: number) => void;
  /** What was wished for; null when the run is too large to be saved. */
  onSaved: (saved: SavedRun | null) => void;
}

/** A snapshot that is damaged, or not of this run, ends as `host_error`. */
export async function runSaving(
  module: WebAssembly.Module,
  { unit, from: given, wish }: SavingRun,
  { onProgress, onSaved }: SavingRunEvents,
): Promise<UnitEnd> {
  let from: Snapshot | null = null;
  if (given !== null) {
    try {
      from = await unpackSnapshot(given, snapshotBytesMax);
    } catch (error) {
      return cannotGoOn(error);
    }
  }
  for (;;) {
    const wantsStop = () => isSaveWished(wish);
    const stop = runInterruptibly(module, unit, { from, wantsStop, onProgress });
    if (stop.kind === 'ended') return stop.end;
    // A wish that comes while this one is met wants a later state.
    forgetSaveWish(wish);
    from = stop.snapshot;
    const isTooLarge = bytesOf(from) > snapshotBytesMax;
    onSaved(isTooLarge ? null : { ...(await packSnapshot(from)), fuel: stop.fuel });
  }
}

/** Nearly: what is left out is small beside the bound. */
function bytesOf({ memory, calls }: Snapshot): number {
  const files = calls.inodes.map((inode) => (inode.kind === 'file' ? inode.bytes.length : 0));
  const own = files.reduce((sum, bytes) => sum + bytes, calls.stdout.length);
  return memory.parts.length * partBytes + own;
}

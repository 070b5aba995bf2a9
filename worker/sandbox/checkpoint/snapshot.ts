/**
 * What a run is between two of its instructions, as plain data: enough to go on with it in another
 * thread, process or machine, to the same bytes and the same fuel as if nothing had happened.
 *
 *   where it stands    the entry that was being called, and the call stack if it stood inside
 *   the instance       memory (its pages that are not all zero) and mutable globals, fuel among them
 *   the calls          what WASI knows: streams, files, descriptors, clock, randomness
 *
 * The unit's inputs are not in it. They come with the unit, and a file that the kernel left alone is
 * only named. Tables need no saving, as the meter refuses kernels that change one.
 */
import type { SavedCalls } from './saved-calls.ts';

export interface Snapshot {
  position: Position;
  memory: SavedMemory;
  /** In the order of the meter's exports `manyhands_global_0` and so on; a bigint is an i64. */
  globals: (number | bigint)[];
  calls: SavedCalls;
}

export interface Position {
  /** `start` is `_start` or `_initialize`, `step` a call of `step`. */
  entry: 'start' | 'step';
  /** The call stack as Asyncify wrote it down; null when the entry is to be called afresh. */
  stack: Uint8Array | null;
}

export interface SavedMemory {
  /** Of 64 KiB, as memory.size counts. */
  pages: number;
  /** Ascending, each of `partBytes` and not all zero. */
  parts: { index: number; bytes: Uint8Array }[];
}

/** As the host's own pages: fine enough that little zero is saved, coarse enough to scan fast. */
export const partBytes = 4096;
export const pageBytes = 65_536;

/** The bytes or the data contradict what a snapshot is, or do not fit the run they are given to. */
export class SnapshotRefused extends Error {
  constructor(why: string) {
    super(`The snapshot is refused: ${why}`);
    this.name = 'SnapshotRefused';
  }
}

export function refuseSnapshot(why: string): never {
  throw new SnapshotRefused(why);
}

export function demand(isSo: boolean, why: string): void {
  if (!isSo) refuseSnapshot(why);
}

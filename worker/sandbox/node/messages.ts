/**
 * What the agent and the sandbox process say to each other over their IPC channel. Both ends are
 * ours and of one version, so nothing is parsed; nothing a kernel wrote is ever more than bytes here.
 */
import type { SavedRun, UnitEnd, UnitRun } from '../sandbox.ts';

/** Numbers runs within one agent's life; never reused, so a late answer finds nobody. */
export type RunNumber = number;

export type ToProcess =
  | { kind: 'load'; digest: string; wasm: Uint8Array }
  | { kind: 'unload'; digest: string }
  | { kind: 'run'; run: RunNumber; digest: string; unit: UnitRun; from: SavedRun | null }
  | { kind: 'save'; run: RunNumber }
  | { kind: 'stop'; run: RunNumber };

export type FromProcess =
  | { kind: 'ready' }
  | { kind: 'progress'; run: RunNumber; fraction: number }
  | { kind: 'saved'; run: RunNumber; saved: SavedRun | null }
  | { kind: 'ended'; run: RunNumber; end: UnitEnd }
  /** The run's thread is gone, and its place is free again. */
  | { kind: 'stopped'; run: RunNumber }
  /** The process is over its memory limit; it ends after this word. */
  | { kind: 'outOfMemory' };

/** How the process is set up: its one argument, as JSON. */
export interface ProcessOptions {
  threads: number;
  memoryBytesMax: number | null;
}

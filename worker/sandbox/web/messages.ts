/**
 * What a sandbox and one of its Web Workers say to each other. Both ends are ours and of one
 * version, so nothing is parsed. A thread does one run at a time and none after it was ended, so
 * runs need no numbers here.
 */
import type { SavedRun, UnitEnd } from '../sandbox.ts';
import type { SavingRun } from '../saving-run.ts';

export interface ToThread extends SavingRun {
  module: WebAssembly.Module;
}

export type FromThread =
  /** Its code is loaded: no run's wall time pays for that. */
  | { kind: 'ready' }
  | { kind: 'progress'; fraction: number }
  | { kind: 'saved'; saved: SavedRun | null }
  | { kind: 'ended'; end: UnitEnd }
  /** The run itself could not be done here, or its end was too large to be sent. */
  | { kind: 'failed'; reason: string };

/**
 * What a sandbox and one of its Web Workers say to each other. Both ends are ours and of one
 * version, so nothing is parsed. A thread does one run at a time and none after it was ended, so
 * runs need no numbers here.
 */
import type { UnitEnd, UnitRun } from '../sandbox.ts';

export interface ToThread {
  module: WebAssembly.Module;
  unit: UnitRun;
}

export type FromThread =
  /** Its code is loaded: no run's wall time pays for that. */
  | { kind: 'ready' }
  | { kind: 'progress'; fraction: number }
  | { kind: 'ended'; end: UnitEnd }
  /** The run itself could not be done here, or its end was too large to be sent. */
  | { kind: 'failed'; reason: string };

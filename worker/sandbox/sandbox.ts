/**
 * What a sandbox is to the rest of the worker: something that takes a metered kernel and one unit's
 * inputs and always answers with how the run ended. The words of that conversation are here; the
 * Node sandbox (a process of worker threads) and the browser's speak them alike.
 *
 * A sandbox never throws for what a kernel does: every ending is an outcome with a sentence.
 */
import type { Outcome } from '../../protocol/outcome.ts';
import type { PackedSnapshot } from './checkpoint/pack.ts';

/** Everything a kernel can see or spend in one run. The same UnitRun gives the same UnitEnd. */
export interface UnitRun {
  /** `argv`, the program's own name first. */
  args: string[];
  env: Record<string, string>;
  stdin: Uint8Array;
  /** By absolute guest path; the folders on the way are made. */
  files: Record<string, Uint8Array>;
  /** Patterns of guest paths to return, like `/out/*`; their folders exist when the run begins. */
  outputs: string[];
  fuelMax: number;
  /** Bound on stdout and returned files together. */
  outputBytesMax: number;
  /** The kernel's stream of randomness, the same wherever the unit runs: 64 bits. */
  seed: bigint;
}

export interface UnitEnd {
  outcome: Outcome;
  /** Null when the kernel did not end by itself. */
  exitCode: number | null;
  fuel: number;
  stdout: Uint8Array;
  /** The last part only: it is for a human, and is neither compared nor counted as output. */
  stderr: Uint8Array;
  files: Record<string, Uint8Array>;
  /** A sentence for the scientist; empty on success. */
  detail: string;
}

/** A kernel after the meter; the digest names the metered bytes within this sandbox. */
export interface SandboxKernel {
  digest: string;
  wasm: Uint8Array;
}

/** A run as it was at some checkpoint: given to another run of the same unit, it goes on there. */
export interface SavedRun extends PackedSnapshot {
  /** What it had burned. It is for telling: the snapshot itself knows. */
  fuel: number;
}

export interface SandboxRun extends UnitRun {
  /** The caller's name for this run, for `abort` and `save`; unique among the runs under way. */
  id: string;
  /** Time the run may take, pauses not counted. A host's own guard: fuel is the real limit. */
  wallMsMax: number;
  /** Where it goes on; absent, it begins. One that is damaged or foreign ends as `host_error`. */
  from?: SavedRun;
}

export type SandboxEnd = UnitEnd & { wallMs: number };

export interface Sandbox {
  /**
   * Runs one unit, or queues it while all threads are busy. Never rejects: a sandbox that broke
   * answers `host_error`. `onProgress` gets what the kernel says of itself, 0 to 1, now and then.
   */
  run(
    kernel: SandboxKernel,
    run: SandboxRun,
    onProgress?: (fraction: number) => void,
  ): Promise<SandboxEnd>;
  /**
   * Saves that run at its next checkpoint, after which it goes on. Null when it cannot be saved: it
   * came to its end before, never was, is too large, or the browser has no shared memory. A kernel
   * that was not made for checkpoints reaches none, so the answer comes when it ends.
   */
  save(id: string): Promise<SavedRun | null>;
  /** Ends that run as `aborted`; without effect when it has ended or never was. */
  abort(id: string): void;
  /**
   * Stops every run and starts none: nothing is burned. On Node the runs stand still where they are;
   * a browser can only end them, and after `resume` they go on from where they were last saved.
   */
  pause(): void;
  resume(): void;
  /** Ends all runs as `aborted` and everything the sandbox started. */
  close(): Promise<void>;
}

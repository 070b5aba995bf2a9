// Sandboxes without kernels, for tests of the agent: they speak the sandbox's contract, and a test
// decides what a run gives and when.

import type { Sandbox, SandboxEnd, SandboxRun, SavedRun } from '../../worker/sandbox/sandbox.ts';

export const success = (stdout: string | Uint8Array): SandboxEnd => ({
  outcome: 'success',
  exitCode: 0,
  fuel: 1000,
  stdout: typeof stdout === 'string' ? new TextEncoder().encode(stdout) : stdout,
  stderr: new Uint8Array(),
  files: {},
  detail: '',
  wallMs: 1,
});

const aborted: SandboxEnd = { ...success(''), outcome: 'aborted', exitCode: null };

/** Answers every run at once, or after a while, with what `answer` says: the arguments by default. */
export function echoSandbox(
  answer: (run: SandboxRun) => SandboxEnd = (run) => success(run.args.slice(1).join(' ')),
): Sandbox & { runs: SandboxRun[]; isClosed: boolean } {
  const runs: SandboxRun[] = [];
  return {
    runs,
    isClosed: false,
    run: async (_kernel, run) => {
      runs.push(run);
      return answer(run);
    },
    save: async () => null,
    abort: () => undefined,
    pause: () => undefined,
    resume: () => undefined,
    async close() {
      this.isClosed = true;
    },
  };
}

/** Runs last until the test ends them. */
export class HeldSandbox implements Sandbox {
  readonly started: SandboxRun[] = [];
  /** What a save gives; until a test decides, it waits for a checkpoint that never comes. */
  readonly saves: ((saved: SavedRun | null) => void)[] = [];
  readonly aborted: string[] = [];
  isPaused = false;
  isClosed = false;
  private readonly ends = new Map<string, (end: SandboxEnd) => void>();

  run(_kernel: unknown, run: SandboxRun): Promise<SandboxEnd> {
    this.started.push(run);
    return new Promise((resolve) => this.ends.set(run.id, resolve));
  }

  /** Ends the runs of this unit, or of all. */
  end(unit?: number, end: SandboxEnd = success('done')): void {
    for (const [id, resolve] of this.ends) {
      if (unit !== undefined && !id.endsWith(`/${unit}`)) continue;
      this.ends.delete(id);
      resolve(end);
    }
  }

  save(): Promise<SavedRun | null> {
    return new Promise((resolve) => this.saves.push(resolve));
  }

  abort(id: string): void {
    this.aborted.push(id);
    this.ends.get(id)?.(aborted);
    this.ends.delete(id);
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  async close(): Promise<void> {
    this.isClosed = true;
    for (const resolve of this.ends.values()) resolve(aborted);
    this.ends.clear();
  }
}

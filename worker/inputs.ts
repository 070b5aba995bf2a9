/**
 * What all units of a job read: the kernel, stdin and files, by digest. They are fetched when a
 * job's first unit is in hand, kept in memory while the job has units here, and given to every run.
 */
import type { JobBrief } from '../protocol/messages.ts';
import type { Artifacts } from './artifacts.ts';
import type { SandboxKernel } from './sandbox/sandbox.ts';

export interface JobInputs {
  kernel: SandboxKernel;
  stdin: Uint8Array;
  files: Record<string, Uint8Array>;
}

export type InputState =
  | { state: 'fetching' }
  | { state: 'here'; inputs: JobInputs }
  /** The grid does not have them, or not those bytes: the job cannot run here. */
  | { state: 'missing'; why: string };

export class Inputs {
  private readonly artifacts: Artifacts;
  private readonly changed: () => void;
  private readonly jobs = new Map<string, { state: InputState; abort: AbortController }>();

  /** `changed` is called when a job's inputs have arrived or turned out to be missing. */
  constructor(artifacts: Artifacts, changed: () => void) {
    this.artifacts = artifacts;
    this.changed = changed;
  }

  /** How it stands; the first question starts the fetching. */
  of(brief: JobBrief): InputState {
    const known = this.jobs.get(brief.jobId);
    if (known !== undefined) return known.state;
    const job = { state: { state: 'fetching' } as InputState, abort: new AbortController() };
    this.jobs.set(brief.jobId, job);
    void this.fetch(brief, job.abort.signal).then((state) => {
      job.state = state;
      this.changed();
    });
    return job.state;
  }

  get isFetching(): boolean {
    return [...this.jobs.values()].some(({ state }) => state.state === 'fetching');
  }

  /**
   * Lets go of all jobs but these; a download under way for another one ends. With no job at all
   * the last ones stay: between two leases they are likely to be wanted again.
   */
  keep(jobIds: ReadonlySet<string>): void {
    for (const [jobId, { state, abort }] of this.jobs) {
      if (jobIds.has(jobId) || (jobIds.size === 0 && state.state === 'here')) continue;
      abort.abort();
      this.jobs.delete(jobId);
    }
  }

  private async fetch(brief: JobBrief, signal: AbortSignal): Promise<InputState> {
    const { stdin, files } = brief.run;
    try {
      const [wasm, stdinBytes, ...contents] = await Promise.all([
        this.artifacts.get(brief.kernel, signal),
        stdin === null ? new Uint8Array() : this.artifacts.get(stdin, signal),
        ...Object.values(files).map((digest) => this.artifacts.get(digest, signal)),
      ]);
      const named = Object.keys(files).map((path, i) => [path, contents[i] ?? new Uint8Array()]);
      return {
        state: 'here',
        inputs: {
          kernel: { digest: brief.kernel, wasm },
          stdin: stdinBytes,
          files: Object.fromEntries(named),
        },
      };
    } catch (error) {
      return { state: 'missing', why: error instanceof Error ? error.message : String(error) };
    }
  }
}

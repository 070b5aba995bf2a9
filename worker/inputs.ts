/**
 * What all units of a job read: the kernel, stdin and files, by digest. They are fetched when a
 * job's first unit is in hand, kept in memory while the job has units here, and given to every run.
 */
import type { Digest } from '../protocol/ids.ts';
import type { JobBrief } from '../protocol/messages.ts';
import type { Artifacts } from './artifacts.ts';
import type { SandboxKernel } from './sandbox/sandbox.ts';

/** All inputs of a job lie in memory here: a volunteer did not lend all of it. */
const inputBytesMax = 1024 ** 3;

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

  private async fetch({ kernel, run }: JobBrief, signal: AbortSignal): Promise<InputState> {
    let bytes = 0;
    const get = async (digest: Digest) => {
      const artifact = await this.artifacts.get(digest, signal);
      bytes += artifact.length;
      if (bytes > inputBytesMax) throw new Error('its inputs are more than a host takes');
      return artifact;
    };
    try {
      const wasm = await get(kernel);
      const stdin = run.stdin === null ? new Uint8Array() : await get(run.stdin);
      const files: Record<string, Uint8Array> = {};
      for (const [path, digest] of Object.entries(run.files)) files[path] = await get(digest);
      return { state: 'here', inputs: { kernel: { digest: kernel, wasm }, stdin, files } };
    } catch (error) {
      return { state: 'missing', why: error instanceof Error ? error.message : String(error) };
    }
  }
}

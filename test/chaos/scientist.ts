/**
 * Keeps the grid in work: as soon as a job of a kind runs low, the next one is submitted, under a key of its
 * own and for as long as it takes to be answered. So there is one job for each submission, however many
 * answers were lost.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { JobView, Submitted } from '../../protocol/http.ts';
import type { WhyView } from '../../protocol/why.ts';
import type { ChaosGrid } from './chaos-grid.ts';
import type { Workload } from './workloads.ts';

export type SubmittedJob = { jobId: string; workload: Workload };

/** A request that has no answer by then is asked again. */
const answerMsMax = 10_000;
const lookEveryMs = 300;
const askAgainMs = 200;
/** Enough to see what is wrong. */
const complaintsMax = 20;
/** Of a job's units: when fewer wait, the next job of its kind is submitted. */
const lowShare = 0.3;

export class Scientist {
  readonly jobs: SubmittedJob[] = [];
  /** What was lost of what was answered with a 201. */
  readonly complaints: string[] = [];
  private readonly grid: Pick<ChaosGrid, 'fetch'>;
  private readonly workloads: readonly Workload[];
  private readonly uploaded = new Set<Workload>();

  constructor(grid: Pick<ChaosGrid, 'fetch'>, workloads: readonly Workload[]) {
    this.grid = grid;
    this.workloads = workloads;
  }

  /** Until the signal comes. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const workload of this.workloads) {
        const last = this.jobs.findLast((job) => job.workload === workload);
        if (last === undefined || (await this.isLow(last))) await this.submit(workload, signal);
      }
      await wait(lookEveryMs);
    }
  }

  /** Resolves when there is a job of each kind: from then on there is something to break. */
  async atWork(): Promise<void> {
    while (this.jobs.length < this.workloads.length) await wait(askAgainMs);
  }

  /** Null when there was no answer. */
  show(jobId: string): Promise<JobView | null> {
    return this.ask(`/v1/jobs/${jobId}`, {});
  }

  /** Null when there was no answer. */
  why(jobId: string): Promise<WhyView | null> {
    return this.ask(`/v1/jobs/${jobId}/why`, {});
  }

  private async isLow({ jobId, workload }: SubmittedJob): Promise<boolean> {
    const view = await this.show(jobId);
    return view !== null && view.waiting < workload.units * lowShare;
  }

  private async submit(workload: Workload, signal: AbortSignal): Promise<void> {
    const key = `chaos-${this.jobs.length}`;
    while (!signal.aborted) {
      const submitted = (await this.isUploaded(workload))
        ? await this.ask<Submitted>('/v1/jobs', {
            method: 'POST',
            headers: { 'content-type': 'application/json', 'idempotency-key': key },
            body: JSON.stringify(workload.document),
          })
        : null;
      if (submitted !== null) {
        this.jobs.push({ jobId: submitted.jobId, workload });
        return;
      }
      await wait(askAgainMs);
    }
  }

  /** Once it was answered that it is stored, it stays: it is not uploaded again. */
  private async isUploaded(workload: Workload): Promise<boolean> {
    if (this.uploaded.has(workload)) return true;
    const path = `/v1/artifacts/${workload.document.kernel}`;
    const stored = await this.ask(path, { method: 'PUT', body: workload.wasm });
    if (stored !== null) this.uploaded.add(workload);
    return stored !== null;
  }

  /** Null when there was no answer, or one that says to try again. */
  private async ask<T>(path: string, init: RequestInit): Promise<T | null> {
    try {
      const reply = await this.grid.fetch(path, {
        ...init,
        signal: AbortSignal.timeout(answerMsMax),
      });
      return (await reply.json()) as T;
    } catch (error) {
      const text = (error as Error).message;
      // Nothing is asked here that may be refused; a grid that cannot answer says 5xx, or nothing.
      if (/: 4\d\d /.test(text) && this.complaints.length < complaintsMax)
        this.complaints.push(text);
      return null;
    }
  }
}

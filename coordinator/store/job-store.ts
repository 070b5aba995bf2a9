/**
 * Jobs as the store keeps them: what was submitted, how far it is split and done, and why it stands
 * still. A part of the store, with the promise of store.ts.
 */
import type { JobId } from '../../protocol/ids.ts';
import type { JobState, PauseCause } from '../../protocol/job.ts';
import type { Payment } from '../domain/award.ts';
import type { DayMark, Job, JobFacts } from '../domain/job.ts';
import type { LateResult } from '../domain/late.ts';

/** What splitting and closing need to know of a job, without its document. */
export type OpenJob = {
  jobId: JobId;
  state: JobState;
  cursor: number;
  /** When its last unit was accepted or failed; null before that. */
  decidedAt: number | null;
  shardsFinal: number;
};

/** How far the results of a job are final, and what its hold is reckoned from. */
export type HeldJob = {
  jobId: JobId;
  state: JobState;
  shards: number;
  marks: DayMark[];
  shardsFinal: number;
  final: number;
  shardsSettled: number;
};

export type CancelReply = 'cancelled' | 'over' | 'unknown';
export type PauseReply = 'paused' | 'over' | 'unknown';
export type ResumeReply = 'open' | 'paused' | 'over' | 'unknown';

/** What becomes of late results: which go, and what is paid for those of them that were right. */
export type LateEnd = { pay: readonly Payment[]; gone: readonly LateResult[] };

export type Hold = Pick<HeldJob, 'marks' | 'shardsFinal' | 'final'>;

/** Where a job stands in the list: newest first, and those of one millisecond by their ids, backwards. */
export type JobPlace = { submittedAt: number; jobId: JobId };
/** `next` is the place of the last that was looked at; null at the end. */
export type JobPage = { jobs: Job[]; next: JobPlace | null };

export const byPlace = (a: JobPlace, b: JobPlace): number =>
  b.submittedAt - a.submittedAt || Number(a.jobId < b.jobId) - Number(a.jobId > b.jobId);

export interface JobStore {
  /** Idempotent by job id: submitting it again changes nothing. */
  submit(facts: JobFacts, curated?: boolean): Promise<void>;
  /** From the archive when it is there: then it throws ArchiveDamaged when that file cannot be read. */
  read(jobId: JobId): Promise<Job | null>;
  /** Those after a place, or the first; without those whose files cannot be read. */
  list(max: number, after: JobPlace | null): Promise<JobPage>;
  /** Jobs of the partition that are neither complete nor cancelled, oldest first. */
  listOpen(partition: number): Promise<OpenJob[]>;
  /** Jobs of the partition that have results, or may get some, that are not final. */
  listHeld(partition: number): Promise<HeldJob[]>;
  /**
   * Moves a job's hold on, where it still stands as it was read; false when it does not. What is final is never
   * amended any more, and no check of it is opened. With `finalAt` nothing is held of it, no check of it is open, and
   * late results that are left go.
   */
  moveHold(from: HeldJob, to: Hold, finalAt: number | null): Promise<boolean>;
  /**
   * Late results of what is final go, and those that were right are paid, in one step: not when one of them is gone
   * already, which is when it returns false. So many first shards are settled then.
   */
  settleLate(jobId: JobId, shardsSettled: number, late: LateEnd): Promise<boolean>;
  /** Ends a job of which all is decided. False when it is over, or not decided. */
  complete(jobId: JobId, unchecked: number, now: number): Promise<boolean>;
  cancel(jobId: JobId, now: number): Promise<CancelReply>;
  /** Nothing is split off it any more, until each cause is lifted. What is out is still recorded. */
  pause(jobId: JobId, cause: PauseCause, reason: string): Promise<PauseReply>;
  /** `paused` as long as there are other causes. */
  resume(jobId: JobId, causes: readonly PauseCause[]): Promise<ResumeReply>;
  /** False when there is no such job. */
  curate(jobId: JobId, curated: boolean): Promise<boolean>;
  isCurated(jobId: JobId): Promise<boolean>;
}

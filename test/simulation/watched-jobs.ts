/** The jobs of a store, with somebody who is told of each step in a job's life that has come true. */
import type { Payment } from '../../coordinator/domain/award.ts';
import type { JobFacts } from '../../coordinator/domain/job.ts';
import type { ArchiveFiles } from '../../coordinator/store/archive-files.ts';
import type { CancelReply, HeldJob, Hold, LateEnd } from '../../coordinator/store/job-store.ts';
import { MemoryJobs } from '../../coordinator/store/memory-jobs.ts';
import type { MemoryPartitions } from '../../coordinator/store/memory-partitions.ts';
import type { JobId } from '../../protocol/ids.ts';

type JobWatch = {
  submitted(facts: JobFacts): void;
  completed(jobId: JobId): void;
  cancelled(jobId: JobId): void;
  holdMoved(from: HeldJob, to: Hold): void;
  latePaid(jobId: JobId, pay: readonly Payment[]): void;
};

export class WatchedJobs extends MemoryJobs {
  private readonly watch: JobWatch;

  constructor(partitions: MemoryPartitions, files: ArchiveFiles, watch: JobWatch) {
    super(partitions, files);
    this.watch = watch;
  }

  override async submit(facts: JobFacts, curated = false): Promise<void> {
    this.watch.submitted(facts);
    await super.submit(facts, curated);
  }

  override async complete(jobId: JobId, unchecked: number, now: number): Promise<boolean> {
    const isComplete = await super.complete(jobId, unchecked, now);
    if (isComplete) this.watch.completed(jobId);
    return isComplete;
  }

  override async moveHold(from: HeldJob, to: Hold, finalAt: number | null): Promise<boolean> {
    const isMoved = await super.moveHold(from, to, finalAt);
    if (isMoved) this.watch.holdMoved(from, to);
    return isMoved;
  }

  override async settleLate(jobId: JobId, shards: number, late: LateEnd): Promise<boolean> {
    const isSettled = await super.settleLate(jobId, shards, late);
    if (isSettled) this.watch.latePaid(jobId, late.pay);
    return isSettled;
  }

  override async cancel(jobId: JobId, now: number): Promise<CancelReply> {
    const reply = await super.cancel(jobId, now);
    if (reply === 'cancelled') this.watch.cancelled(jobId);
    return reply;
  }
}

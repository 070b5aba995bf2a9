/**
 * What jobs and shards change together: in Redis the keys of one slot, here some maps. A job that ends
 * leaves the open set, and an append counts for its job.
 */
import type { JobId } from '../../protocol/ids.ts';
import type { OutboxRecord } from '../domain/award.ts';
import type { Job } from '../domain/job.ts';
import type { LateResult } from '../domain/late.ts';
import type { Shard, ShardId } from '../domain/shard.ts';
import type { Place } from '../domain/trust/docket.ts';
import type { MemoryGrid } from './memory-grid.ts';
import { partitionOf } from './store.ts';

export type Partition = {
  open: Map<ShardId, Shard>;
  journals: Map<ShardId, Uint8Array>;
  outbox: OutboxRecord[];
  outboxNumber: number;
};

export class MemoryPartitions {
  readonly jobs = new Map<JobId, Job>();
  /** When each was submitted, of those that are listed. */
  readonly listed = new Map<JobId, number>();
  /** One more than the highest number of a job's checks, from 0 on. */
  readonly checks = new Map<JobId, number>();
  /** By job: where the canonical results of amended units are, and which were revoked, in that order. */
  readonly places = new Map<JobId, Map<number, Place>>();
  readonly revoked = new Map<JobId, number[]>();
  private readonly late = new Map<JobId, Map<string, LateResult>>();
  private readonly byNumber = new Map<number, Partition>();
  private readonly grid: MemoryGrid;

  constructor(grid: MemoryGrid) {
    this.grid = grid;
  }

  lateOf(jobId: JobId): Map<string, LateResult> {
    const late = this.late.get(jobId) ?? new Map<string, LateResult>();
    this.late.set(jobId, late);
    return late;
  }

  /** Nothing of the job is left here but its name in the list. */
  letJobGo(jobId: JobId): void {
    for (const kept of [this.jobs, this.checks, this.places, this.revoked, this.late])
      kept.delete(jobId);
  }

  ofJob(jobId: JobId): Partition {
    return this.at(partitionOf(jobId, this.grid.partitions));
  }

  at(number: number): Partition {
    let partition = this.byNumber.get(number);
    if (partition === undefined) {
      partition = { open: new Map(), journals: new Map(), outbox: [], outboxNumber: 0 };
      this.byNumber.set(number, partition);
    }
    return partition;
  }
}

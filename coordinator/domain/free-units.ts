/**
 * The free units of a window: how many there are, of which jobs, and the shards that have them. Units of
 * a paused job are known, and not counted in all.
 */
import type { JobId } from '../../protocol/ids.ts';
import type { HeldShard } from './held-shard.ts';
import { fits, type Machine } from './machine.ts';
import type { Shard } from './shard.ts';

export class FreeUnits {
  private readonly byJob = new Map<JobId, number>();
  private readonly shardsByJob = new Map<JobId, Set<HeldShard>>();
  private readonly paused = new Set<JobId>();
  private sum = 0;

  /** Units that could be granted right now; those of paused jobs could not. */
  get total(): number {
    return this.sum;
  }

  /** Of a job, were it not paused. */
  of(jobId: JobId): number {
    return this.byJob.get(jobId) ?? 0;
  }

  /** Shards with free units. A grant looks at no others: most shards held are all out. */
  get shards(): ReadonlyMap<JobId, ReadonlySet<HeldShard>> {
    return this.shardsByJob;
  }

  /** Of what could be granted, the shards that one of these machines could run. */
  spare(machines: readonly Machine[]): Shard[] {
    const spare: Shard[] = [];
    for (const [jobId, shards] of this.shardsByJob) {
      if (this.isPaused(jobId)) continue;
      for (const { job, shard } of shards) {
        if (machines.some((machine) => fits(job, machine))) spare.push(shard);
      }
    }
    return spare;
  }

  changed(jobId: JobId, by: number, shard: HeldShard): void {
    this.byJob.set(jobId, this.of(jobId) + by);
    if (!this.paused.has(jobId)) this.sum += by;
    const shards = this.shardsByJob.get(jobId);
    if (shard.freeUnits > 0) {
      if (shards === undefined) this.shardsByJob.set(jobId, new Set([shard]));
      else shards.add(shard);
    } else if (shards?.delete(shard) === true && shards.size === 0) this.shardsByJob.delete(jobId);
  }

  /** Nothing of it is held any more. */
  forget(jobId: JobId): void {
    this.byJob.delete(jobId);
  }

  pause(jobId: JobId): void {
    if (this.paused.has(jobId)) return;
    this.paused.add(jobId);
    this.sum -= this.of(jobId);
  }

  resume(jobId: JobId): void {
    if (this.paused.delete(jobId)) this.sum += this.of(jobId);
  }

  isPaused(jobId: JobId): boolean {
    return this.paused.has(jobId);
  }

  get pausedJobIds(): JobId[] {
    return [...this.paused];
  }
}

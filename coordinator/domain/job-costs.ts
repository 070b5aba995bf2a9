/**
 * What a unit of each job costs, as far as results have told: its mean, by which jobs share, and its middle
 * and spread, by which leases are sized (log-average.ts).
 */
import type { JobId } from '../../protocol/ids.ts';
import { averaged } from './log-average.ts';
import type { UnitCost } from './speed.ts';

/** Ten reports back a result still counts for a third: costs drift along a job's units. */
const newestShare = 0.1;

export class JobCosts {
  private readonly means = new Map<JobId, number>();
  private readonly costs = new Map<JobId, UnitCost>();

  /** 0 when nothing is known of it. */
  mean(jobId: JobId): number {
    return this.means.get(jobId) ?? 0;
  }

  find(jobId: JobId): UnitCost | null {
    return this.costs.get(jobId) ?? null;
  }

  /**
   * What a unit of the job is expected to cost. Of a job that is new here nothing is known: it counts
   * as the others do on average, or its first grants would be as good as free and crowd them out.
   */
  expected(jobId: JobId): number {
    const known = this.means.get(jobId);
    if (known !== undefined) return known;
    let sum = 0;
    for (const fuel of this.means.values()) sum += fuel;
    return Math.max(sum / Math.max(this.means.size, 1), 1);
  }

  learn(jobId: JobId, fuelPerUnit: number): void {
    const mean = this.means.get(jobId) ?? fuelPerUnit;
    this.means.set(jobId, mean + newestShare * (fuelPerUnit - mean));
    this.costs.set(jobId, averaged(this.costs.get(jobId) ?? null, fuelPerUnit));
  }

  forget(jobId: JobId): void {
    this.means.delete(jobId);
    this.costs.delete(jobId);
  }
}

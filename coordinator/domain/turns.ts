/**
 * Whose job is served next: fair share in two steps, first between scientists and then between the jobs of
 * the one whose turn it is. So ten jobs get their scientist no more than one would. A priority that was paid for
 * weighs against other scientists too; one that costs nobody anything, of a curated job, is at the cost of its
 * scientist's own other jobs.
 */
import type { AccountId, JobId } from '../../protocol/ids.ts';
import { FairShare } from './fair-share.ts';
import { type JobFacts, weightOf } from './job.ts';

export class Turns {
  private readonly scientists = new FairShare<AccountId>();
  private readonly jobs = new Map<AccountId, FairShare<JobId>>();
  private readonly owners = new Map<JobId, AccountId>();
  private readonly paid = new Set<JobId>();

  /** Jobs that were served, or are paid for, and not forgotten. */
  get known(): JobId[] {
    return [...new Set([...this.owners.keys(), ...this.paid])];
  }

  next<Job extends Pick<JobFacts, 'jobId' | 'owner'>>(candidates: readonly Job[]): Job | undefined {
    if (candidates.length < 2) return candidates[0];
    const owner = this.scientists.next(new Set(candidates.map((job) => job.owner)));
    const own = candidates.filter((job) => job.owner === owner);
    if (owner === undefined || own.length < 2) return own[0];
    const jobId = this.jobsOf(owner).next(own.map((job) => job.jobId));
    return own.find((job) => job.jobId === jobId);
  }

  /** Whether somebody pays for the job's priority. Until that is known nobody does. */
  setPaid({ jobId, document }: JobFacts, isPaid: boolean): void {
    if (isPaid && document.priority > 0) this.paid.add(jobId);
    else this.paid.delete(jobId);
  }

  /** Books what the job was served. */
  charge(job: JobFacts, cost: number): void {
    const { jobId, owner } = job;
    this.owners.set(jobId, owner);
    this.scientists.charge(owner, cost, this.paid.has(jobId) ? weightOf(job) : 1);
    this.jobsOf(owner).charge(jobId, cost, weightOf(job));
  }

  /** It is over. What its scientist was served for it stays booked as long as they have other jobs. */
  forget(jobId: JobId): void {
    this.paid.delete(jobId);
    const owner = this.owners.get(jobId);
    if (owner === undefined) return;
    this.owners.delete(jobId);
    const own = this.jobsOf(owner);
    own.forget(jobId);
    if (own.known.length > 0) return;
    this.jobs.delete(owner);
    this.scientists.forget(owner);
  }

  private jobsOf(owner: AccountId): FairShare<JobId> {
    const known = this.jobs.get(owner);
    if (known !== undefined) return known;
    const jobs = new FairShare<JobId>();
    this.jobs.set(owner, jobs);
    return jobs;
  }
}

/** Jobs in memory: see memory-store.ts. */
import type { JobId } from '../../protocol/ids.ts';
import type { PauseCause } from '../../protocol/job.ts';
import { isOver, type Job, type JobFacts } from '../domain/job.ts';
import { lateName } from '../domain/late.ts';
import type { ArchiveFiles } from './archive-files.ts';
import {
  byPlace,
  type CancelReply,
  type HeldJob,
  type Hold,
  type JobPage,
  type JobPlace,
  type JobStore,
  type LateEnd,
  type OpenJob,
  type PauseReply,
  type ResumeReply,
} from './job-store.ts';
import type { MemoryPartitions } from './memory-partitions.ts';
import { readableJob } from './readable-journal.ts';

export class MemoryJobs implements JobStore {
  private readonly partitions: MemoryPartitions;
  private readonly files: ArchiveFiles;

  constructor(partitions: MemoryPartitions, files: ArchiveFiles) {
    this.partitions = partitions;
    this.files = files;
  }

  async submit(facts: JobFacts, curated = false): Promise<void> {
    if (this.partitions.jobs.has(facts.jobId)) return;
    if ((await this.files.readJob(facts.jobId)) !== null) return;
    const counts = {
      cursor: 0,
      shards: 0,
      shardsOpen: 0,
      canonical: 0,
      failed: 0,
      fuel: 0n,
      creditMicro: 0n,
      shardsFinal: 0,
      shardsSettled: 0,
      final: 0,
    };
    const times = { endedAt: null, decidedAt: null, finalAt: null };
    const rest = { state: 'open', counts, ...times, unchecked: 0, pauses: {}, curated } as const;
    this.partitions.jobs.set(facts.jobId, { ...structuredClone(facts), ...rest, marks: [] });
    this.partitions.listed.set(facts.jobId, facts.submittedAt);
  }

  async read(jobId: JobId): Promise<Job | null> {
    const job = this.partitions.jobs.get(jobId) ?? (await this.files.readJob(jobId))?.job;
    return structuredClone(job ?? null);
  }

  async list(max: number, after: JobPlace | null): Promise<JobPage> {
    const places = [...this.partitions.listed]
      .map(([jobId, submittedAt]) => ({ jobId, submittedAt }))
      .filter((place) => after === null || byPlace(after, place) < 0)
      .sort(byPlace)
      .slice(0, max);
    const jobs = await Promise.all(places.map(({ jobId }) => readableJob(this, jobId)));
    const next = places.length < max ? null : (places.at(-1) ?? null);
    return { jobs: jobs.filter((job) => job !== null), next };
  }

  async listOpen(partition: number): Promise<OpenJob[]> {
    return [...this.partitions.jobs.values()]
      .filter(({ state }) => state === 'open' || state === 'paused')
      .filter(({ jobId }) => this.partitions.ofJob(jobId) === this.partitions.at(partition))
      .sort((a, b) => a.submittedAt - b.submittedAt)
      .map(({ jobId, state, counts, decidedAt }) => ({
        jobId,
        state,
        cursor: counts.cursor,
        shardsFinal: counts.shardsFinal,
        decidedAt,
      }));
  }

  async listHeld(partition: number): Promise<HeldJob[]> {
    return [...this.partitions.jobs.values()]
      .filter(({ finalAt }) => finalAt === null)
      .filter(({ jobId }) => this.partitions.ofJob(jobId) === this.partitions.at(partition))
      .map(({ jobId, state, marks, counts: { shards, shardsFinal, final, shardsSettled } }) => ({
        ...{ jobId, state, shards, shardsFinal, final, shardsSettled },
        marks: structuredClone(marks),
      }));
  }

  async moveHold(from: HeldJob, to: Hold, finalAt: number | null): Promise<boolean> {
    const job = this.partitions.jobs.get(from.jobId);
    if (job === undefined || job.counts.shardsFinal !== from.shardsFinal) return false;
    if (JSON.stringify(job.marks) !== JSON.stringify(from.marks)) return false;
    job.marks = structuredClone(to.marks);
    Object.assign(job.counts, { shardsFinal: to.shardsFinal, final: to.final });
    if (finalAt === null) return true;
    this.partitions.lateOf(job.jobId).clear();
    job.finalAt = finalAt;
    const { open } = this.partitions.ofJob(job.jobId);
    for (const [id, shard] of open) if (shard.jobId === from.jobId) open.delete(id);
    return true;
  }

  async settleLate(jobId: JobId, shardsSettled: number, { pay, gone }: LateEnd): Promise<boolean> {
    const job = this.partitions.jobs.get(jobId);
    const late = this.partitions.lateOf(jobId);
    if (job === undefined || gone.some((one) => !late.has(lateName(one)))) return false;
    for (const one of gone) late.delete(lateName(one));
    const partition = this.partitions.ofJob(jobId);
    if (pay.length > 0) {
      const payments = structuredClone([...pay]);
      partition.outbox.push({ number: ++partition.outboxNumber, jobId, isCheck: true, payments });
    }
    job.counts.shardsSettled = Math.max(job.counts.shardsSettled, shardsSettled);
    return true;
  }

  async complete(jobId: JobId, unchecked: number, now: number): Promise<boolean> {
    const job = this.partitions.jobs.get(jobId);
    if (job === undefined || job.decidedAt === null || isOver(job)) return false;
    job.state = 'complete';
    job.endedAt = now;
    job.unchecked = unchecked;
    return true;
  }

  async cancel(jobId: JobId, now: number): Promise<CancelReply> {
    const job = this.partitions.jobs.get(jobId);
    if (job === undefined) return 'unknown';
    if (isOver(job)) return 'over';
    job.state = 'cancelled';
    job.endedAt = now;
    job.counts.shardsOpen = 0;
    const { open } = this.partitions.ofJob(jobId);
    for (const [id, shard] of open) if (shard.jobId === jobId) open.delete(id);
    return 'cancelled';
  }

  async pause(jobId: JobId, cause: PauseCause, reason: string): Promise<PauseReply> {
    const job = this.partitions.jobs.get(jobId);
    if (job === undefined) return 'unknown';
    if (isOver(job)) return 'over';
    job.state = 'paused';
    job.pauses[cause] = reason;
    return 'paused';
  }

  async resume(jobId: JobId, causes: readonly PauseCause[]): Promise<ResumeReply> {
    const job = this.partitions.jobs.get(jobId);
    if (job === undefined) return 'unknown';
    if (isOver(job)) return 'over';
    for (const cause of causes) delete job.pauses[cause];
    job.state = Object.keys(job.pauses).length > 0 ? 'paused' : 'open';
    return job.state;
  }

  async isCurated(jobId: JobId): Promise<boolean> {
    return this.partitions.jobs.get(jobId)?.curated ?? false;
  }

  async curate(jobId: JobId, curated: boolean): Promise<boolean> {
    const job = this.partitions.jobs.get(jobId);
    if (job !== undefined) job.curated = curated;
    return job !== undefined;
  }
}

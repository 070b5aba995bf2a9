/** Jobs over Redis: a hash each, in the slot of the job's partition. */
import type { JobId } from '../../protocol/ids.ts';
import type { JobState, PauseCause } from '../../protocol/job.ts';
import type { Job, JobFacts } from '../domain/job.ts';
import { lateName } from '../domain/late.ts';
import { splitCount } from '../domain/shard.ts';
import type { ArchiveFiles } from './archive-files.ts';
import type { Connection } from './connection.ts';
import { readJobHash, readMarks, writePayments } from './job-record.ts';
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
import { keys } from './keys.ts';
import type { OutboxReads } from './outbox-reads.ts';
import { readableJob } from './readable-journal.ts';
import type { RedisGrid } from './redis-grid.ts';
import { RedisPart } from './redis-part.ts';
import { Script } from './script.ts';

const submitJob = new Script('submit-job');
const cancelJob = new Script('cancel-job');
const completeJob = new Script('complete-job');
const moveHold = new Script('move-hold');
const settleLate = new Script('settle-late');
const pauseJob = new Script('pause-job');
const resumeJob = new Script('resume-job');
const curateJob = new Script('curate-job');

export class RedisJobs extends RedisPart implements JobStore {
  private readonly grid: RedisGrid;
  private readonly files: ArchiveFiles;
  private readonly outboxReads: OutboxReads;

  constructor(redis: Connection, grid: RedisGrid, files: ArchiveFiles, outboxReads: OutboxReads) {
    super(redis);
    this.outboxReads = outboxReads;
    this.grid = grid;
    this.files = files;
  }

  async submit(facts: JobFacts, curated = false): Promise<void> {
    // One that is in the archive stands as well.
    if ((await this.files.readJob(facts.jobId)) !== null) return;
    const partition = this.grid.partitionOf(facts.jobId);
    await this.run(
      submitJob,
      [
        keys.job(partition, facts.jobId),
        keys.jobs(partition),
        keys.jobsOpen(partition),
        keys.jobsHeld(partition),
        keys.jobsKept(partition),
      ],
      [
        ...[facts.jobId, JSON.stringify(facts), facts.units, splitCount(facts)],
        ...[facts.submittedAt, curated ? 1 : 0],
      ],
    );
  }

  async read(jobId: JobId): Promise<Job | null> {
    const key = this.keyOfJob(jobId);
    const job = readJobHash(await this.step((redis) => redis.hgetall(key)));
    return job ?? (await this.files.readJob(jobId))?.job ?? null;
  }

  async list(max: number, after: JobPlace | null): Promise<JobPage> {
    const lists = await Promise.all(
      Array.from({ length: this.grid.partitions }, (_, partition) =>
        this.placesAfter(keys.jobs(partition), max, after),
      ),
    );
    const places = lists.flat().sort(byPlace).slice(0, max);
    const found = await Promise.all(places.map(({ jobId }) => readableJob(this, jobId)));
    const next = places.length < max ? null : (places.at(-1) ?? null);
    return { jobs: found.filter((job) => job !== null), next };
  }

  /** At least so many, where there are as many. */
  private async placesAfter(key: string, max: number, after: JobPlace | null): Promise<JobPlace[]> {
    if (after === null)
      return placesIn(await this.step((redis) => redis.zrevrange(key, 0, max - 1, 'WITHSCORES')));
    const { submittedAt: at, jobId } = after;
    const [sameTime, older] = await this.step((redis) =>
      Promise.all([
        redis.zrevrangebyscore(key, at, at, 'WITHSCORES'),
        redis.zrevrangebyscore(key, `(${at}`, '-inf', 'WITHSCORES', 'LIMIT', 0, max),
      ]),
    );
    return [...placesIn(sameTime).filter((place) => place.jobId < jobId), ...placesIn(older)];
  }

  async listOpen(partition: number): Promise<OpenJob[]> {
    const ids = await this.step((redis) => redis.smembers(keys.jobsOpen(partition)));
    const jobs = await Promise.all(
      ids.map(async (jobId) => {
        const key = keys.job(partition, jobId);
        const fields = await this.step((redis) =>
          redis.hmget(key, 'state', 'cursor', 'decidedAt', 'submittedAt', 'shardsFinal'),
        );
        const [state, cursor, decidedAt, submittedAt, shardsFinal] = fields;
        const numbers = { cursor: Number(cursor), shardsFinal: Number(shardsFinal ?? 0) };
        const job = { jobId, state: state as JobState, ...numbers };
        return { ...job, decidedAt: decidedAt ? Number(decidedAt) : null, at: Number(submittedAt) };
      }),
    );
    return jobs.sort((a, b) => a.at - b.at).map(({ at, ...job }) => job);
  }

  async listHeld(partition: number): Promise<HeldJob[]> {
    const ids = await this.step((redis) => redis.smembers(keys.jobsHeld(partition)));
    return await Promise.all(
      ids.map(async (jobId) => {
        const key = keys.job(partition, jobId);
        const [state, marks, ...numbers] = await this.step((redis) =>
          redis.hmget(key, 'state', 'marks', 'shards', 'shardsFinal', 'final', 'shardsSettled'),
        );
        const [shards = 0, shardsFinal = 0, final = 0, shardsSettled = 0] = numbers.map(Number);
        const job = { jobId, state: state as JobState, shards, shardsFinal, final, shardsSettled };
        return { ...job, marks: readMarks(marks) };
      }),
    );
  }

  async moveHold(from: HeldJob, to: Hold, finalAt: number | null): Promise<boolean> {
    const { jobId } = from;
    const partition = this.grid.partitionOf(jobId);
    const before = [JSON.stringify(from.marks), from.shardsFinal];
    const after = [JSON.stringify(to.marks), to.shardsFinal, to.final, finalAt ?? ''];
    const reply = await this.run(
      moveHold,
      [
        keys.job(partition, jobId),
        keys.jobsHeld(partition),
        keys.open(partition),
        keys.late(partition, jobId),
      ],
      [jobId, ...before, ...after],
    );
    return reply === 1;
  }

  async settleLate(jobId: JobId, shardsSettled: number, { pay, gone }: LateEnd): Promise<boolean> {
    const partition = this.grid.partitionOf(jobId);
    const reply = await this.run(
      settleLate,
      [
        keys.job(partition, jobId),
        keys.late(partition, jobId),
        keys.outbox(partition),
        keys.outboxNumber(partition),
      ],
      [
        shardsSettled,
        writePayments({ jobId, isCheck: true }, pay),
        this.outboxReads.upTo(partition),
        gone.length,
        ...gone.map(lateName),
      ],
    );
    return reply === 1;
  }

  async complete(jobId: JobId, unchecked: number, now: number): Promise<boolean> {
    const partition = this.grid.partitionOf(jobId);
    const named = [keys.job(partition, jobId), keys.jobsOpen(partition)];
    return (await this.run(completeJob, named, [jobId, now, unchecked])) === 1;
  }

  async cancel(jobId: JobId, now: number): Promise<CancelReply> {
    const partition = this.grid.partitionOf(jobId);
    const reply = await this.run(
      cancelJob,
      [keys.job(partition, jobId), keys.jobsOpen(partition), keys.open(partition)],
      [jobId, now],
    );
    return reply as CancelReply;
  }

  async pause(jobId: JobId, cause: PauseCause, reason: string): Promise<PauseReply> {
    const reply = await this.run(pauseJob, [this.keyOfJob(jobId)], [cause, reason]);
    return reply as PauseReply;
  }

  async resume(jobId: JobId, causes: readonly PauseCause[]): Promise<ResumeReply> {
    const args = [causes.length, ...causes];
    const reply = await this.run(resumeJob, [this.keyOfJob(jobId)], args);
    return reply as ResumeReply;
  }

  async isCurated(jobId: JobId): Promise<boolean> {
    const key = this.keyOfJob(jobId);
    return (await this.step((redis) => redis.hget(key, 'curated'))) === '1';
  }

  async curate(jobId: JobId, curated: boolean): Promise<boolean> {
    return (await this.run(curateJob, [this.keyOfJob(jobId)], [curated ? 1 : 0])) === 1;
  }

  private keyOfJob(jobId: JobId): string {
    return keys.job(this.grid.partitionOf(jobId), jobId);
  }
}

/** Members and scores, as Redis lists them. */
const placesIn = (reply: readonly string[]): JobPlace[] =>
  reply.flatMap((jobId, i) => (i % 2 === 0 ? [{ jobId, submittedAt: Number(reply[i + 1]) }] : []));

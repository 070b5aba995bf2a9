/** What is in the archive, over Redis: a bit for each group of a job's shards, in the slot of its partition. */
import type { JobId } from '../../protocol/ids.ts';
import type { JobState } from '../../protocol/job.ts';
import {
  groupBit,
  groupOf,
  hasBit,
  type KeptJob,
  type RipeGroup,
  shardsPerGroup,
} from '../domain/archive-group.ts';
import { type Shard, shardId, splitCount } from '../domain/shard.ts';
import type { ArchiveFiles } from './archive-files.ts';
import type { ArchiveStore } from './archive-store.ts';
import type { Connection } from './connection.ts';
import type { JobRecord } from './job-file.ts';
import { keys } from './keys.ts';
import type { RedisGrid } from './redis-grid.ts';
import { RedisPart } from './redis-part.ts';
import { Script } from './script.ts';

const findArchived = new Script('find-archived');
const letGo = new Script('let-go');
const letJobGo = new Script('let-job-go');
const trimList = new Script('trim-list');

const keptFields = ['state', 'finalAt', 'splits', 'shards', 'checks'];

export class RedisArchive extends RedisPart implements ArchiveStore {
  readonly files: ArchiveFiles;
  private readonly grid: RedisGrid;

  constructor(redis: Connection, grid: RedisGrid, files: ArchiveFiles) {
    super(redis);
    this.grid = grid;
    this.files = files;
  }

  async listKept(partition: number): Promise<KeptJob[]> {
    const ids = await this.step((redis) => redis.smembers(keys.jobsKept(partition)));
    const jobs = await Promise.all(ids.map((jobId) => this.readKept(jobId)));
    return jobs.filter((job) => job !== null);
  }

  async readKept(jobId: JobId): Promise<KeptJob | null> {
    const partition = this.grid.partitionOf(jobId);
    const [fields, archived] = await this.step((redis) =>
      Promise.all([
        redis.hmget(keys.job(partition, jobId), ...keptFields),
        redis.getBuffer(keys.archived(partition, jobId)),
      ]),
    );
    const [state, finalAt, ...numbers] = fields;
    if (state == null) return null;
    const [splits = 0, shards = 0, checks = 0] = numbers.map(Number);
    return {
      ...{ jobId, state: state as JobState, splits, shards, checks },
      finalAt: finalAt ? Number(finalAt) : null,
      archived: archived ?? new Uint8Array(0),
    };
  }

  async newest(partition: number, max: number): Promise<JobId[]> {
    // To Redis -1 is the last one.
    if (max === 0) return [];
    return await this.step((redis) => redis.zrevrange(keys.jobs(partition), 0, max - 1));
  }

  lengths(jobId: JobId, shards: readonly number[]): Promise<number[]> {
    return this.step((redis) =>
      Promise.all(this.journals(jobId, shards).map((journal) => redis.strlen(journal))),
    );
  }

  async letGo(jobId: JobId, group: RipeGroup, lengths: readonly number[]): Promise<boolean> {
    const partition = this.grid.partitionOf(jobId);
    const named = [
      keys.job(partition, jobId),
      keys.open(partition),
      keys.archived(partition, jobId),
      ...this.journals(jobId, group.shards),
    ];
    const each = group.shards.flatMap((number, i) => [shardId({ jobId, number }), lengths[i] ?? 0]);
    return (await this.run(letGo, named, [groupBit(group), ...each])) === 1;
  }

  async letJobGo({ job, archived, revoked }: JobRecord): Promise<boolean> {
    const { jobId } = job;
    const partition = this.grid.partitionOf(jobId);
    const named = [
      keys.job(partition, jobId),
      keys.jobsKept(partition),
      keys.archived(partition, jobId),
      keys.amendments(partition, jobId),
      keys.revoked(partition, jobId),
      keys.late(partition, jobId),
    ];
    const args = [jobId, Buffer.from(archived), revoked.length];
    return (await this.run(letJobGo, named, args)) === 1;
  }

  async unlist(jobId: JobId): Promise<void> {
    const key = keys.jobs(this.grid.partitionOf(jobId));
    await this.kept(key, (redis) => redis.zrem(key, jobId));
  }

  async trimList(partition: number, max: number): Promise<void> {
    await this.run(trimList, [keys.jobs(partition), keys.jobsKept(partition)], [max]);
  }

  /** What is in a file of a job that is not in Redis; null when it is, or nobody knows it. */
  async recordIfGone(jobId: JobId): Promise<JobRecord | null> {
    const key = keys.job(this.grid.partitionOf(jobId), jobId);
    const isHere = (await this.step((redis) => redis.exists(key))) === 1;
    return isHere ? null : await this.files.readJob(jobId);
  }

  /** The journal of a shard that has none in Redis. */
  async read({ jobId, number }: Shard): Promise<Uint8Array> {
    const partition = this.grid.partitionOf(jobId);
    const named = [keys.job(partition, jobId), keys.archived(partition, jobId)];
    const splits = Number(await this.run(findArchived, named, [number, shardsPerGroup]));
    if (splits > 0) return await this.files.readJournal(jobId, groupOf(number, splits), number);
    const record = splits === 0 ? null : await this.files.readJob(jobId);
    if (record === null) return new Uint8Array(0);
    const group = groupOf(number, splitCount(record.job));
    return hasBit(record.archived, groupBit(group))
      ? await this.files.readJournal(jobId, group, number)
      : new Uint8Array(0);
  }

  private journals(jobId: JobId, shards: readonly number[]): string[] {
    const partition = this.grid.partitionOf(jobId);
    return shards.map((number) => keys.journal(partition, { jobId, number }));
  }
}

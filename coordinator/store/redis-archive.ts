/** What is in the archive, over Redis: a bit for each group of a job's shards, in the slot of its partition. */
import type { Redis } from 'ioredis';
import type { JobId } from '../../protocol/ids.ts';
import type { JobState } from '../../protocol/job.ts';
import {
  groupBit,
  groupOf,
  type KeptJob,
  type RipeGroup,
  shardsPerGroup,
} from '../domain/archive-group.ts';
import { type Shard, shardId } from '../domain/shard.ts';
import type { ArchiveFiles } from './archive-files.ts';
import type { ArchiveStore } from './archive-store.ts';
import { keys } from './keys.ts';
import type { RedisGrid } from './redis-grid.ts';
import { RedisPart } from './redis-part.ts';
import { Script } from './script.ts';

const findArchived = new Script('find-archived');
const letGo = new Script('let-go');

export class RedisArchive extends RedisPart implements ArchiveStore {
  readonly files: ArchiveFiles;
  private readonly grid: RedisGrid;

  constructor(redis: Redis, grid: RedisGrid, files: ArchiveFiles) {
    super(redis);
    this.grid = grid;
    this.files = files;
  }

  async listKept(partition: number): Promise<KeptJob[]> {
    const ids = await this.step((redis) => redis.smembers(keys.jobsKept(partition)));
    return await Promise.all(
      ids.map(async (jobId) => {
        const [fields, archived] = await this.step((redis) =>
          Promise.all([
            redis.hmget(
              keys.job(partition, jobId),
              ...['state', 'finalAt', 'splits', 'shards', 'checks'],
            ),
            redis.getBuffer(keys.archived(partition, jobId)),
          ]),
        );
        const [state, finalAt, ...numbers] = fields;
        const [splits = 0, shards = 0, checks = 0] = numbers.map(Number);
        return {
          ...{ jobId, state: state as JobState, splits, shards, checks },
          finalAt: finalAt ? Number(finalAt) : null,
          archived: archived ?? new Uint8Array(0),
        };
      }),
    );
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

  /** The journal of a shard that has none in Redis. */
  async read({ jobId, number }: Shard): Promise<Uint8Array> {
    const partition = this.grid.partitionOf(jobId);
    const named = [keys.job(partition, jobId), keys.archived(partition, jobId)];
    const splits = Number(await this.run(findArchived, named, [number, shardsPerGroup]));
    if (splits === 0) return new Uint8Array(0);
    return await this.files.readJournal(jobId, groupOf(number, splits), number);
  }

  private journals(jobId: JobId, shards: readonly number[]): string[] {
    const partition = this.grid.partitionOf(jobId);
    return shards.map((number) => keys.journal(partition, { jobId, number }));
  }
}

/**
 * How data of an earlier format becomes that of this program: one step after the other, each from a format
 * to the next. A step may be repeated: when the program dies in it, the grid still has the earlier format,
 * and the next start begins that step again. Nothing is migrated under a coordinator that runs.
 *
 * Format 2 is the first that was ever released. A copy of a grid of each format is kept (test/fixtures/format-2 and
 * after), and a test opens them and works on; whoever raises the format writes the step that makes the test
 * green again, and keeps a copy of theirs beside it.
 */
import type { JobFacts } from '../domain/job.ts';
import { parseShardId, type ShardId, splitCount } from '../domain/shard.ts';
import { GridFormatUnknown } from './grid-store.ts';
import { keys } from './keys.ts';
import { type RedisClient, serversOf } from './redis-connection.ts';

export type Migration = { from: string; to: string; run(redis: RedisClient): Promise<void> };

/** Results become final: of the jobs that were there nothing is yet, and their hold begins now. */
const holdAllJobs: Migration = {
  from: '2',
  to: '3',
  async run(redis) {
    const partitions = Number(await redis.hget(keys.grid, 'partitions'));
    for (let partition = 0; partition < partitions; partition++) {
      for (const jobId of await redis.zrange(keys.jobs(partition), '0', '-1'))
        await redis.sadd(keys.jobsHeld(partition), jobId);
    }
  },
};

/** Journals go to the archive: what there is of each job is reckoned, and all of it is in Redis yet. */
const keepAllJobs: Migration = {
  from: '3',
  to: '4',
  async run(redis) {
    const partitions = Number(await redis.hget(keys.grid, 'partitions'));
    for (let partition = 0; partition < partitions; partition++) {
      const splits = new Map<string, number>();
      for (const jobId of await redis.zrange(keys.jobs(partition), '0', '-1')) {
        const facts = await redis.hget(keys.job(partition, jobId), 'facts');
        const count = splitCount(JSON.parse(facts ?? '') as JobFacts);
        splits.set(jobId, count);
        await redis.hset(keys.job(partition, jobId), { splits: count, checks: 0 });
        await redis.sadd(keys.jobsKept(partition), jobId);
      }
      const checks = new Map<string, number>();
      const note = (id: ShardId) => {
        const { jobId, number } = parseShardId(id);
        const nth = number - (splits.get(jobId) ?? number);
        if (nth >= (checks.get(jobId) ?? 0)) checks.set(jobId, nth + 1);
      };
      for (const id of await redis.hkeys(keys.open(partition))) note(id);
      const named = keys.journal(partition, '');
      for (const server of serversOf(redis)) {
        for (let cursor = '0', isFirst = true; isFirst || cursor !== '0'; isFirst = false) {
          const [next, found] = await server.scan(cursor, 'MATCH', `${named}*`, 'COUNT', scanCount);
          for (const key of found) note(key.slice(named.length));
          cursor = next;
        }
      }
      for (const [jobId, count] of checks)
        await redis.hset(keys.job(partition, jobId), 'checks', count);
    }
  },
};

/** Half a millisecond of Redis. */
const scanCount = 1000;

export const migrations: readonly Migration[] = [holdAllJobs, keepAllJobs];

/** Throws GridFormatUnknown when no steps lead there, or a coordinator works on the data. */
export async function migrate(
  redis: RedisClient,
  found: string,
  wanted: string,
  steps: readonly Migration[],
): Promise<void> {
  const path: Migration[] = [];
  for (let format = found; format !== wanted; ) {
    const step = steps.find(({ from }) => from === format);
    if (step === undefined) {
      throw new GridFormatUnknown(
        `this Redis holds data format ${found}; this program reads ${wanted}`,
      );
    }
    path.push(step);
    format = step.to;
  }
  if ((await redis.exists(keys.owner)) === 1) {
    throw new GridFormatUnknown(
      `this Redis holds data format ${found}, and a coordinator works on it: stop that one first`,
    );
  }
  for (const { run, to } of path) {
    await run(redis);
    await redis.hset(keys.grid, 'format', to);
  }
}

/** The store on a Redis that sentinels watch: when the master dies, it goes on with the replica, and all is there. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Shard } from '../../../coordinator/domain/shard.ts';
import { openRedis } from '../../../coordinator/redis/open.ts';
import { openRedisStore } from '../../../coordinator/store/redis-store.ts';
import { type SentinelGroup, startSentinels } from '../../support/redis-sentinels.ts';
import { aJob } from '../builders.ts';
import { anAppend, gridFacts, jobIdIn, submitted, text } from './arrange.ts';

/** A failover takes three seconds; the rest is for a machine that does much else. */
vi.setConfig({ testTimeout: 60_000 });

let group: SentinelGroup;
beforeEach(async () => {
  group = await startSentinels();
});
afterEach(() => group.stop());

test('[W2] what was acknowledged is there when sentinels have put the replica in the place of its master', async () => {
  const told: string[] = [];
  const store = await openRedisStore(group.address, undefined, undefined, (line) =>
    told.push(line),
  );
  await store.grid.open(gridFacts);
  const [shard] = (await submitted(store, aJob({ jobId: jobIdIn(0) }))) as [Shard];
  const append = (from: number, words: string) =>
    store.append(0, [anAppend(shard, from, words)], 1).then(([reply]) => reply);
  expect(await append(0, 'one.')).toMatchObject({ kind: 'written' });
  expect(told).toEqual([]);

  await group.killMaster();
  await expect
    .poll(() => append(4, 'two.').catch(() => null), { timeout: 40_000 })
    .toMatchObject({ kind: 'written' });
  expect(await text(store, shard)).toBe('one.two.');
  expect(told).toEqual([expect.stringContaining('the Redis of {g0} has no replica')]);
  await store.close();
});

test('the master that the sentinels name is looked at before a grid is put on it', async () => {
  const lines: string[] = [];
  const log = (line: string) => lines.push(line);
  const redis = await openRedis({ url: group.url, dataDir: '/nowhere', log });
  expect(redis).toMatchObject({ embedded: false, masters: 1 });
  expect(lines).toEqual([]);
  const other = group.url.replace(/name=.*/, 'name=another');
  await expect(openRedis({ url: other, dataDir: '/nowhere', log })).rejects.toMatchObject({
    code: 'redis_unreachable',
    why: 'they know of no master named another',
  });
});

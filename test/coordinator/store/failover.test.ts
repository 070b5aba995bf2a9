/**
 * The store on a cluster whose servers fail: what a step wrote is on a replica before the step has its reply, so that
 * it is there when the replica stands in for its master.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Shard } from '../../../coordinator/domain/shard.ts';
import { openRedisStore } from '../../../coordinator/store/redis-store.ts';
import { OutcomeUnknown, StorageRefuses, type Store } from '../../../coordinator/store/store.ts';
import { type RedisCluster, startRedisCluster } from '../../support/redis-cluster.ts';
import { aJob } from '../builders.ts';
import { anAppend, gridFacts, jobIdIn, submitted, text } from './arrange.ts';

/** A failover takes three seconds; the rest is for a machine that does much else. */
vi.setConfig({ testTimeout: 60_000 });

let cluster: RedisCluster;
let store: Store;
let shard: Shard;
let told: string[];
/** Of the partition that the shard is in. */
let master: number;
let replica: number;

beforeEach(async () => {
  cluster = await startRedisCluster();
  told = [];
  store = await openRedisStore(cluster.address, undefined, undefined, (line) => told.push(line));
  await store.grid.open(gridFacts);
  [shard] = (await submitted(store, aJob({ jobId: jobIdIn(0) }))) as [Shard];
  master = await cluster.masterOf('{g0}:open');
  replica = master + 3;
});
afterEach(async () => {
  await store.close();
  await cluster.stop();
});

const append = (from: number, words: string) =>
  store.append(0, [anAppend(shard, from, words)], 1).then(([reply]) => reply);

describe('[W2] on a cluster', () => {
  it('an append that its replica has not got yet is not acknowledged', async () => {
    cluster.signal(replica, 'SIGSTOP');
    await expect(append(0, 'one.')).rejects.toThrow(OutcomeUnknown);
    // It is there, and told to nobody: neither is whoever tries again, nor whoever reads.
    await expect(append(0, 'one.')).rejects.toThrow(OutcomeUnknown);
    await expect(text(store, shard)).rejects.toThrow(OutcomeUnknown);
    cluster.signal(replica, 'SIGCONT');
    expect(await append(0, 'one.')).toEqual({ kind: 'stale', length: 4 });
    expect(await text(store, shard)).toBe('one.');
    expect(told).toEqual([]);
  });

  it('what was acknowledged is there when the replica stands in, and steps go on', async () => {
    expect(await append(0, 'one.')).toMatchObject({ kind: 'written' });
    await cluster.kill9(master);
    await expect(append(4, 'two.')).rejects.toThrow(OutcomeUnknown);
    await cluster.settled();
    await expect
      .poll(() => append(4, 'two.').catch(() => null), { timeout: 10_000 })
      .toMatchObject({ kind: 'written' });
    expect(await text(store, shard)).toBe('one.two.');
    expect(told).toEqual([expect.stringContaining('the Redis of {g0} has no replica')]);

    await cluster.restart(master);
    await cluster.settled(1);
    await append(8, 'three.');
    expect(told[1]).toBe('the Redis of {g0} has a replica again');
    await cluster.kill9(replica);
    await cluster.settled();
    await expect
      .poll(() => text(store, shard).catch(() => ''), { timeout: 10_000 })
      .toBe('one.two.three.');
  });

  it('a master without a replica refuses work when its operator wants it so', async () => {
    await cluster.servers[master]?.config('SET', 'min-replicas-to-write', '1');
    await cluster.kill9(replica);
    await expect(append(0, 'one.')).rejects.toThrow(StorageRefuses);
    await cluster.restart(replica);
    await cluster.settled(1);
    expect(await append(0, 'one.')).toMatchObject({ kind: 'written' });
  });
});

/** The store over a real Redis keeps the contract, and what only Redis can break. */
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { splitShard } from '../../../coordinator/domain/shard.ts';
import { GridFormatUnknown } from '../../../coordinator/store/grid-store.ts';
import { openRedisStore } from '../../../coordinator/store/redis-store.ts';
import { type PrivateRedis, startPrivateRedis } from '../../support/private-redis.ts';
import { anAppend, aPayment, applied, gridFacts, paid } from './arrange.ts';
import { storeContract } from './contract.ts';

let server: PrivateRedis;
let raw: Redis;

beforeAll(async () => {
  server = await startPrivateRedis();
  raw = new Redis(server.connection);
});

afterAll(async () => {
  raw?.disconnect();
  await server?.stop();
});

storeContract('Redis', async () => {
  await raw.flushall();
  const store = await openRedisStore(server.connection);
  return { store, close: () => store.close() };
});

describe('Redis alone', () => {
  it('refuses data of another format, and leaves it as it is', async () => {
    await raw.flushall();
    await raw.hset('{grid}:grid', { format: '99', gridId: 'theirs' });
    const store = await openRedisStore(server.connection);
    await expect(store.grid.open(gridFacts)).rejects.toThrow(GridFormatUnknown);
    expect(await raw.hgetall('{grid}:grid')).toEqual({ format: '99', gridId: 'theirs' });
    await store.close();
  });

  it('when a failover has lost the last records of an outbox, numbers go on behind those that were paid', async () => {
    await raw.flushall();
    const store = await openRedisStore(server.connection);
    await store.grid.open(gridFacts);
    const pay = [aPayment(1, 7, [[0, 1]])];
    const job = await paid(store, 0, [pay, pay, pay]);
    await applied(store, 0);
    // As a replica would have it that was two records behind.
    await raw.del('{g0}:outbox');
    await raw.set('{g0}:outbox-number', 1);

    await store.append(0, [anAppend(splitShard(job, 0), 1, 'y', { pay })], 1);
    await applied(store, 0);
    expect(await store.ledger.watermark(0)).toBe(4);
    await store.close();
  });
});

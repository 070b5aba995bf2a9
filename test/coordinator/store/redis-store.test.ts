/** The store over a real Redis keeps the contract, and what only Redis can break. */
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GridFormatUnknown } from '../../../coordinator/store/grid-store.ts';
import { openRedisStore } from '../../../coordinator/store/redis-store.ts';
import { type PrivateRedis, startPrivateRedis } from '../../support/private-redis.ts';
import { gridFacts } from './arrange.ts';
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
});

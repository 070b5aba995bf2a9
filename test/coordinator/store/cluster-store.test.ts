/** The store over a Redis Cluster keeps the contract, on three masters with a replica each. */
import { afterAll, beforeAll } from 'vitest';
import { openRedisStore } from '../../../coordinator/store/redis-store.ts';
import { type RedisCluster, startRedisCluster } from '../../support/redis-cluster.ts';
import { storeContract } from './contract.ts';

let cluster: RedisCluster;

beforeAll(async () => {
  cluster = await startRedisCluster();
});

afterAll(async () => {
  await cluster?.stop();
});

storeContract('Redis Cluster', async () => {
  await cluster.empty();
  const store = await openRedisStore(cluster.address);
  return { store, close: () => store.close() };
});

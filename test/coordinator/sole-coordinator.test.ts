import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type Coordinator, startCoordinator } from '../../coordinator/main.ts';
import { GridOwned } from '../../coordinator/sole-coordinator.ts';
import { type PrivateRedis, startPrivateRedis } from '../support/private-redis.ts';

let cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const clean of cleanUp.reverse()) await clean();
  cleanUp = [];
});

async function aRedis(): Promise<PrivateRedis> {
  const redis = await startPrivateRedis();
  cleanUp.push(() => redis.stop());
  return redis;
}

async function start(redis: PrivateRedis): Promise<Coordinator> {
  const dataDir = await mkdtemp(join(tmpdir(), 'mh-sole-'));
  cleanUp.push(() => rm(dataDir, { recursive: true, force: true }));
  const coordinator = await startCoordinator({
    host: '127.0.0.1',
    port: 0,
    dataDir,
    redisUrl: redis.url,
    logLevel: 'silent',
  });
  cleanUp.push(() => coordinator.close());
  return coordinator;
}

test('a second coordinator on the same Redis is refused, and welcome when the first has gone', async () => {
  const redis = await aRedis();
  const first = await start(redis);
  await expect(start(redis)).rejects.toThrow(GridOwned);
  expect((await fetch(`${first.url}/readyz`)).status).toBe(200);
  await first.close();
  const second = await start(redis);
  expect((await fetch(`${second.url}/readyz`)).status).toBe(200);
});

import { appendFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { openRedis } from '../../../coordinator/redis/open.ts';
import { serversOn } from '../../../coordinator/redis/orphan.ts';
import { startCoordinatorProcess } from './coordinator-process.ts';
import { aDataFolder } from './data-folder.ts';

/** A coordinator that was killed, and the Redis it left, which holds one key. */
async function anOrphan(dataDir: string): Promise<number> {
  const coordinator = await startCoordinatorProcess(dataDir);
  const { pid, connection } = coordinator.opened;
  if (pid === undefined || connection === undefined) throw new Error('it did not open');
  const client = new Redis(connection.path);
  await client.set('unit', 'canonical');
  client.disconnect();
  await coordinator.kill9();
  return pid;
}

async function openAndRead(dataDir: string) {
  const redis = await openRedis({ dataDir });
  onTestFinished(() => redis.close());
  if (!('path' in redis.connection)) throw new Error('the temporary folder has a long path');
  const client = new Redis(redis.connection.path);
  client.on('error', () => undefined); // it reconnects while Redis is away
  onTestFinished(() => client.disconnect());
  return { redis, kept: await client.get('unit') };
}

test('the Redis of a killed coordinator lives on, and the next one takes it over', async () => {
  const dataDir = await aDataFolder();
  const orphan = await anOrphan(dataDir);
  expect(await serversOn(join(dataDir, 'redis'))).toEqual([orphan]);
  const { redis, kept } = await openAndRead(dataDir);
  expect(redis.pid).toBe(orphan);
  expect(kept).toBe('canonical');
  await redis.close();
  expect(await serversOn(join(dataDir, 'redis'))).toEqual([]);
});

test('one that was taken over is started again when it dies', async () => {
  const dataDir = await aDataFolder();
  const orphan = await anOrphan(dataDir);
  const { redis } = await openAndRead(dataDir);
  process.kill(orphan, 'SIGKILL');
  await expect.poll(() => redis.pid, { timeout: 5_000 }).not.toBe(orphan);
});

test('one whose socket was removed is found and replaced: never two on one folder', async () => {
  const dataDir = await aDataFolder();
  const orphan = await anOrphan(dataDir);
  await rm(join(dataDir, 'redis', 'redis.sock'));
  const { redis, kept } = await openAndRead(dataDir);
  expect(redis.pid).not.toBe(orphan);
  expect(await serversOn(join(dataDir, 'redis'))).toEqual([redis.pid]);
  expect(kept).toBe('canonical');
});

test('one that runs with other settings than today is replaced', async () => {
  const dataDir = await aDataFolder();
  const orphan = await anOrphan(dataDir);
  await appendFile(join(dataDir, 'redis', 'redis.conf'), 'maxclients 100\n');
  const { redis, kept } = await openAndRead(dataDir);
  expect(redis.pid).not.toBe(orphan);
  expect(await serversOn(join(dataDir, 'redis'))).toEqual([redis.pid]);
  expect(kept).toBe('canonical');
});

test('a Redis on another folder is never touched', async () => {
  const [ours, theirs] = [await aDataFolder(), await aDataFolder()];
  const stranger = await anOrphan(theirs);
  const { redis } = await openAndRead(ours);
  expect(redis.pid).not.toBe(stranger);
  await redis.close();
  expect(await serversOn(join(theirs, 'redis'))).toEqual([stranger]);
});

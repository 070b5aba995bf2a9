import { execFileSync } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { expect, onTestFinished, test, vi } from 'vitest';
import { ask } from '../../../coordinator/redis/connection.ts';
import type { RedisError } from '../../../coordinator/redis/error.ts';
import { type GridRedis, openRedis } from '../../../coordinator/redis/open.ts';
import { serversOn } from '../../../coordinator/redis/orphan.ts';
import { aDataFolder } from './data-folder.ts';

async function openWithLog(dataDir: string) {
  const lines: string[] = [];
  const lost: RedisError[] = [];
  const redis = await openRedis({
    dataDir,
    log: (line) => lines.push(line),
    onLost: (error) => lost.push(error),
  });
  onTestFinished(() => redis.close());
  if (!('path' in redis.connection)) throw new Error('the temporary folder has a long path');
  const client = new Redis(redis.connection.path);
  client.on('error', () => undefined); // it reconnects while Redis is away
  onTestFinished(() => client.disconnect());
  return { redis, client, lines, lost };
}

function kill9(redis: GridRedis): number {
  const { pid } = redis;
  if (pid === undefined) throw new Error('not an embedded Redis');
  process.kill(pid, 'SIGKILL');
  return pid;
}

test('a Redis that is killed serves again on the same socket, with everything it acknowledged', async () => {
  const { redis, client, lines, lost } = await openWithLog(await aDataFolder());
  for (let i = 0; i < 100; i++) await client.rpush('results', i);
  const killed = kill9(redis);
  expect(await client.llen('results')).toBe(100);
  // A client may find the new server before the supervisor has.
  await vi.waitFor(() => expect(redis.pid).not.toBe(killed));
  await vi.waitFor(() =>
    expect(lines).toEqual([
      `Redis (process ${killed}) is gone; starting it again`,
      `Redis serves again (process ${redis.pid})`,
    ]),
  );
  expect(lost).toEqual([]);
});

test('a Redis that an operator shuts down by hand serves again', async () => {
  const { redis } = await openWithLog(await aDataFolder());
  const before = redis.pid;
  // A client that resends would shut down every new one as well. The reply is the closed connection.
  const { connection } = redis;
  if (!('path' in connection)) throw new Error('an embedded Redis has a socket');
  await ask(connection, (client) => client.shutdown()).catch(() => undefined);
  await vi.waitFor(() => expect(redis.pid).not.toBe(before), { timeout: 5_000 });
});

test('a closed connection alone does not restart Redis', async () => {
  const { redis, client, lines } = await openWithLog(await aDataFolder());
  const before = redis.pid;
  await client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  await wait(200); // several times the pause before it looks
  expect(redis.pid).toBe(before);
  expect(lines).toEqual([]);
  // It watches again: a real death is noticed.
  kill9(redis);
  await vi.waitFor(() => expect(redis.pid).not.toBe(before), { timeout: 5_000 });
});

test('a Redis that dies five times in a minute is given up, loudly', async () => {
  const dataDir = await aDataFolder();
  const { redis, lines, lost } = await openWithLog(dataDir);
  for (let death = 1; death <= 4; death++) {
    const killed = kill9(redis);
    await vi.waitFor(() => expect(redis.pid).not.toBe(killed), { timeout: 5_000 });
    await vi.waitFor(() => expect(lines.at(-1)).toContain(`process ${redis.pid}`));
  }
  kill9(redis);
  await vi.waitFor(() => expect(lost).toHaveLength(1), { timeout: 5_000 });
  expect(lost[0]).toMatchObject({ code: 'redis_crash_loop' });
  expect(lines.at(-1)).toContain('Redis keeps dying');
  await redis.close();
  expect(await serversOn(join(dataDir, 'redis'))).toEqual([]);
});

test('a close in the middle of a restart leaves nothing running', async () => {
  const dataDir = await aDataFolder();
  const { redis } = await openWithLog(dataDir);
  kill9(redis);
  await wait(60); // it is starting the next one about now
  await redis.close();
  expect(await serversOn(join(dataDir, 'redis'))).toEqual([]);
});

test('a full disk stops writes, loses nothing, and Redis comes back when there is room', async ({
  skip,
}) => {
  const disk = await aDataFolder();
  try {
    execFileSync('/bin/mount', ['-t', 'tmpfs', '-o', 'size=40m', 'tmpfs', disk], {
      stdio: 'ignore',
    });
  } catch {
    skip('needs the right to mount a small file system');
  }
  onTestFinished(() => {
    // Lazily: the system may still be letting go of the files of the server that has just ended.
    execFileSync('/bin/umount', ['--lazy', disk]);
  });
  const ballast = join(disk, 'ballast');
  await writeFile(ballast, Buffer.alloc(20 * 1024 * 1024));
  const { redis, client, lines } = await openWithLog(join(disk, 'data'));
  onTestFinished(() => redis.close()); // before the disk goes

  const value = 'x'.repeat(256 * 1024);
  let acknowledged = 0;
  client.options.maxRetriesPerRequest = 0;
  await expect(
    (async () => {
      for (;;) {
        await client.set(`result-${acknowledged}`, value);
        acknowledged++;
      }
    })(),
  ).rejects.toThrow();
  await vi.waitFor(() => expect(lines.join('\n')).toContain('is full'), { timeout: 5_000 });

  await rm(ballast);
  await vi.waitFor(() => expect(lines.at(-1)).toContain('serves again'), { timeout: 10_000 });
  client.options.maxRetriesPerRequest = null;
  expect(acknowledged).toBeGreaterThan(10);
  const kept = await client.exists(
    ...Array.from({ length: acknowledged }, (_, i) => `result-${i}`),
  );
  expect(kept).toBe(acknowledged);
  expect(await client.set('after', 'room')).toBe('OK');
});

import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { findRedisServer } from '../../../coordinator/redis/find.ts';
import { fakePrograms, redisOfVersion } from './fake-programs.ts';

async function unpack(cache: string, version: string): Promise<string> {
  const program = join(cache, `redis-${process.arch}`, 'usr', 'bin', 'redis-server');
  await mkdir(dirname(program), { recursive: true });
  await writeFile(program, `#!/bin/sh\n${redisOfVersion(version)}\n`);
  await chmod(program, 0o755);
  return program;
}

test('the Redis on PATH comes before the unpacked one', async () => {
  const programs = await fakePrograms();
  const program = await programs.add('redis-server', redisOfVersion('7.2.4'));
  await unpack(programs.cache, '7.0.15');
  expect(await findRedisServer()).toEqual({ program, version: '7.2.4' });
});

test('a Valkey will do', async () => {
  const programs = await fakePrograms();
  const program = await programs.add('valkey-server', 'echo "Valkey server v=8.0.1 sha=0:0"');
  expect(await findRedisServer()).toEqual({ program, version: '8.0.1' });
});

test('6.2 is new enough', async () => {
  const programs = await fakePrograms();
  await programs.add('redis-server', redisOfVersion('6.2.0'));
  expect(await findRedisServer()).toMatchObject({ version: '6.2.0' });
});

test('an older one is refused by name, with the version that is needed', async () => {
  const programs = await fakePrograms();
  const program = await programs.add('redis-server', redisOfVersion('6.0.16'));
  await expect(findRedisServer()).rejects.toMatchObject({
    code: 'redis_too_old',
    what: 'Redis 6.0.16 is too old',
    why: `${program} is version 6.0.16; Manyhands needs 6.2.0 or newer`,
    doThis: expect.stringContaining('Install Redis 6.2 or newer'),
  });
});

test('an older one on PATH does not hide a good unpacked one', async () => {
  const programs = await fakePrograms();
  await programs.add('redis-server', redisOfVersion('5.0.7'));
  const program = await unpack(programs.cache, '7.0.15');
  expect(await findRedisServer()).toMatchObject({ program, version: '7.0.15' });
});

test('a program that does not run, or is no Redis, counts as none', async () => {
  const programs = await fakePrograms();
  await programs.add('redis-server', 'exit 127');
  await programs.add('valkey-server', 'echo "something else 9.9.9"');
  await expect(findRedisServer()).rejects.toMatchObject({ code: 'redis_missing' });
});

test('a machine without Redis is told what to install', async () => {
  await fakePrograms();
  await expect(findRedisServer()).rejects.toMatchObject({
    code: 'redis_missing',
    what: 'No Redis server on this machine',
    doThis: expect.stringContaining('--redis redis://HOST:PORT'),
  });
});

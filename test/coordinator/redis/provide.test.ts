import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { provideRedis } from '../../../coordinator/redis/provide.ts';
import { type FakePrograms, fakePrograms, redisOfVersion } from './fake-programs.ts';

/** A Debian on which the package holds the given version, and `apt` may do as it pleases before. */
async function aDebian(version: string, before = ''): Promise<FakePrograms> {
  const programs = await fakePrograms();
  await programs.add(
    'apt-get',
    `echo "$@" >> ${programs.cache}.calls
     ${before}
     case "$*" in
       *--simulate*) echo "Inst libjemalloc2 (5.3.0-1 Debian [amd64])"
                     echo "Inst libc6 [2.36-9] (2.36-10 Debian [amd64])"
                     echo "Inst redis-server (7.0.15 Debian [amd64])" ;;
       *download*)   touch redis-server.deb ;;
     esac`,
  );
  await programs.add(
    'dpkg',
    `[ "$1" = -x ] || exit 0
     mkdir -p "$3/usr/bin" "$3/usr/lib/x86_64-linux-gnu"
     printf '#!/bin/sh\\n%s\\n' '${redisOfVersion(version)}' > "$3/usr/bin/redis-server"
     chmod +x "$3/usr/bin/redis-server"`,
  );
  return programs;
}

async function aptCalls(programs: FakePrograms): Promise<string> {
  return await readFile(`${programs.cache}.calls`, 'utf8');
}

const silent = () => undefined;

test('a Redis that is there is taken, and nothing is fetched', async () => {
  const programs = await aDebian('7.0.15');
  const program = await programs.add('redis-server', redisOfVersion('7.2.0'));
  const lines: string[] = [];
  expect(await provideRedis((line) => lines.push(line))).toMatchObject({ program });
  expect(lines).toEqual([]);
});

test("the distribution's packages are unpacked into the cache folder, with their libraries", async () => {
  const programs = await aDebian('7.0.15');
  const lines: string[] = [];
  const folder = join(programs.cache, `redis-${process.arch}`);
  expect(await provideRedis((line) => lines.push(line))).toEqual({
    program: join(folder, 'usr/bin/redis-server'),
    version: '7.0.15',
    libraryPath: join(folder, 'usr/lib/x86_64-linux-gnu'),
  });
  expect(lines).toEqual([expect.stringContaining('nothing is installed')]);
  expect(await readdir(programs.cache)).toEqual([`redis-${process.arch}`]);
});

test('what an upgrade would change on the machine is left alone; what is missing is fetched', async () => {
  const programs = await aDebian('7.0.15');
  await provideRedis(silent);
  expect(await aptCalls(programs)).toContain('download redis-server redis-tools libjemalloc2\n');
});

test('without package lists it fetches lists of its own, and leaves those of the machine', async () => {
  const programs = await aDebian(
    '7.0.15',
    'case "$*" in *Dir::State::Lists*|--version) ;; *) echo "E: Unable to locate package" >&2; exit 100 ;; esac',
  );
  expect(await provideRedis(silent)).toMatchObject({ version: '7.0.15' });
  expect(await aptCalls(programs)).toMatch(/Dir::State::Lists=\S+\.new-\S+ .*update\n/);
});

test('two terminals that fetch at once both get a whole server', async () => {
  await aDebian('7.0.15');
  const [one, other] = await Promise.all([provideRedis(silent), provideRedis(silent)]);
  expect(one).toEqual(other);
});

test('an old Redis on PATH is no reason not to fetch a newer one', async () => {
  const programs = await aDebian('7.0.15');
  await programs.add('redis-server', redisOfVersion('6.0.16'));
  expect(await provideRedis(silent)).toMatchObject({ version: '7.0.15' });
});

test('a distribution whose own Redis is too old is told so, and nothing is kept', async () => {
  const programs = await aDebian('6.0.16');
  await expect(provideRedis(silent)).rejects.toMatchObject({ code: 'redis_too_old' });
  expect(await readdir(programs.cache)).toEqual([]);
});

test("a failed download says so in apt's own words, and nothing is kept", async () => {
  const programs = await aDebian(
    '7.0.15',
    'case "$1" in --version) ;; *) echo "E: no network" >&2; exit 100 ;; esac',
  );
  await expect(provideRedis(silent)).rejects.toMatchObject({
    code: 'redis_not_provided',
    why: expect.stringContaining('E: no network'),
  });
  expect(await readdir(programs.cache)).toEqual([]);
});

test('a machine without package tools is told what to install', async () => {
  await fakePrograms();
  await expect(provideRedis(silent)).rejects.toMatchObject({ code: 'redis_missing' });
});

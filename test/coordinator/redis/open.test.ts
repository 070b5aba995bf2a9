import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type GridRedis, openRedis } from '../../../coordinator/redis/open.ts';
import { serversOn } from '../../../coordinator/redis/orphan.ts';
import { startPrivateRedis } from '../../support/private-redis.ts';
import { aDataFolder } from './data-folder.ts';

async function open(options: Parameters<typeof openRedis>[0]): Promise<GridRedis> {
  const redis = await openRedis(options);
  onTestFinished(() => redis.close());
  return redis;
}

type Address = { path: string } | { host: string; port: number; password?: string };

function clientOf(address: Address): Redis {
  const client = 'path' in address ? new Redis(address.path) : new Redis(address);
  client.on('error', () => undefined); // it reconnects while Redis is away
  onTestFinished(() => client.disconnect());
  return client;
}

/** Of an embedded Redis: without user, database or TLS. */
function addressOf({ connection }: GridRedis): Address {
  if ('path' in connection) return connection;
  if (!('host' in connection)) throw new Error('an embedded Redis is one server');
  const { host, port, password = '' } = connection;
  return { host, port, password };
}

describe('an embedded Redis', () => {
  test('listens on a socket that only its owner may open', async () => {
    const dataDir = await aDataFolder();
    const redis = await open({ dataDir });
    expect(redis.embedded).toBe(true);
    expect(redis.connection).toEqual({ path: join(dataDir, 'redis', 'redis.sock') });
    expect((await stat(join(dataDir, 'redis', 'redis.sock'))).mode & 0o777).toBe(0o700);
    expect(await clientOf(addressOf(redis)).ping()).toBe('PONG');
  });

  test('fsyncs each write, evicts nothing and takes no snapshots', async () => {
    const redis = await open({ dataDir: await aDataFolder() });
    const client = clientOf(addressOf(redis));
    const setting = async (name: string) => (await client.config('GET', name)) as string[];
    expect(await setting('appendonly')).toEqual(['appendonly', 'yes']);
    expect(await setting('appendfsync')).toEqual(['appendfsync', 'always']);
    expect(await setting('no-appendfsync-on-rewrite')).toEqual(['no-appendfsync-on-rewrite', 'no']);
    expect(await setting('aof-load-truncated')).toEqual(['aof-load-truncated', 'yes']);
    expect(await setting('maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction']);
    expect(await setting('save')).toEqual(['save', '']);
  });

  test("leads a process group of its own, so that the terminal's Ctrl-C does not reach it", async () => {
    const { pid = 0 } = await open({ dataDir: await aDataFolder() });
    expect(pid).toBeGreaterThan(0);
    expect(process.kill(-pid, 0)).toBe(true); // throws when no group has this id
  });

  test('makes a data folder that only its owner may enter', async () => {
    const dataDir = join(await aDataFolder(), 'new', 'one');
    await open({ dataDir });
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
  });

  test('takes a folder with spaces, quotes and backslashes in its name', async () => {
    const dataDir = join(await aDataFolder(), 'my "grid" \\ data');
    const redis = await open({ dataDir });
    expect(await clientOf(addressOf(redis)).ping()).toBe('PONG');
  });

  test('listens on a loopback port with a password where a socket path would be too long', async () => {
    const dataDir = join(await aDataFolder(), 'a'.repeat(120));
    const redis = await open({ dataDir });
    if (!('host' in redis.connection))
      throw new Error('a socket path of that length cannot be opened');
    const { host, port, password } = redis.connection;
    expect(host).toBe('127.0.0.1');
    expect(await clientOf(addressOf(redis)).ping()).toBe('PONG');
    await expect(clientOf({ host, port }).ping()).rejects.toThrow('NOAUTH');
    expect((await stat(join(dataDir, 'redis', 'redis.conf'))).mode & 0o777).toBe(0o600);
    expect(password?.length).toBeGreaterThan(20);
  });

  test('leaves no process and no socket after close, and keeps its data for the next open', async () => {
    const dataDir = await aDataFolder();
    const first = await open({ dataDir });
    await clientOf(addressOf(first)).set('unit', 'canonical');
    await first.close();
    expect(await serversOn(join(dataDir, 'redis'))).toEqual([]);
    expect(await readdir(dataDir)).toEqual(['redis']);
    expect(await readdir(join(dataDir, 'redis'))).not.toContain('redis.sock');

    const second = await open({ dataDir });
    expect(await clientOf(addressOf(second)).get('unit')).toBe('canonical');
  });

  test('may be closed twice', async () => {
    const redis = await open({ dataDir: await aDataFolder() });
    await Promise.all([redis.close(), redis.close()]);
    await redis.close();
  });

  test('frees the folder when it cannot start, and says why in the words of the server', async () => {
    const dataDir = await aDataFolder();
    await mkdir(join(dataDir, 'redis', 'appendonlydir'), { recursive: true });
    await writeFile(
      join(dataDir, 'redis', 'appendonlydir', 'appendonly.aof.manifest'),
      'garbage\n',
    );
    await expect(open({ dataDir })).rejects.toMatchObject({
      code: 'redis_start_failed',
      why: expect.stringContaining('AOF manifest'),
    });
    expect(await serversOn(join(dataDir, 'redis'))).toEqual([]);
    expect(await readdir(dataDir)).toEqual(['redis']);
  });

  test('refuses a data folder that is a file', async () => {
    const dataDir = join(await aDataFolder(), 'file');
    await writeFile(dataDir, '');
    await expect(open({ dataDir })).rejects.toMatchObject({ code: 'data_folder_unusable' });
  });
});

describe("the operator's Redis", () => {
  test('is used as it is, and left running', async () => {
    const operators = await startPrivateRedis();
    onTestFinished(() => operators.stop());
    const dataDir = await aDataFolder();
    const redis = await open({ url: operators.url, dataDir });
    expect(redis.embedded).toBe(false);
    expect(redis.pid).toBeUndefined();
    expect(redis.version).toMatch(/^\d+\.\d+\.\d+$/);
    await redis.close();
    expect(await clientOf(operators.connection).ping()).toBe('PONG');
    expect(await readdir(dataDir)).toEqual([]);
  });

  test('is warned about when it would lose or evict what was acknowledged', async () => {
    const operators = await startPrivateRedis();
    onTestFinished(() => operators.stop());
    const client = clientOf(operators.connection);
    await client.config('SET', 'appendonly', 'no');
    await client.config('SET', 'maxmemory-policy', 'allkeys-lru');
    const lines: string[] = [];
    await open({ url: operators.url, dataDir: '/nowhere', log: (line) => lines.push(line) });
    expect(lines).toEqual([
      expect.stringContaining('keeps no journal'),
      expect.stringContaining('allkeys-lru'),
    ]);
  });

  test('that is not there is an error that names it', async () => {
    // Port 1 is reserved, and nobody listens there.
    const opening = open({ url: 'redis://:secret@127.0.0.1:1', dataDir: '/nowhere' });
    const error = await opening.catch((error) => error);
    expect(error).toMatchObject({
      code: 'redis_unreachable',
      what: expect.stringContaining('127.0.0.1:1'),
    });
    expect(JSON.stringify({ ...error })).not.toContain('secret');
  });
});

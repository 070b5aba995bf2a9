/** A journal that a crash cut off, at any byte: nothing that was acknowledged is lost, then or at any crash after. */
import { mkdir, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import { mendJournal } from '../../../coordinator/redis/journal.ts';
import { type PrivateRedis, startPrivateRedis } from '../../support/private-redis.ts';
import { aDataFolder } from './data-folder.ts';

const command = (...words: string[]): string =>
  `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;

/** A folder whose journal has these bytes. */
async function aJournal(bytes: string | Buffer) {
  const folder = await aDataFolder();
  await mkdir(join(folder, 'appendonlydir'));
  const manifest = [
    'file appendonly.aof.3.base.rdb seq 3 type b',
    'file appendonly.aof.7.incr.aof seq 7 type h',
    'file appendonly.aof.8.incr.aof seq 8 type i',
    '',
  ].join('\n');
  await writeFile(join(folder, 'appendonlydir', 'appendonly.aof.manifest'), manifest);
  const file = join(folder, 'appendonlydir', 'appendonly.aof.8.incr.aof');
  await writeFile(file, bytes);
  return { folder, file };
}
const mended = async (bytes: string | Buffer) => {
  const { folder, file } = await aJournal(bytes);
  const lines: string[] = [];
  await mendJournal(folder, (line) => lines.push(line));
  return { left: await readFile(file), lines };
};

const steps = [
  command('SELECT', '0'),
  `#TS:1700000000\r\n`,
  command('SET', 'a', '1'),
  command('MULTI') +
    command('APPEND', 'j', 'MULTI\r\n*1') +
    command('SET', 'o', '') +
    command('EXEC'),
  command('set', 'b', 'é'),
  command('multi') + command('APPEND', 'j', '$3\r\nabc') + command('exec'),
];

describe('a journal', () => {
  test('that is cut off at any byte ends with its last whole step', async () => {
    const whole = Buffer.from(steps.join(''));
    const ends = steps.map((_, i) => Buffer.byteLength(steps.slice(0, i + 1).join('')));
    for (let cut = 0; cut <= whole.length; cut++) {
      const { left, lines } = await mended(whole.subarray(0, cut));
      const end = Math.max(0, ...ends.filter((each) => each <= cut));
      expect([cut, left.length]).toEqual([cut, end]);
      expect(left).toEqual(whole.subarray(0, end));
      expect(lines).toHaveLength(end === cut ? 0 : 1);
    }
  });

  test('is read through whatever its commands are long', async () => {
    const long = Array.from({ length: 60 }, (_, i) =>
      command('SET', 'x', 'y'.repeat(i ** 4 % 3e6)),
    );
    const whole = long.join('');
    const { left } = await mended(
      `${whole}${command('MULTI')}${command('SET', 'z', 'y'.repeat(4e6))}`,
    );
    expect(left.length).toBe(whole.length);
    expect(left.equals(Buffer.from(whole))).toBe(true);
  });

  test.each(['\0\0\0\0', 'SET a 1\r\n', '*x\r\n', '*2\r\n:3\r\n', '*999999999999\r\n'])(
    'in which there is %j is left to a person',
    async (damage) => {
      const bytes = Buffer.from(`${steps[2]}${damage}${steps[2]}`);
      const { left, lines } = await mended(bytes);
      expect(left).toEqual(bytes);
      expect(lines).toEqual([]);
    },
  );
});

test('[W2] a journal that is cut off inside of a transaction loses nothing at any later crash', async () => {
  const redis = await startPrivateRedis();
  onTestFinished(() => redis.stop());
  const told: string[] = [];
  const tell = async (key: string) => {
    const client = clientOf(redis);
    expect(await client.set(key, '1')).toBe('OK');
    client.disconnect();
    told.push(key);
  };
  await tell('before');
  const script = "redis.call('SET', 'half', '1') return redis.call('SET', 'whole', ARGV[1])";
  const client = clientOf(redis);
  await client.eval(script, 0, 'x'.repeat(100));
  client.disconnect();
  await redis.kill9();
  // Inside of the last command but one: the transaction's second write.
  const file = await journalOf(redis);
  await truncate(file, (await stat(file)).size - 60);

  for (const round of [1, 2, 3]) {
    await redis.restart();
    await tell(`after ${round}`);
    await redis.kill9();
  }
  await redis.restart();
  const last = clientOf(redis);
  expect(await last.exists(...told)).toBe(told.length);
  // All of the script or nothing.
  expect(await last.exists('half', 'whole')).toBe(0);
});

function clientOf({ connection }: PrivateRedis): Redis {
  const client = new Redis(connection);
  client.on('error', () => undefined);
  onTestFinished(() => client.disconnect());
  return client;
}

async function journalOf({ connection }: PrivateRedis): Promise<string> {
  const folder = join(dirname(connection.path), 'appendonlydir');
  const name = (await readdir(folder)).find((each) => each.endsWith('.incr.aof'));
  return join(folder, name ?? '');
}

/** A coordinator with a wrong configuration does not start, and says all that is wrong with it at once. */
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkConfig } from '../../cli/coordinator-config.ts';
import { manyhands, temporaryFolder } from './manyhands.ts';

const home = temporaryFolder();
const good = { port: '7700', host: '127.0.0.1', data: home, redis: undefined, logLevel: 'info' };
const check = (change: object, environment = {}) =>
  checkConfig({ ...good, ...change }, (option) => `--${option}`, environment);
const problems = (change: object, environment = {}): readonly string[] => {
  try {
    check(change, environment);
    return [];
  } catch (error) {
    return (error as { why: readonly string[] }).why;
  }
};

test('all problems of options, variables and folder are told together, by the names they came under', async () => {
  writeFileSync(join(home, 'file'), '');
  const { code, stderr } = await manyhands(
    ['coordinator', '--host', 'no host', '--data', 'file', '--log-level', 'loud'],
    {
      home,
      env: {
        MANYHANDS_PORT: 'seven',
        MANYHANDS_REDIS_URL: 'http://:hunter2@redis',
        MANYHANDS_REDIS: 'redis://127.0.0.1',
      },
    },
  );
  expect(code).toBe(2);
  expect(stderr).toContain('error[config_invalid]: ');
  const told = stderr.split('\n').filter((line) => line.includes('why:'));
  expect(told).toHaveLength(6);
  for (const words of [
    /MANYHANDS_PORT is "seven": a whole number from 0 to 65535 is expected/,
    /--host is "no host": an address/,
    /--data is "file": a folder is expected/,
    /--log-level is "loud": one of debug, info, warn, error is expected/,
    /MANYHANDS_REDIS_URL cannot be read .*redis:\/\/HOST:PORT/,
    /MANYHANDS_REDIS is set: there is no such variable/,
  ])
    expect(stderr).toMatch(words);
  expect(stderr).not.toContain('hunter2');
});

test('a place for artifacts that is none is told with all else, and not shown: it may hold a secret', () => {
  const artifacts = 's3://me:hunter2@bucket';
  const told = problems({ artifacts, port: 'seven' });
  expect(told).toHaveLength(2);
  expect(told.join()).toMatch(/--artifacts: s3:\/\/BUCKET.* is expected.*AWS_ACCESS_KEY_ID/);
  expect(told.join()).not.toContain('hunter2');
  expect(check({ artifacts: 's3://bucket/grid/' }).artifacts?.url).toBe('s3://bucket/grid');
});

test('what is right is taken as it is, and nothing is made', () => {
  const data = join(home, 'not', 'yet');
  expect(check({ port: '0', host: '::1', data, redis: 'redis://a:1/2' })).toMatchObject({
    port: 0,
    host: '::1',
    data,
    redis: 'redis://a:1/2',
  });
  expect(existsSync(join(home, 'not'))).toBe(false);
});

test.skipIf(process.getuid?.() === 0)('a folder that cannot be written to is told', () => {
  const locked = join(home, 'locked');
  mkdirSync(locked);
  chmodSync(locked, 0o500);
  expect(problems({ data: join(locked, 'grid') })).toEqual([
    expect.stringMatching(/a folder to write to is expected/),
  ]);
});

test('what Kubernetes sets for a Service named manyhands is told apart from a mistake', () => {
  const links = { MANYHANDS_SERVICE_HOST: '10.0.0.1', MANYHANDS_PORT_7700_TCP_ADDR: '10.0.0.1' };
  expect(problems({}, links)).toEqual([]);
  expect(problems({ port: 'tcp://10.0.0.1:7700' }, links)).toEqual([
    expect.stringMatching(/enableServiceLinks: false/),
  ]);
});

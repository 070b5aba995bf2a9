/** What only S3 does: it is away, it hangs, it refuses, it belongs to somebody else. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { S3Artifacts } from '../../../coordinator/artifacts/s3-artifacts.ts';
import { parseS3Place } from '../../../coordinator/artifacts/s3-place.ts';
import { type S3Server, startS3Server } from '../../support/s3-server.ts';

const digestOf = (bytes: Uint8Array) =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

const folder = mkdtempSync(join(tmpdir(), 'mh-artifacts-'));
let server: S3Server;
beforeAll(async () => {
  server = await startS3Server();
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  for (const [name, value] of Object.entries(server.env)) vi.stubEnv(name, value);
});
const opened: S3Artifacts[] = [];
const calls: string[] = [];
afterEach(() => {
  vi.unstubAllEnvs();
  for (const one of opened.splice(0)) one.close();
  calls.length = 0;
});
async function open(url = 's3://grid/x'): Promise<S3Artifacts> {
  const place = parseS3Place(url);
  if (place === null) throw new Error(`${url} is no place`);
  const artifacts = await S3Artifacts.open(place, folder, {
    failed: ({ call }) => void calls.push(call),
    worked: () => void calls.push('worked'),
  });
  opened.push(artifacts);
  return artifacts;
}

test('[W2] a store that is away is told as that, and never as an artifact that is not there', async () => {
  const artifacts = await open();
  const [here, other] = [randomBytes(2000), randomBytes(2000)];
  await artifacts.write('output', digestOf(here), [here]);
  await server.kill9();
  const away = expect.objectContaining({ code: 'unavailable', retryAfterMs: 5000 });
  const all = await Promise.allSettled([
    artifacts.size('output', digestOf(here)),
    artifacts.read('output', digestOf(here)),
    artifacts.readAll('output', digestOf(here)),
    artifacts.write('output', digestOf(other), [other]),
  ]);
  expect(all).toEqual(all.map(() => ({ status: 'rejected', reason: away })));
  expect(new Set(calls.slice(-6))).not.toContain('worked');
  // Nothing waits on this machine: who uploads comes again.
  expect(readdirSync(folder)).toEqual([]);

  await server.restart();
  expect((await artifacts.readAll('output', digestOf(here))).equals(here)).toBe(true);
  expect(await artifacts.size('output', digestOf(other))).toBeNull();
  await artifacts.write('output', digestOf(other), [other]);
  expect(calls.at(-1)).toBe('worked');
});

test('[W2] uploads that S3 dies in are there when they are acknowledged, however often it takes', async () => {
  const artifacts = await open();
  const all = Array.from({ length: 8 }, () => randomBytes(3_000_000));
  const upload = async (bytes: Buffer): Promise<void> => {
    for (;;) {
      try {
        await artifacts.write('output', digestOf(bytes), [bytes]);
        return;
      } catch (error) {
        // It died three times in a row: then it is for the volunteer to try again.
        expect(error).toMatchObject({ code: 'unavailable' });
      }
    }
  };
  const uploads = Promise.all(all.map(upload));
  for (let deaths = 0; deaths < 3; deaths++) {
    await server.kill9();
    await server.restart();
  }
  await uploads;
  await server.kill9();
  await server.restart();
  for (const bytes of all)
    expect((await artifacts.readAll('output', digestOf(bytes))).equals(bytes)).toBe(true);
});

test('a bucket that is taken away makes no artifact unknown', async () => {
  const artifacts = await open();
  const digest = digestOf(randomBytes(8));
  expect(await artifacts.size('output', digest)).toBeNull();
  rmSync(join(server.folder, server.bucket), { recursive: true });
  await expect(artifacts.size('output', digest)).rejects.toMatchObject({ code: 'unavailable' });
  await expect(artifacts.readAll('output', digest)).rejects.toMatchObject({ code: 'unavailable' });
  await server.kill9();
  await server.restart();
});

describe('a place that cannot be used is refused at the start', () => {
  test('when there is no such bucket', async () => {
    await expect(open('s3://nobodys')).rejects.toMatchObject({
      message: 'there is no such bucket',
      place: 's3://nobodys',
    });
  });

  test('when the credentials are wrong, without a word of them', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'hunter1');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'hunter2');
    const refused = await open().catch((error) => error);
    expect(refused.message).toMatch(/InvalidAccessKeyId/);
    expect(refused.remedy).toMatch(/s3:PutObject/);
    expect(JSON.stringify([refused.message, refused.remedy])).not.toContain('hunter');
  });

  test('when there are none', async () => {
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'HOME'])
      vi.stubEnv(name, name === 'HOME' ? folder : undefined);
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
    await expect(open()).rejects.toMatchObject({ message: 'there are no credentials' });
  });

  test('when no region is named', async () => {
    vi.stubEnv('AWS_REGION', undefined);
    vi.stubEnv('HOME', folder);
    await expect(open()).rejects.toMatchObject({ message: 'there is no region' });
  });

  test('when nobody listens there', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL_S3', 'http://127.0.0.1:1');
    const refused = await open().catch((error) => error);
    expect(refused.message).toMatch(/ECONNREFUSED 127.0.0.1:1/);
    expect(refused.remedy).toMatch(/AWS_ENDPOINT_URL_S3/);
  });
});

test('places are read from s3://, and from nothing else', () => {
  expect(parseS3Place('s3://my-bucket')).toMatchObject({ bucket: 'my-bucket', prefix: '' });
  expect(parseS3Place('s3://b.c1/grids/one/')).toEqual({
    bucket: 'b.c1',
    prefix: 'grids/one/',
    url: 's3://b.c1/grids/one',
  });
  for (const wrong of [
    ...['', 'my-bucket', 's3:/b', 's3://', 's3://ab', 's3://Bucket', 'https://s3/bucket'],
    ...['s3://key:secret@bucket', 's3://abc//x', 's3://abc/../x', 's3://abc/a b', 's3://abc/x//'],
  ])
    expect(parseS3Place(wrong), wrong).toBeNull();
});

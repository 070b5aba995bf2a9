/** What an artifact store promises, asked of both: a folder, and S3 as a real server speaks it. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Artifacts } from '../../../coordinator/artifacts/artifacts.ts';
import { FolderArtifacts } from '../../../coordinator/artifacts/folder-artifacts.ts';
import { S3Artifacts } from '../../../coordinator/artifacts/s3-artifacts.ts';
import { type S3Server, startS3Server } from '../../support/s3-server.ts';

const digestOf = (bytes: Uint8Array) =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const code = (of: string) => expect.objectContaining({ code: of });

const folder = mkdtempSync(join(tmpdir(), 'mh-artifacts-'));
let server: S3Server;
const s3: S3Artifacts[] = [];
beforeAll(async () => {
  server = await startS3Server();
  for (const [name, value] of Object.entries(server.env)) vi.stubEnv(name, value);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  for (const one of s3) one.close();
  await server.stop();
  rmSync(folder, { recursive: true });
});

const stores: Record<string, () => Promise<Artifacts>> = {
  'a folder': () => FolderArtifacts.open(join(folder, 'here')),
  S3: async () => {
    const place = { bucket: server.bucket, prefix: 'a/grid/', url: 's3://grid/a/grid' };
    const opened = await S3Artifacts.open(place, join(folder, 'uploads'), {
      failed: () => undefined,
      worked: () => undefined,
    });
    s3.push(opened);
    return opened;
  },
};
/** Everything that is under way: nothing, afterwards. */
const incoming = () =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
    /^(here.incoming|uploads)./.test(path),
  );

describe.each(Object.keys(stores))('artifacts in %s', (name) => {
  let artifacts: Artifacts;
  beforeAll(async () => {
    artifacts = (await stores[name]?.()) as Artifacts;
  });
  const write = (bytes: Uint8Array, digest = digestOf(bytes), bytesMax?: number) =>
    artifacts.write('output', digest, [bytes], bytesMax);
  const read = async (digest: string, from?: number, to?: number) =>
    Buffer.concat(await (await artifacts.read('output', digest, from, to)).toArray());

  test('are read as they were written, whole or a range of them', async () => {
    const bytes = randomBytes(100_000);
    const digest = digestOf(bytes);
    expect(await artifacts.size('output', digest)).toBeNull();
    expect(await write(bytes)).toBe(bytes.length);
    expect(await artifacts.size('output', digest)).toBe(bytes.length);
    expect(await artifacts.size('input', digest)).toBeNull();
    expect((await artifacts.readAll('output', digest)).equals(bytes)).toBe(true);
    expect((await read(digest)).equals(bytes)).toBe(true);
    expect((await read(digest, 0, 9)).equals(bytes.subarray(0, 10))).toBe(true);
    expect((await read(digest, 99_990)).equals(bytes.subarray(99_990))).toBe(true);
    expect((await read(digest, 1000, 1999)).equals(bytes.subarray(1000, 2000))).toBe(true);
  });

  test('may have no bytes at all', async () => {
    const nothing = new Uint8Array(0);
    expect(await write(nothing)).toBe(0);
    expect(await artifacts.size('output', digestOf(nothing))).toBe(0);
    expect(await artifacts.readAll('output', digestOf(nothing))).toHaveLength(0);
  });

  test('are stored by their digest alone: other bytes, or too many, leave nothing', async () => {
    const bytes = randomBytes(5000);
    await expect(write(bytes, digestOf(randomBytes(1)))).rejects.toEqual(code('digest_mismatch'));
    await expect(write(bytes, digestOf(bytes), 4999)).rejects.toEqual(code('too_large'));
    const broken = async function* () {
      yield bytes.subarray(0, 100);
      throw new Error('the line is cut');
    };
    await expect(artifacts.write('output', digestOf(bytes), broken())).rejects.toThrow('is cut');
    expect(await artifacts.size('output', digestOf(bytes))).toBeNull();
    expect(incoming()).toEqual([]);
  });

  test('that are not there cannot be read', async () => {
    const digest = digestOf(randomBytes(8));
    await expect(artifacts.read('input', digest)).rejects.toEqual(code('artifact_unknown'));
    await expect(artifacts.readAll('input', digest)).rejects.toEqual(code('artifact_unknown'));
  });

  test('may be written again, by some at once and while they are read', async () => {
    const bytes = randomBytes(300_000);
    const digest = digestOf(bytes);
    await Promise.all([write(bytes), write(bytes), write(bytes)]);
    const reading = await artifacts.read('output', digest);
    await write(bytes);
    expect(Buffer.concat(await reading.toArray()).equals(bytes)).toBe(true);
    expect(incoming()).toEqual([]);
  });

  test('of many megabytes come and go in pieces', async () => {
    const piece = randomBytes(1024 * 1024);
    const pieces = Array.from({ length: 48 }, () => piece);
    const hash = createHash('sha256');
    for (const one of pieces) hash.update(one);
    const digest = `sha256:${hash.digest('hex')}`;
    expect(await artifacts.write('input', digest, Readable.from(pieces))).toBe(48 * piece.length);
    const stream = await artifacts.read('input', digest);
    // Nobody reads: what is held meanwhile is what fits into buffers.
    await once(stream, 'readable');
    expect(stream.readableLength).toBeLessThan(piece.length);
    let size = 0;
    for await (const one of stream) size += (one as Buffer).length;
    expect(size).toBe(48 * piece.length);
  });

  test('that a reader gives up on half-way are let go', async () => {
    const bytes = randomBytes(4_000_000);
    await write(bytes);
    const stream = await artifacts.read('output', digestOf(bytes));
    for await (const _ of stream) break;
    await vi.waitFor(() => expect(stream.destroyed).toBe(true));
    expect(await artifacts.size('output', digestOf(bytes))).toBe(bytes.length);
  });
});

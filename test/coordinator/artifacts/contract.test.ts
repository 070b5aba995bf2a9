/** What an artifact store promises, asked of both: a folder, and S3 as a real server speaks it. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  type Artifacts,
  type Listed,
  renewAfterMs,
} from '../../../coordinator/artifacts/artifacts.ts';
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
/** Makes it three days older, where the store has it on disk. */
function age(digest: string): void {
  const name = digest.slice('sha256:'.length);
  const at = new Date(Date.now() - 3 * renewAfterMs);
  for (const root of [folder, server.folder])
    for (const path of readdirSync(root, { recursive: true, encoding: 'utf8' }))
      if (path.includes(name)) utimesSync(join(root, path), at, at);
}
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

  /** As they are listed, with their digests. */
  const listed = async (digest: string) => {
    const found: Listed[] = [];
    for await (const one of artifacts.list()) if (one.digest === digest) found.push(one);
    return found;
  };
  /** As whoever clears finds it there. */
  const removeAside = async (digest: string): Promise<boolean[]> => {
    const aside = (await listed(digest)).filter(({ isAside }) => isAside);
    return await Promise.all(aside.map((one) => artifacts.removeAside(one)));
  };

  test('are listed with their size, and since when they are there by the clock of the store', async () => {
    const bytes = randomBytes(3000);
    const digest = digestOf(bytes);
    const before = await artifacts.now();
    await artifacts.write('input', digest, [bytes]);
    await write(bytes);
    const found = await listed(digest);
    const here = { digest, bytes: 3000, at: expect.any(Number), isAside: false };
    expect(found).toHaveLength(2);
    expect(found).toContainEqual({ ...here, shelf: 'input' });
    expect(found).toContainEqual({ ...here, shelf: 'output' });
    for (const { at } of found) {
      expect(at).toBeGreaterThanOrEqual(before);
      expect(at).toBeLessThanOrEqual((await artifacts.now()) + 1000);
    }
  });

  test('[W2] that are set aside are there for all who ask, and are brought back by it', async () => {
    const all = [1, 2, 3, 4].map((length) => randomBytes(2000 + length));
    const digests = all.map(digestOf);
    const [size, keep, readAll, stream] = digests as [string, string, string, string];
    for (const bytes of all) await write(bytes);
    for (const digest of digests) {
      await artifacts.setAside('output', digest);
      expect(await listed(digest)).toMatchObject([{ isAside: true }]);
    }
    expect(await artifacts.size('input', size)).toBeNull();
    expect(await artifacts.size('output', size)).toBe(2001);
    expect(await artifacts.keep('output', keep)).toBe(2002);
    expect(await artifacts.readAll('output', readAll)).toEqual(all[2]);
    expect((await read(stream, 0, 9)).equals(all[3]?.subarray(0, 10) ?? Buffer.alloc(0))).toBe(
      true,
    );
    for (const digest of digests) {
      expect((await listed(digest)).map(({ isAside }) => isAside)).toContain(false);
      // What goes from there is not what was brought back.
      await removeAside(digest);
      expect(await artifacts.size('output', digest)).not.toBeNull();
    }
  });

  test('that are removed where they are aside are gone, and are stored again when they come again', async () => {
    const bytes = randomBytes(2000);
    const digest = digestOf(bytes);
    await write(bytes);
    expect(await removeAside(digest)).toEqual([]);
    await artifacts.setAside('output', digest);
    expect(await removeAside(digest)).toEqual([true]);
    expect(await listed(digest)).toEqual([]);
    expect(await artifacts.keep('output', digest)).toBeNull();
    expect(await artifacts.bringBack('output', digest)).toBe(false);
    await expect(artifacts.readAll('output', digest)).rejects.toEqual(code('artifact_unknown'));
    await artifacts.setAside('output', digest);
    expect(await artifacts.size('output', digest)).toBeNull();
    await write(bytes);
    expect(await artifacts.size('output', digest)).toBe(2000);
  });

  test('[W2] that come again while they are aside stay when that goes', async () => {
    const bytes = randomBytes(2000);
    const digest = digestOf(bytes);
    await write(bytes);
    await artifacts.setAside('output', digest);
    await write(bytes);
    expect(await removeAside(digest)).toEqual([true]);
    expect((await artifacts.readAll('output', digest)).equals(bytes)).toBe(true);
  });

  test('that are old are renewed when they are written again or kept, and not when they are read', async () => {
    const bytes = randomBytes(2000);
    const digest = digestOf(bytes);
    const since = async () =>
      (await listed(digest)).filter(({ isAside }) => !isAside).map(({ at }) => at);
    await write(bytes);
    const [young = 0] = await since();
    await artifacts.keep('output', digest);
    expect(await since()).toEqual([young]);
    for (const renew of [() => artifacts.keep('output', digest), () => write(bytes)]) {
      age(digest);
      const [old = 0] = await since();
      expect(old).toBeLessThan(young - renewAfterMs);
      await artifacts.size('output', digest);
      await artifacts.readAll('output', digest);
      expect(await since()).toEqual([old]);
      await renew();
      expect((await since())[0]).toBeGreaterThanOrEqual(young);
      expect((await artifacts.readAll('output', digest)).equals(bytes)).toBe(true);
    }
  });

  test('have a note beside them of who cleared them last, which is no artifact', async () => {
    expect(await artifacts.lastNote()).toBeNull();
    const before = await artifacts.now();
    for (const text of ['one', 'another']) await artifacts.note(text);
    expect(await artifacts.lastNote()).toEqual({ text: 'another', at: expect.any(Number) });
    expect((await artifacts.lastNote())?.at).toBeGreaterThanOrEqual(before);
    for await (const { digest } of artifacts.list())
      expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
  });

  test('are listed where there are more than one answer of S3 holds', async () => {
    const all = Array.from({ length: 1100 }, (_, i) => Buffer.from(`number ${i}`));
    for (let from = 0; from < all.length; from += 50)
      await Promise.all(all.slice(from, from + 50).map((bytes) => write(bytes)));
    const found = new Set<string>();
    for await (const { digest } of artifacts.list()) found.add(digest);
    expect(all.filter((bytes) => !found.has(digestOf(bytes)))).toEqual([]);
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

import { randomBytes } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Artifacts, MissingArtifact } from '../../worker/artifacts.ts';
import { nodePlatform } from '../../worker/platform/node.ts';
import type { Storage } from '../../worker/platform/platform.ts';
import { TestCoordinator } from '../support/test-coordinator.ts';
import { aFolder } from './join.ts';

let grid: TestCoordinator;
let folder: string;
let storage: Storage;
let artifacts: Artifacts;
const never = new AbortController().signal;
const bytes = randomBytes(100_000);

beforeEach(async () => {
  grid = await new TestCoordinator().start();
  folder = await aFolder();
  storage = await nodePlatform.openStorage(folder);
  artifacts = new Artifacts(() => grid.url, storage, nodePlatform.sha256, { waitMs: () => 1 });
});
afterEach(async () => {
  await storage.close();
  await grid.stop();
});

describe('downloads', () => {
  test('bring the bytes, and the next time no request', async () => {
    const digest = grid.addArtifact(bytes);
    expect(await artifacts.get(digest, never)).toEqual(new Uint8Array(bytes));
    expect(Buffer.from(await artifacts.get(digest, never))).toEqual(bytes);
    expect(grid.requests).toEqual([`GET ${digest}`]);
  });

  test('of the same artifact at once are one request', async () => {
    const digest = grid.addArtifact(bytes);
    await Promise.all([1, 2, 3].map(() => artifacts.get(digest, never)));
    expect(grid.requests).toHaveLength(1);
  });

  test('that were cut go on where they stopped', async () => {
    const digest = grid.addArtifact(bytes);
    let isCut = false;
    grid.serve = (_digest, all, _from, response) => {
      if (isCut) return false;
      isCut = true;
      response.writeHead(200, { 'content-length': all.length });
      response.write(all.subarray(0, 40_000));
      // Cut at once, the bytes on their way would be lost with the connection.
      setTimeout(() => response.destroy(), 100);
      return true;
    };
    expect(Buffer.from(await artifacts.get(digest, never))).toEqual(bytes);
    expect(grid.requests[1]).toMatch(/ bytes=[1-9]\d*-$/);
  });

  test('go on with the part that an earlier worker left', async () => {
    const digest = grid.addArtifact(bytes);
    const name = `artifacts/${digest.slice(7)}.part`;
    await storage.write(name, bytes.subarray(0, 99_000));
    expect(Buffer.from(await artifacts.get(digest, never))).toEqual(bytes);
    expect(grid.requests).toEqual([`GET ${digest} bytes=99000-`]);
  });

  test('begin anew when the part was of something else', async () => {
    const digest = grid.addArtifact(bytes);
    await storage.write(`artifacts/${digest.slice(7)}.part`, randomBytes(500));
    expect(Buffer.from(await artifacts.get(digest, never))).toEqual(bytes);
  });

  test('wait for a coordinator that is in trouble', async () => {
    const digest = grid.addArtifact(bytes);
    let troubles = 1;
    grid.serve = (_digest, _all, _from, response) => {
      if (troubles-- <= 0) return false;
      response.writeHead(503).end();
      return true;
    };
    expect(await artifacts.get(digest, never)).toHaveLength(bytes.length);
  });

  test('end when nobody wants them any more', async () => {
    await grid.stop();
    const abort = new AbortController();
    const download = artifacts.get(`sha256:${'1'.repeat(64)}`, abort.signal);
    abort.abort();
    await expect(download).rejects.toThrow();
    await grid.start();
  });
});

describe('bytes that are not what they are called', () => {
  test('from the coordinator are refused, and leave nothing behind', async () => {
    const digest = grid.addArtifact(bytes);
    grid.artifacts.set(digest, randomBytes(100_000));
    await expect(artifacts.get(digest, never)).rejects.toThrow(MissingArtifact);
    expect(await readdir(join(folder, 'artifacts'))).toEqual([]);
  });

  test('on the disk are fetched again', async () => {
    const digest = grid.addArtifact(bytes);
    await artifacts.get(digest, never);
    await writeFile(join(folder, 'artifacts', digest.slice(7)), 'rotten');
    expect(Buffer.from(await artifacts.get(digest, never))).toEqual(bytes);
  });
});

test('an artifact that the coordinator does not have is missing, after it was asked a few times', async () => {
  await expect(artifacts.get(`sha256:${'2'.repeat(64)}`, never)).rejects.toThrow(MissingArtifact);
  expect(grid.requests.length).toBeGreaterThan(1);
});

test('the cache keeps within its bound, and what was used last', async () => {
  artifacts = new Artifacts(() => grid.url, storage, nodePlatform.sha256, {
    cacheBytesMax: 250_000,
  });
  const [a = '', b = '', c = ''] = [1, 2, 3].map(() => grid.addArtifact(randomBytes(100_000)));
  for (const digest of [a, b, a, c]) {
    await artifacts.get(digest, never);
    // Dates of files have a millisecond's grain.
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const names = await readdir(join(folder, 'artifacts'));
  expect(names.toSorted()).toEqual([a.slice(7), c.slice(7)].toSorted());
});

describe('uploads', () => {
  test('bring the output with the session’s token', async () => {
    const sha256 = await nodePlatform.sha256(bytes);
    await artifacts.upload(sha256, bytes, 'upload-1');
    expect([...grid.artifacts.values()]).toEqual([bytes]);
  });

  test('say so when the coordinator did not take them', async () => {
    const sha256 = await nodePlatform.sha256(bytes);
    await expect(artifacts.upload(sha256, bytes, 'a wrong token')).rejects.toThrow('HTTP 401');
  });
});

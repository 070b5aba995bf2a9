import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { toGridError } from '../../../coordinator/api/grid-error.ts';
import { FolderArtifacts } from '../../../coordinator/artifacts/folder-artifacts.ts';
import { SmallDisk } from '../../support/small-disk.ts';

// A write to a disk that is nearly full may take a part of the bytes and succeed. The part was published
// under the digest of the whole, and its report acknowledged.
test('[W2] an artifact for which there is no room is refused whole, and stored when there is room', async ({
  skip,
}) => {
  const folder = mkdtempSync(join(tmpdir(), 'mh-artifacts-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const disk = await SmallDisk.mount(folder, 1);
  if (disk === null) return skip('no disk can be mounted here without root');
  onTestFinished(() => disk.unmount());

  mkdirSync(join(disk.seen, 'artifacts'));
  const artifacts = await FolderArtifacts.open(join(disk.seen, 'artifacts'));
  const bytes = Buffer.alloc(600 * 1024, 'x');
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  const write = () => artifacts.write('output', digest, [bytes]);
  const other = Buffer.alloc(600 * 1024, 'y');
  const first = `sha256:${createHash('sha256').update(other).digest('hex')}`;
  await artifacts.write('output', first, [other]);

  const refused = await write().catch(toGridError);
  expect(refused).toMatchObject({ code: 'unavailable' });
  expect(await artifacts.size('output', digest)).toBeNull();
  expect(readdirSync(join(disk.seen, 'artifacts/incoming'))).toEqual([]);

  rmSync(join(disk.seen, 'artifacts/output', first.slice(7, 9)), { recursive: true });
  expect(await write()).toBe(bytes.length);
  expect(await artifacts.readAll('output', digest)).toEqual(bytes);
});

/**
 * A backup as a folder, and how files get into one and out of it:
 *
 *   redis.rdb       everything in Redis at one moment: open journals, ledger, outbox, trust, secrets
 *   artifacts/ archive/ ledger/ operator.token coordinator.id
 *                   the data folder's own, copied after that moment; no artifacts where they are in S3
 *   SHA256SUMS      a line a file, as sha256sum writes and checks them
 *   backup.json     which grid, when, and the digest of SHA256SUMS; written last
 *
 * A folder without backup.json is not a backup: it was not finished. Files are copied and digested in one
 * pass, so what is in the list is what was written, and each is on the disk before the list is.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BackupError } from './error.ts';

export const factsFile = 'backup.json';
export const sumsFile = 'SHA256SUMS';
export const snapshotFile = 'redis.rdb';

export type Sum = { path: string; sha256: string };
export type Copied = { bytes: number; sha256: string };

export const writeSums = (sums: readonly Sum[]): string =>
  sums.map(({ path, sha256 }) => `${sha256}  ${path}\n`).join('');

/** Null when it is no such list, or names a file that is not below its folder. */
export function readSums(text: string): Sum[] | null {
  const sums: Sum[] = [];
  for (const line of text.split('\n').slice(0, -1)) {
    const [, sha256, path] = /^([0-9a-f]{64}) {2}([A-Za-z0-9._/-]+)$/.exec(line) ?? [];
    const isInside = path?.split('/').every((part) => !/^\.{0,2}$/.test(part));
    if (sha256 === undefined || path === undefined || isInside !== true) return null;
    sums.push({ path, sha256 });
  }
  return text.endsWith('\n') ? sums : null;
}

/** Copies durably and says what it copied. */
export async function copyFile(from: string, to: string): Promise<Copied> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  const file = await open(to, 'wx', 0o600);
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const piece of createReadStream(from)) {
      hash.update(piece);
      bytes += piece.length;
      await file.writeFile(piece);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { bytes, sha256: hash.digest('hex') };
}

export async function writeDurably(path: string, text: string): Promise<void> {
  await writeFile(path, text, { mode: 0o600, flush: true });
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Makes the folder, or takes one that is empty; returns what empties it again. */
export async function takeEmptyFolder(path: string): Promise<() => Promise<void>> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const found = await filesIn(path);
  if (found.length > 0) {
    throw new BackupError('folder_not_empty', {
      what: `The folder ${path} is not empty`,
      why: `there is ${found[0]} in it, and nothing is ever written over`,
      doThis: 'name a folder that is not there yet, or is empty',
    });
  }
  return async () => {
    for (const name of await filesIn(path)) await rm(join(path, name), { recursive: true });
  };
}

/** A file system of its own has a folder for what it finds after a crash. */
const filesIn = async (path: string): Promise<string[]> =>
  (await readdir(path)).filter((name) => name !== 'lost+found');

/** What a disk must have left afterwards: Redis does not start with less (redis/supervise.ts). */
const bytesLeftMin = 64 * 1024 * 1024;

export async function assertRoom(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (bytes + bytesLeftMin <= free) return;
  const mebibytes = (count: number) => `${Math.ceil(count / 1_048_576)} MiB`;
  throw new BackupError('no_room', {
    what: `It does not fit into ${folder}`,
    why: `it takes ${mebibytes(bytes + bytesLeftMin)}, and ${mebibytes(free)} are free`,
    doThis: 'make room, or name a folder on another disk',
  });
}

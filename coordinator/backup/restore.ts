/**
 * Makes a data folder out of a backup. Each file is compared with its digest while it is copied; then a
 * Redis is started on the snapshot and the grid is opened, because a backup that does not start is none.
 * Nothing is written over: the folder is new or empty, and empty again when something is wrong.
 *
 * The snapshot becomes `appendonly.aof`: a journal may begin with an RDB file, and Redis 7 takes one of
 * that name over as the base of its own. (As dump.rdb it would be passed over, with `appendonly yes`.)
 */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { openRedis } from '../redis/open.ts';
import { ArchiveFolder } from '../store/archive-folder.ts';
import { openRedisStore } from '../store/redis-store.ts';
import { ArchiveDamaged, type Store } from '../store/store.ts';
import { BackupError } from './error.ts';
import { type BackupFacts, backupFactsSchema } from './facts.ts';
import {
  assertRoom,
  copyFile,
  factsFile,
  readSums,
  type Sum,
  snapshotFile,
  sumsFile,
  takeEmptyFolder,
} from './folder.ts';

export type RestoreParts = {
  source: string;
  dataDir: string;
  reason: string;
  now: number;
  log: (line: string) => void;
};

/** Throws BackupError, RedisError or GridFormatUnknown; then the data folder is as empty as it was. */
export async function restoreBackup(parts: RestoreParts): Promise<BackupFacts> {
  const { source, dataDir } = parts;
  const { facts, sums } = await readBackup(source);
  const empty = await takeEmptyFolder(dataDir);
  try {
    await assertRoom(dataDir, facts.bytes);
    for (const { path, sha256 } of sums) {
      const to = path === snapshotFile ? join('redis', 'appendonly.aof') : path;
      const copied = await copyFile(join(source, path), join(dataDir, to));
      if (copied.sha256 !== sha256)
        throw damaged(source, `${path} has the digest ${copied.sha256}`);
    }
    await openOnce(parts, facts);
    return facts;
  } catch (error) {
    await empty();
    throw error;
  }
}

/** The backup's facts and list, when it is whole as far as names and sizes go. */
async function readBackup(source: string): Promise<{ facts: BackupFacts; sums: Sum[] }> {
  const text = await readFile(join(source, factsFile), 'utf8').catch(() => null);
  if (text === null) {
    throw new BackupError('backup_unknown', {
      what: `There is no backup in ${source}`,
      why: `it has no ${factsFile}, which is written when a backup is finished`,
      doThis: 'name a folder that `manyhands backup` has finished',
    });
  }
  const facts = backupFactsSchema.safeParse(parseJson(text));
  if (!facts.success) throw damaged(source, `${factsFile} cannot be read`);
  const list = await readFile(join(source, sumsFile), 'utf8').catch(() => '');
  if (createHash('sha256').update(list).digest('hex') !== facts.data.sums)
    throw damaged(source, `${sumsFile} is not the one that was written`);
  const sums = readSums(list);
  if (sums === null) throw damaged(source, `${sumsFile} cannot be read`);
  for (const { path } of sums) {
    const found = await stat(join(source, path)).catch(() => null);
    if (found === null) throw damaged(source, `${path} is missing`);
  }
  return { facts: facts.data, sums };
}

/** Redis loads it, the grid in it is the one that was saved, and its log says that it was restored. */
async function openOnce(
  { source, dataDir, reason, now, log }: RestoreParts,
  facts: BackupFacts,
): Promise<void> {
  const redis = await openRedis({ dataDir, log });
  try {
    const files = await ArchiveFolder.open(join(dataDir, 'archive'));
    const store = await openRedisStore(redis.connection, undefined, files);
    try {
      const nobody = { gridId: '', partitions: 1, createdAt: now };
      const { gridId } = await store.grid.open(nobody);
      if (gridId !== facts.gridId) throw damaged(source, `Redis found grid “${gridId}” in it`);
      await removeNewer(store);
      // The grid that it was taken of may live, with its artifacts in the same S3: this is not the one that clears them.
      await store.grid.beginClearing(now);
      await store.registry.logAct({
        at: now,
        act: 'restore',
        target: gridId,
        detail: `of ${facts.takenAt}`,
        reason,
        tokenId: '',
        tokenName: 'operator',
      });
    } finally {
      await store.close();
    }
  } finally {
    await redis.close();
  }
}

/**
 * Files came after Redis: there may be journals of jobs that were submitted in between, which this grid has never had. Nobody
 * could say what they name, so no artifact would ever be cleared.
 */
async function removeNewer({ archive, jobs }: Store): Promise<void> {
  for await (const jobId of archive.files.jobIds()) {
    // What is damaged is known.
    const isKnown = await jobs.read(jobId).then(
      (job) => job !== null,
      (error) => {
        if (error instanceof ArchiveDamaged) return true;
        throw error;
      },
    );
    if (!isKnown) await archive.files.removeJob(jobId);
  }
}

const damaged = (source: string, why: string): BackupError =>
  new BackupError('backup_damaged', {
    what: `The backup in ${source} is damaged`,
    why,
    doThis: 'restore another one; `sha256sum -c SHA256SUMS` lists what is wrong with this one',
  });

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // which no schema takes
  }
}

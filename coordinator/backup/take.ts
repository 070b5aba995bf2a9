/**
 * Takes a backup of a grid that goes on meanwhile. What makes it whole is the order:
 *
 *   1. Redis, at one moment (redis/snapshot.ts). All that was acknowledged before is in it.
 *   2. then the files: outputs, inputs and kernels are there before anything in Redis names them, and the
 *      history of the ledger and the archive before what is in them leaves Redis. Of what is named nothing goes. So what
 *      is copied later has everything that the snapshot names, and more, which is never looked at: artifacts
 *      that nothing names, lines behind the mark, which the next append cuts off, and journals that the
 *      snapshot has as well, which are written again.
 *
 * Artifacts in S3 stay there: the backup says where. Those in a folder are digested on the way and compared with their names: a disk that lies is found out here.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import type {
  ClusterConnection,
  RedisConnection,
  SentinelConnection,
} from '../redis/connection.ts';
import { assertReached, findMaster } from '../redis/operators-redis.ts';
import { writeSnapshot } from '../redis/snapshot.ts';
import { openRedisStore } from '../store/redis-store.ts';
import { BackupError } from './error.ts';
import type { BackupFacts } from './facts.ts';
import {
  assertRoom,
  copyFile,
  factsFile,
  type Sum,
  snapshotFile,
  sumsFile,
  takeEmptyFolder,
  writeDurably,
  writeSums,
} from './folder.ts';

/** What of a data folder is kept. Redis's own folder is not: the snapshot stands for it. */
const ofCoordinator = ['operator.token', 'coordinator.id'];
/** In a data folder too, or in the one that coordinators share. */
const ofGrid = [
  // First and last: what is brought back, or set aside, while the others are copied is in one of them.
  ...['artifacts/aside', 'artifacts/input', 'artifacts/output', 'artifacts/aside'],
  ...['archive/jobs', 'ledger', 'folder.id'],
];

export type BackupParts = {
  dataDir: string;
  /** Where coordinators share a folder, what of it is kept is there. */
  sharedDir?: string;
  redis: RedisConnection | ClusterConnection | SentinelConnection;
  /** A folder that is empty or not there yet. */
  target: string;
  reason: string;
  version: string;
  now: number;
};

/** Throws BackupError or RedisError; then the target is left as empty as it was. */
export async function takeBackup(parts: BackupParts): Promise<BackupFacts> {
  const { dataDir, target, redis } = parts;
  if ('cluster' in redis) throw ofCluster();
  const server = 'sentinels' in redis ? await findMaster(redis) : redis;
  await assertReached(server);
  const facts = await openingFacts(parts);
  const empty = await takeEmptyFolder(target);
  try {
    const sources: [string, readonly string[]][] = [
      [parts.sharedDir ?? dataDir, ofGrid],
      [dataDir, ofCoordinator],
    ];
    const snapshot = await writeSnapshot(server, join(target, snapshotFile), async (bytes) => {
      let all = bytes;
      for (const [folder, kept] of sources) all += await sizeOf(folder, kept);
      await assertRoom(target, all);
    });
    const sums: Sum[] = [{ path: snapshotFile, sha256: snapshot.sha256 }];
    const aside = new Set<string>();
    let { bytes } = snapshot;
    for (const [folder, kept] of sources) {
      for await (const path of filesOf(folder, kept)) {
        if (aside.has(path) || (await isGone(folder, path))) continue;
        const copied = await copyFile(join(folder, path), join(target, path));
        assertWhole(path, copied.sha256);
        sums.push({ path, sha256: copied.sha256 });
        if (path.startsWith('artifacts/aside/')) aside.add(path);
        bytes += copied.bytes;
      }
    }
    const list = writeSums(sums);
    await writeDurably(join(target, sumsFile), list);
    const done = { ...facts, files: sums.length, bytes, sums: sha256(list) };
    await writeDurably(join(target, factsFile), `${JSON.stringify(done, null, 2)}\n`);
    return done;
  } catch (error) {
    await empty();
    throw error;
  }
}

/** Its masters give no snapshots of one moment, and what one says that it was paid must be there in another. */
const ofCluster = (): BackupError =>
  new BackupError('backup_of_cluster', {
    what: 'A grid on a Redis Cluster is not backed up by this command',
    why: 'there is no one moment of which all of its masters give a snapshot',
    doThis: 'stop the coordinator, then save each master and the data folder: docs/OPERATING.md',
  });

/** Who the grid is; and the line in the audit log, which is thereby in the backup too. */
async function openingFacts({ redis, dataDir, target, reason, version, now }: BackupParts) {
  const store = await openRedisStore(redis);
  try {
    const grid = await store.grid.find();
    if (grid === null) {
      throw new BackupError('data_folder_unknown', {
        what: `There is no grid in ${dataDir}`,
        why: 'its Redis knows of none',
        doThis: 'name the data folder of the coordinator with --data, and its Redis with --redis',
      });
    }
    const token = (await readFile(join(dataDir, 'operator.token'), 'utf8')).trim();
    const by = await store.registry.findToken(sha256(token));
    await store.registry.logAct({
      at: now,
      act: 'backup',
      target: grid.gridId,
      detail: basename(target),
      reason,
      tokenId: by?.tokenId ?? '',
      tokenName: by?.name ?? 'operator',
    });
    const { gridId, format } = grid;
    const [, artifacts] = (await store.grid.artifactsId(null))?.split(' ') ?? [];
    return {
      ...{ backup: 1 as const, gridId, format, takenAt: new Date(now).toISOString(), version },
      ...(artifacts === undefined ? {} : { artifacts }),
    };
  } finally {
    await store.close();
  }
}

/** Everything that is kept, as paths from the folder with slashes. */
async function* filesOf(dataDir: string, kept: readonly string[]): AsyncGenerator<string> {
  for (const name of kept) {
    const path = join(dataDir, name);
    const found = await stat(path).catch(() => null); // none of that kind was ever written
    if (found === null) continue;
    if (found.isFile()) {
      yield name;
      continue;
    }
    for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      yield relative(dataDir, join(entry.parentPath, entry.name)).split(sep).join('/');
    }
  }
}

/**
 * Since the folder was read a job was removed, which to the snapshot is one whose files are missing; or an artifact was set
 * aside or brought back, and is copied from there.
 */
const isGone = async (dataDir: string, path: string): Promise<boolean> =>
  /^(archive|artifacts)\//.test(path) &&
  (await stat(join(dataDir, path)).catch(() => null)) === null;

async function sizeOf(dataDir: string, kept: readonly string[]): Promise<number> {
  let bytes = 0;
  for await (const path of filesOf(dataDir, kept))
    if (!(await isGone(dataDir, path))) bytes += (await stat(join(dataDir, path))).size;
  return bytes;
}

function assertWhole(path: string, found: string): void {
  if (!path.startsWith('artifacts/') || path.endsWith(found)) return;
  throw new BackupError('backup_damaged', {
    what: `The artifact ${path} is damaged`,
    why: `its bytes have the digest ${found}`,
    doThis: 'restore that file from an earlier backup, or have its unit computed again',
  });
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

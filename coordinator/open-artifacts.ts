/**
 * Where this grid's artifacts are: in S3, or in the folder that its other files are in. The grid remembers an S3
 * place by a label that lies there, which says whose artifacts they are and is copied along with them. So no
 * coordinator starts with another bucket, with none, or with that of another grid.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Artifacts } from './artifacts/artifacts.ts';
import { DiskRoom } from './artifacts/disk-room.ts';
import { FolderArtifacts } from './artifacts/folder-artifacts.ts';
import { S3Artifacts } from './artifacts/s3-artifacts.ts';
import type { S3Watch } from './artifacts/s3-bucket.ts';
import type { S3Place } from './artifacts/s3-place.ts';
import { FolderMismatch } from './shared-folder.ts';
import type { Store } from './store/store.ts';

export type ArtifactParts = {
  store: Store;
  gridId: string;
  /** Where artifacts are when `s3` is null; and were, before it was not. */
  folder: string;
  isShared: boolean;
  s3: S3Place | null;
  /** This coordinator's own, for uploads on their way to S3. */
  dataDir: string;
  log: Logger;
};

export type OpenArtifacts = {
  artifacts: Artifacts;
  /** Calls to S3 that failed, by what was asked. */
  failures: ReadonlyMap<string, number>;
  /** Of the disk that uploads are written to. */
  room: DiskRoom;
  close(): void;
};

/** Throws FolderMismatch, or S3Unusable. */
export async function openArtifacts(parts: ArtifactParts): Promise<OpenArtifacts> {
  const { store, gridId, folder, isShared, s3, dataDir, log } = parts;
  const failures = new Map<string, number>();
  const known = await store.grid.artifactsId(null);
  if (s3 === null) {
    const here = await readFile(join(folder, 'artifacts.id'), 'utf8').catch(() => null);
    if (known !== null && here?.trim() !== known)
      throw new FolderMismatch(
        folder,
        `the artifacts of this grid are in ${urlIn(known)}`,
        'start it with --artifacts and that place',
      );
    return {
      artifacts: await FolderArtifacts.open(folder, isShared),
      failures,
      room: new DiskRoom(folder),
      close: () => undefined,
    };
  }
  const uploads = join(dataDir, 'uploads');
  const artifacts = await S3Artifacts.open(s3, uploads, watch(failures, log));
  try {
    const id = `${gridId} ${s3.url}`;
    const found = (await artifacts.label()) ?? (await labelPlace(parts, s3, artifacts, known, id));
    if (!found.startsWith(`${gridId} `))
      throw new FolderMismatch(
        s3.url,
        'the artifacts of another grid are there',
        'give each grid a bucket, or a prefix, of its own',
      );
    if ((await store.grid.artifactsId(found)) !== found) throw elsewhere(s3, known ?? '');
    const room = new DiskRoom(uploads);
    return { artifacts, failures, room, close: () => artifacts.close() };
  } catch (error) {
    artifacts.close();
    throw error;
  }
}

/** All coordinators that are given this place write the same label; so it takes no agreement between them. */
async function labelPlace(
  { folder }: ArtifactParts,
  s3: S3Place,
  artifacts: S3Artifacts,
  known: string | null,
  id: string,
): Promise<string> {
  if (known !== null) throw elsewhere(s3, known);
  if (await hasArtifacts(folder))
    throw new FolderMismatch(
      s3.url,
      `they are in ${folder}`,
      `copy it there (aws s3 sync ${folder} ${s3.url}), and move the folder away`,
    );
  await artifacts.setLabel(id);
  return id;
}

const elsewhere = (s3: S3Place, known: string): FolderMismatch =>
  new FolderMismatch(
    s3.url,
    `its artifacts are in ${urlIn(known)}`,
    'name that place with --artifacts, or copy all of it here, artifacts.id too',
  );

const urlIn = (label: string): string => label.split(' ')[1] ?? 'another place';

async function hasArtifacts(folder: string): Promise<boolean> {
  const found = ['input', 'output'].map((shelf) =>
    readdir(join(folder, shelf)).catch((): string[] => []),
  );
  return (await Promise.all(found)).some((names) => names.length > 0);
}

/** Counts failures, and logs when they begin and end: a line for each would drown all others. */
function watch(failures: Map<string, number>, log: Logger): S3Watch {
  let isAway = false;
  return {
    failed({ call, message }) {
      failures.set(call, (failures.get(call) ?? 0) + 1);
      if (!isAway) log.warn({ call, why: message }, 'the store of artifacts fails');
      isAway = true;
    },
    worked() {
      if (isAway) log.info('the store of artifacts answers again');
      isAway = false;
    },
  };
}

/**
 * The folder that several coordinators share: outputs, the archive, and the history of the ledger. Two that were
 * given different folders would each acknowledge what the other cannot serve, and that would be found out much later.
 * So the folder has an id of its own, the grid remembers which it is, and no coordinator starts with another one.
 */
import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Store } from './store/store.ts';

const idFile = 'folder.id';

export class FolderMismatch extends Error {
  readonly folder: string;
  readonly remedy: string;

  constructor(folder: string, why: string, remedy: string) {
    super(why);
    this.folder = folder;
    this.remedy = remedy;
  }
}

/** Makes the folder the grid's, or finds that it is. Throws FolderMismatch. */
export async function openSharedFolder(store: Store, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const known = await store.grid.folderId(null);
  if (known === null && (await store.ledger.archived()).number > 0 && !(await holdsHistory(folder)))
    throw new FolderMismatch(
      folder,
      'the files of this grid are in the data folder of the coordinator that ran it alone',
      'move artifacts, archive and ledger from there into the shared folder',
    );
  const id = await folderId(folder);
  if ((await store.grid.folderId(id)) !== id)
    throw new FolderMismatch(
      folder,
      'the other coordinators of this grid share another folder',
      'give all of them the same --shared-folder, mounted from the same place',
    );
}

/** A coordinator that runs alone needs the grid's folder as well, once there is one. Throws FolderMismatch. */
export async function assertOwnFolder(store: Store, folder: string): Promise<void> {
  const known = await store.grid.folderId(null);
  if (known === null || known === (await readId(folder))) return;
  throw new FolderMismatch(
    folder,
    'the files of this grid are in a folder that its coordinators share',
    'start it with --shared-folder and that folder',
  );
}

/** Made once, and whole: of two that make it at once, one finds the other's. */
async function folderId(folder: string): Promise<string> {
  const found = await readId(folder);
  if (found !== null) return found;
  const path = join(folder, `${idFile}.${randomBytes(6).toString('hex')}`);
  await writeFile(path, `${randomBytes(16).toString('hex')}\n`, { mode: 0o600, flush: true });
  await link(path, join(folder, idFile)).catch((error) => {
    if ((error as { code?: string }).code !== 'EEXIST') throw error;
  });
  await rm(path);
  return (await readId(folder)) ?? '';
}

const readId = async (folder: string): Promise<string | null> =>
  (await readFile(join(folder, idFile), 'utf8').catch(() => null))?.trim() ?? null;

const holdsHistory = async (folder: string): Promise<boolean> =>
  (await stat(join(folder, 'ledger', 'entries')).catch(() => null)) !== null;

/**
 * Artifacts as files. One appears under its name when it is whole, right and on the platter: written elsewhere,
 * digest checked, fsync, rename, fsync of the folder. It is set aside and brought back by a rename, so it is always in
 * one of the two places; and what is removed is the name aside, which is gone when somebody was faster and brought it back.
 */
import {
  mkdir,
  open,
  opendir,
  readFile,
  rename,
  stat,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { GridError } from '../../protocol/errors.ts';
import type { Digest } from '../../protocol/ids.ts';
import { limits } from '../../protocol/limits.ts';
import {
  type Artifacts,
  asidePathOf,
  type Listed,
  type Note,
  parsePath,
  pathOf,
  renewAfterMs,
  type Shelf,
} from './artifacts.ts';
import { type Bytes, Incoming } from './incoming.ts';

/** See flow/clear-artifacts/clear-artifacts.ts. */
const noteFile = 'cleared';

export class FolderArtifacts implements Artifacts {
  private readonly folder: string;
  private readonly incoming: Incoming;

  private constructor(folder: string, incoming: Incoming) {
    this.folder = folder;
    this.incoming = incoming;
  }

  /** In a folder that is shared, others may be writing. */
  static async open(folder: string, isShared = false): Promise<FolderArtifacts> {
    return new FolderArtifacts(folder, await Incoming.open(join(folder, 'incoming'), isShared));
  }

  async size(shelf: Shelf, digest: Digest): Promise<number | null> {
    const found = await this.found(shelf, digest, (path) => stat(path));
    return found?.size ?? null;
  }

  async keep(shelf: Shelf, digest: Digest): Promise<number | null> {
    const size = await this.found(shelf, digest, async (path) => {
      const { size, mtimeMs } = await stat(path);
      if (Date.now() - mtimeMs > renewAfterMs) await renew(path);
      return size;
    });
    return size;
  }

  async read(shelf: Shelf, digest: Digest, from?: number, to?: number): Promise<Readable> {
    const file = await this.found(shelf, digest, (path) => open(path, 'r'));
    if (file === null) throw new GridError('artifact_unknown', digest);
    return file.createReadStream({
      ...(from === undefined ? {} : { start: from }),
      ...(to === undefined ? {} : { end: to }),
    });
  }

  async readAll(shelf: Shelf, digest: Digest): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of await this.read(shelf, digest)) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  }

  async write(
    shelf: Shelf,
    digest: Digest,
    bytes: Bytes,
    bytesMax: number = limits.artifactBytesMax,
  ): Promise<number> {
    return await this.incoming.receive(digest, bytes, bytesMax, async (path, _size, file) => {
      await file.sync();
      await publish(path, this.path(shelf, digest));
    });
  }

  async *list(): AsyncGenerator<Listed> {
    for (const shelf of ['aside/input', 'aside/output', 'input', 'output']) {
      for await (const group of namesIn(join(this.folder, shelf))) {
        for await (const name of namesIn(join(this.folder, shelf, group))) {
          const path = `${shelf}/${group}/${name}`;
          const what = parsePath(path);
          const found = what && (await unlessMissing(() => stat(join(this.folder, path))));
          if (what && found) yield { ...what, bytes: found.size, at: found.mtimeMs };
        }
      }
    }
  }

  now(): Promise<number> {
    return this.incoming.now();
  }

  async setAside(shelf: Shelf, digest: Digest): Promise<void> {
    await unlessMissing(async () => {
      const path = this.path(shelf, digest);
      // First: after a crash in between it is as if it had just been written.
      await renew(path);
      await move(path, this.asidePath(shelf, digest));
    });
  }

  async bringBack(shelf: Shelf, digest: Digest): Promise<boolean> {
    const moved = await unlessMissing(async () => {
      const path = this.path(shelf, digest);
      await move(this.asidePath(shelf, digest), path);
      await renew(path);
      return true;
    });
    return moved ?? false;
  }

  async removeAside({ shelf, digest, at }: Listed): Promise<boolean> {
    const path = this.asidePath(shelf, digest);
    const removed = await unlessMissing(async () => {
      if ((await stat(path)).mtimeMs !== at) return false;
      await unlink(path);
      return true;
    });
    return removed ?? false;
  }

  async lastNote(): Promise<Note | null> {
    const path = join(this.folder, noteFile);
    return await unlessMissing(async () => {
      const text = await readFile(path, 'utf8');
      return { text: text.trim(), at: (await stat(path)).mtimeMs };
    });
  }

  async note(text: string): Promise<void> {
    await writeFile(join(this.folder, noteFile), `${text}\n`, { mode: 0o600, flush: true });
  }

  /** Looks at the file, and brings it back when it is aside. Null when there is none. */
  private async found<T>(
    shelf: Shelf,
    digest: Digest,
    look: (path: string) => Promise<T>,
  ): Promise<T | null> {
    const lookHere = () => unlessMissing(() => look(this.path(shelf, digest)));
    const here = await lookHere();
    if (here !== null) return here;
    await this.bringBack(shelf, digest);
    // Also when it was not aside: somebody else may have brought it back in between.
    return await lookHere();
  }

  private path(shelf: Shelf, digest: Digest): string {
    return join(this.folder, pathOf(shelf, digest));
  }

  private asidePath(shelf: Shelf, digest: Digest): string {
    return join(this.folder, asidePathOf(shelf, digest));
  }
}

function renew(path: string): Promise<void> {
  const now = new Date();
  return utimes(path, now, now);
}

/** Without an fsync: after a crash it is in the one place or in the other. */
async function move(from: string, to: string): Promise<void> {
  // No folder is made for what is not there, which is what is asked for most.
  await stat(from);
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  await rename(from, to);
}

async function publish(temporary: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true, mode: 0o700 });
  await rename(temporary, target);
  const folder = await open(dirname(target), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** None when there is no such folder. */
async function* namesIn(folder: string): AsyncGenerator<string> {
  const opened = await unlessMissing(() => opendir(folder));
  if (opened !== null) for await (const { name } of opened) yield name;
}

async function unlessMissing<T>(run: () => Promise<T>): Promise<T | null> {
  try {
    return await run();
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT';

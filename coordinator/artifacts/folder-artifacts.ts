/**
 * Artifacts as files. One appears under its name when it is whole, right and on the platter: written elsewhere,
 * digest checked, fsync, rename, fsync of the folder.
 */
import { mkdir, open, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { GridError } from '../../protocol/errors.ts';
import type { Digest } from '../../protocol/ids.ts';
import { limits } from '../../protocol/limits.ts';
import { type Artifacts, pathOf, type Shelf } from './artifacts.ts';
import { type Bytes, Incoming } from './incoming.ts';

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
    try {
      return (await stat(this.path(shelf, digest))).size;
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  async read(shelf: Shelf, digest: Digest, from?: number, to?: number): Promise<Readable> {
    try {
      const file = await open(this.path(shelf, digest), 'r');
      return file.createReadStream({
        ...(from === undefined ? {} : { start: from }),
        ...(to === undefined ? {} : { end: to }),
      });
    } catch (error) {
      if (isMissing(error)) throw new GridError('artifact_unknown', digest, { cause: error });
      throw error;
    }
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
      await this.publish(path, this.path(shelf, digest));
    });
  }

  private async publish(temporary: string, target: string): Promise<void> {
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    await rename(temporary, target);
    const folder = await open(dirname(target), 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }

  private path(shelf: Shelf, digest: Digest): string {
    return join(this.folder, pathOf(shelf, digest));
  }
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT';

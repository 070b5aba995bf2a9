/**
 * Content-addressed bytes on disk. A digest names its bytes, so a file never changes: writing it
 * twice is harmless and a reader needs no lock. A file appears under its name only when it is whole,
 * right and on the platter: temporary file, digest checked, fsync, rename, fsync of the folder.
 *
 * Two shelves: `input` holds what volunteers may read (kernels and inputs), `output` what only the
 * job's scientist may.
 */
import { createHash, hash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { GridError } from '../../protocol/errors.ts';
import type { Digest } from '../../protocol/ids.ts';
import { limits } from '../../protocol/limits.ts';

export type Shelf = 'input' | 'output';

/** An hour after its last byte no upload goes on: the doors give up far sooner. */
const incomingMsMax = 3_600_000;

export class Artifacts {
  private readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** In a folder that is shared, others may be writing. */
  static async open(folder: string, isShared = false): Promise<Artifacts> {
    const incoming = join(folder, 'incoming');
    await mkdir(incoming, { recursive: true, mode: 0o700 });
    // What a crash left half-written is of no use to anybody.
    for (const name of await readdir(incoming)) {
      const path = join(incoming, name);
      const found = await stat(path).catch(() => null); // it was renamed meanwhile
      const restMs = found === null ? 0 : Date.now() - found.mtimeMs;
      if (!isShared || restMs > incomingMsMax) await rm(path, { force: true });
    }
    return new Artifacts(folder);
  }

  /** Size in bytes, or null when it is not here. */
  async size(shelf: Shelf, digest: Digest): Promise<number | null> {
    try {
      return (await stat(this.path(shelf, digest))).size;
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  /** Bytes `from` to `to` inclusive, as HTTP ranges count. The caller has asked for the size. */
  read(shelf: Shelf, digest: Digest, from?: number, to?: number): Readable {
    const range =
      from === undefined ? {} : to === undefined ? { start: from } : { start: from, end: to };
    return createReadStream(this.path(shelf, digest), range);
  }

  async readAll(shelf: Shelf, digest: Digest): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of this.read(shelf, digest)) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  }

  /**
   * Stores bytes under their digest and returns how many. Throws GridError `digest_mismatch` or
   * `too_large`; then nothing is stored.
   */
  async write(
    shelf: Shelf,
    digest: Digest,
    bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    bytesMax: number = limits.artifactBytesMax,
  ): Promise<number> {
    const temporary = join(this.folder, 'incoming', randomBytes(12).toString('hex'));
    const file = await open(temporary, 'wx', 0o600);
    const hash = createHash('sha256');
    let size = 0;
    try {
      for await (const chunk of bytes) {
        size += chunk.length;
        if (size > bytesMax)
          throw new GridError('too_large', `An artifact may have ${bytesMax} bytes.`);
        hash.update(chunk);
        // Not write(): on a disk that is nearly full it takes a part, and calls that a success.
        await file.writeFile(chunk);
      }
      const found = `sha256:${hash.digest('hex')}`;
      if (found !== digest)
        throw new GridError('digest_mismatch', `Announced ${digest}, received ${found}.`);
      await file.sync();
      await file.close();
      await this.publish(temporary, this.path(shelf, digest));
      return size;
    } catch (error) {
      await file.close().catch(() => {
        // Closed already, or never usable: the file goes away next either way.
      });
      await rm(temporary, { force: true });
      throw error;
    }
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

  /** 256 folders a shelf, so that none grows too long to list. */
  private path(shelf: Shelf, digest: Digest): string {
    const hex = digest.slice('sha256:'.length);
    return join(this.folder, shelf, hex.slice(0, 2), hex);
  }
}

export const digestOf = (bytes: Uint8Array): Digest => `sha256:${hash('sha256', bytes, 'hex')}`;

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT';

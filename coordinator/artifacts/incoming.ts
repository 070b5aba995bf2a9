/**
 * What is being uploaded: a file of its own until it is whole and has the digest that it was announced with. So
 * however slow a stranger is, and however large the artifact, memory holds a piece of it; and nothing wrong
 * ever comes near a name.
 */
import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { GridError } from '../../protocol/errors.ts';
import type { Digest } from '../../protocol/ids.ts';

export type Bytes = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** An hour after its last byte no upload goes on: the doors give up far sooner. */
const incomingMsMax = 3_600_000;

export class Incoming {
  private readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** In a folder that is shared, others may be writing. */
  static async open(folder: string, isShared: boolean): Promise<Incoming> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    // What a crash left half-written is of no use to anybody.
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      const found = await stat(path).catch(() => null); // it was renamed meanwhile
      const restMs = found === null ? 0 : Date.now() - found.mtimeMs;
      if (!isShared || restMs > incomingMsMax) await rm(path, { force: true });
    }
    return new Incoming(folder);
  }

  /** The time by the clock of the file system: another machine's, where the folder is mounted. */
  async now(): Promise<number> {
    const path = join(this.folder, randomBytes(12).toString('hex'));
    const file = await open(path, 'wx', 0o600);
    try {
      return (await file.stat()).mtimeMs;
    } finally {
      await file.close();
      await rm(path, { force: true });
    }
  }

  /**
   * Receives bytes and gives the file to `keep`, which may move it away; else it is gone afterwards. Returns how many
   * they were. Throws GridError `digest_mismatch` or `too_large`, and then `keep` was never called.
   */
  async receive(
    digest: Digest,
    bytes: Bytes,
    bytesMax: number,
    keep: (path: string, size: number, file: FileHandle) => Promise<void>,
  ): Promise<number> {
    const path = join(this.folder, randomBytes(12).toString('hex'));
    const file = await open(path, 'wx', 0o600);
    const hash = createHash('sha256');
    let size = 0;
    try {
      for await (const piece of bytes) {
        size += piece.length;
        if (size > bytesMax)
          throw new GridError('too_large', `An artifact may have ${bytesMax} bytes.`);
        hash.update(piece);
        // Not write(): on a disk that is nearly full it takes a part, and calls that a success.
        await file.writeFile(piece);
      }
      const found = `sha256:${hash.digest('hex')}`;
      if (found !== digest)
        throw new GridError('digest_mismatch', `Announced ${digest}, received ${found}.`);
      await keep(path, size, file);
      return size;
    } finally {
      await file.close();
      await rm(path, { force: true });
    }
  }
}

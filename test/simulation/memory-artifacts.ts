/** The artifact store in memory: one for all coordinators, and as lasting as a disk. */
import { Readable } from 'node:stream';
import { type Artifacts, digestOf, type Shelf } from '../../coordinator/artifacts/artifacts.ts';
import type { Digest } from '../../protocol/ids.ts';

export class MemoryArtifacts implements Artifacts {
  private readonly kept = new Map<string, Buffer>();

  async size(shelf: Shelf, digest: Digest): Promise<number | null> {
    return this.kept.get(`${shelf} ${digest}`)?.length ?? null;
  }

  async read(
    shelf: Shelf,
    digest: Digest,
    from = 0,
    to = Number.POSITIVE_INFINITY,
  ): Promise<Readable> {
    return Readable.from([this.get(shelf, digest).subarray(from, to + 1)]);
  }

  async readAll(shelf: Shelf, digest: Digest): Promise<Buffer> {
    return this.get(shelf, digest);
  }

  async write(
    shelf: Shelf,
    digest: Digest,
    bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<number> {
    const parts: Uint8Array[] = [];
    for await (const part of bytes) parts.push(part);
    const whole = Buffer.concat(parts);
    if (digestOf(whole) !== digest) throw new Error(`these bytes are not ${digest}`);
    this.kept.set(`${shelf} ${digest}`, whole);
    return whole.length;
  }

  private get(shelf: Shelf, digest: Digest): Buffer {
    const bytes = this.kept.get(`${shelf} ${digest}`);
    if (bytes === undefined) throw new Error(`no ${shelf} ${digest}`);
    return bytes;
  }
}

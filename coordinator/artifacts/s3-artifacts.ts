/**
 * Artifacts in a bucket, under the paths that they have in a folder. An upload goes to a file on this machine first
 * (incoming.ts), and from there to S3 when it is whole and right. So S3 never sees what is wrong, waits
 * for no slow stranger, and is told how many bytes come and which SHA-256 they have.
 *
 * What is there already with as many bytes is not written again.
 */
import type { Readable } from 'node:stream';
import { GridError } from '../../protocol/errors.ts';
import type { Digest } from '../../protocol/ids.ts';
import { limits } from '../../protocol/limits.ts';
import { type Artifacts, hexOf, pathOf, type Shelf } from './artifacts.ts';
import { type Bytes, Incoming } from './incoming.ts';
import { Bucket, type S3Watch } from './s3-bucket.ts';
import type { S3Place } from './s3-place.ts';

/** Whose these artifacts are; see coordinator/open-artifacts.ts. */
const labelKey = 'artifacts.id';

export class S3Artifacts implements Artifacts {
  private readonly bucket: Bucket;
  private readonly incoming: Incoming;

  private constructor(bucket: Bucket, incoming: Incoming) {
    this.bucket = bucket;
    this.incoming = incoming;
  }

  /** `folder` is for uploads under way, and this coordinator's alone. Throws S3Unusable. */
  static async open(place: S3Place, folder: string, watch: S3Watch): Promise<S3Artifacts> {
    const incoming = await Incoming.open(folder, false);
    return new S3Artifacts(await Bucket.open(place, watch), incoming);
  }

  close(): void {
    this.bucket.close();
  }

  size(shelf: Shelf, digest: Digest): Promise<number | null> {
    return this.bucket.size(pathOf(shelf, digest));
  }

  async read(shelf: Shelf, digest: Digest, from?: number, to?: number): Promise<Readable> {
    return known(digest, await this.bucket.read(pathOf(shelf, digest), from, to));
  }

  async readAll(shelf: Shelf, digest: Digest): Promise<Buffer> {
    return known(digest, await this.bucket.readAll(pathOf(shelf, digest)));
  }

  async write(
    shelf: Shelf,
    digest: Digest,
    bytes: Bytes,
    bytesMax: number = limits.artifactBytesMax,
  ): Promise<number> {
    const key = pathOf(shelf, digest);
    return await this.incoming.receive(digest, bytes, bytesMax, async (path, size) => {
      if ((await this.bucket.size(key)) === size) return;
      await this.bucket.putFile(key, path, size, hexOf(digest));
    });
  }

  async label(): Promise<string | null> {
    return (await this.bucket.readAll(labelKey))?.toString('utf8').trim() ?? null;
  }

  async setLabel(text: string): Promise<void> {
    await this.bucket.putText(labelKey, `${text}\n`);
  }
}

function known<T>(digest: Digest, found: T | null): T {
  if (found === null) throw new GridError('artifact_unknown', digest);
  return found;
}

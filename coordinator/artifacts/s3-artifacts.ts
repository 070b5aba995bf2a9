/**
 * Artifacts in a bucket, under the paths that they have in a folder. An upload goes to a file on this machine first
 * (incoming.ts), and from there to S3 when it is whole and right. So S3 never sees what is wrong, waits
 * for no slow stranger, and is told how many bytes come and which SHA-256 they have.
 *
 * What is there already with as many bytes is not written again, unless it is old: then to write it is what renews it.
 *
 * Nothing is moved in S3. What is set aside is copied first; what is brought back stays aside as well, and goes from there a day later. So there is a copy
 * at every moment, whoever else is at it: to lose one, somebody has to stand still for most of a day between two lines.
 */
import type { Readable } from 'node:stream';
import { GridError } from '../../protocol/errors.ts';
import type { Digest } from '../../protocol/ids.ts';
import { limits } from '../../protocol/limits.ts';
import {
  type Artifacts,
  asidePathOf,
  hexOf,
  type Listed,
  type Note,
  parsePath,
  pathOf,
  renewAfterMs,
  type Shelf,
} from './artifacts.ts';
import { type Bytes, Incoming } from './incoming.ts';
import { Bucket, type S3Watch } from './s3-bucket.ts';
import type { S3Place } from './s3-place.ts';

/** Whose these artifacts are; see coordinator/open-artifacts.ts. */
const labelKey = 'artifacts.id';
/** See flow/clear-artifacts/clear-artifacts.ts. */
const noteKey = 'cleared';

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

  async size(shelf: Shelf, digest: Digest): Promise<number | null> {
    const found = await this.found(shelf, digest, (key) => this.bucket.find(key));
    return found?.bytes ?? null;
  }

  async keep(shelf: Shelf, digest: Digest): Promise<number | null> {
    const found = await this.found(shelf, digest, async (key) => {
      const object = await this.bucket.find(key);
      if (object === null || isYoung(object.at)) return object;
      // There and back: not every server finds that what is copied onto itself is written anew.
      await this.bucket.copy(key, asidePathOf(shelf, digest));
      return (await this.bringBack(shelf, digest)) ? object : null;
    });
    return found?.bytes ?? null;
  }

  async read(shelf: Shelf, digest: Digest, from?: number, to?: number): Promise<Readable> {
    const look = (key: string) => this.bucket.read(key, from, to);
    return known(digest, await this.found(shelf, digest, look));
  }

  async readAll(shelf: Shelf, digest: Digest): Promise<Buffer> {
    return known(digest, await this.found(shelf, digest, (key) => this.bucket.readAll(key)));
  }

  async write(
    shelf: Shelf,
    digest: Digest,
    bytes: Bytes,
    bytesMax: number = limits.artifactBytesMax,
  ): Promise<number> {
    const key = pathOf(shelf, digest);
    return await this.incoming.receive(digest, bytes, bytesMax, async (path, size) => {
      const found = await this.bucket.find(key);
      if (found?.bytes === size && isYoung(found.at)) return;
      await this.bucket.putFile(key, path, size, hexOf(digest));
    });
  }

  async *list(): AsyncGenerator<Listed> {
    for (const folder of ['aside/', 'input/', 'output/']) {
      for await (const { key, bytes, at } of this.bucket.list(folder)) {
        const what = parsePath(key);
        if (what !== null) yield { ...what, bytes, at };
      }
    }
  }

  now(): Promise<number> {
    return this.bucket.now();
  }

  async setAside(shelf: Shelf, digest: Digest): Promise<void> {
    const key = pathOf(shelf, digest);
    if (await this.bucket.copy(key, asidePathOf(shelf, digest))) await this.bucket.remove(key);
  }

  bringBack(shelf: Shelf, digest: Digest): Promise<boolean> {
    return this.bucket.copy(asidePathOf(shelf, digest), pathOf(shelf, digest));
  }

  async removeAside({ shelf, digest, at }: Listed): Promise<boolean> {
    const key = asidePathOf(shelf, digest);
    if ((await this.bucket.find(key))?.at !== at) return false;
    await this.bucket.remove(key);
    return true;
  }

  async lastNote(): Promise<Note | null> {
    const [text, found] = await Promise.all([
      this.bucket.readAll(noteKey),
      this.bucket.find(noteKey),
    ]);
    if (text === null || found === null) return null;
    return { text: text.toString('utf8').trim(), at: found.at };
  }

  async note(text: string): Promise<void> {
    await this.bucket.putText(noteKey, `${text}\n`);
  }

  /** Looks at the object, and brings it back when it is aside. Null when there is none. */
  private async found<T>(
    shelf: Shelf,
    digest: Digest,
    look: (key: string) => Promise<T | null>,
  ): Promise<T | null> {
    const key = pathOf(shelf, digest);
    const here = await look(key);
    if (here !== null) return here;
    return (await this.bringBack(shelf, digest)) ? await look(key) : null;
  }

  async label(): Promise<string | null> {
    return (await this.bucket.readAll(labelKey))?.toString('utf8').trim() ?? null;
  }

  async setLabel(text: string): Promise<void> {
    await this.bucket.putText(labelKey, `${text}\n`);
  }
}

const isYoung = (at: number): boolean => Date.now() - at <= renewAfterMs;

function known<T>(digest: Digest, found: T | null): T {
  if (found === null) throw new GridError('artifact_unknown', digest);
  return found;
}

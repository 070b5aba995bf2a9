/** The artifact store in memory: one for all coordinators, and as lasting as a disk. */
import { Readable } from 'node:stream';
import {
  type Artifacts,
  digestOf,
  type Listed,
  type Note,
  renewAfterMs,
  type Shelf,
} from '../../coordinator/artifacts/artifacts.ts';
import { GridError } from '../../protocol/errors.ts';
import type { Digest } from '../../protocol/ids.ts';

type Kept = { shelf: Shelf; digest: Digest; bytes: Buffer; at: number };

export class MemoryArtifacts implements Artifacts {
  private readonly clock: () => number;
  private readonly kept = new Map<string, Kept>();
  private readonly aside = new Map<string, Kept>();

  private readonly renewAfterMs: number;
  private noted: Note | null = null;

  constructor(clock: () => number, renewAfter: number = renewAfterMs) {
    this.clock = clock;
    this.renewAfterMs = renewAfter;
  }

  /** Whether it is here or aside; which brings nothing back. */
  has(shelf: Shelf, digest: Digest): boolean {
    const name = nameOf(shelf, digest);
    return this.kept.has(name) || this.aside.has(name);
  }

  async size(shelf: Shelf, digest: Digest): Promise<number | null> {
    return this.find(shelf, digest)?.bytes.length ?? null;
  }

  async keep(shelf: Shelf, digest: Digest): Promise<number | null> {
    const found = this.find(shelf, digest);
    if (found !== null && this.clock() - found.at > this.renewAfterMs) found.at = this.clock();
    return found?.bytes.length ?? null;
  }

  async read(
    shelf: Shelf,
    digest: Digest,
    from = 0,
    to = Number.POSITIVE_INFINITY,
  ): Promise<Readable> {
    return Readable.from([(await this.readAll(shelf, digest)).subarray(from, to + 1)]);
  }

  async readAll(shelf: Shelf, digest: Digest): Promise<Buffer> {
    const found = this.find(shelf, digest);
    if (found === null) throw new GridError('artifact_unknown', digest);
    return found.bytes;
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
    this.kept.set(nameOf(shelf, digest), { shelf, digest, bytes: whole, at: this.clock() });
    return whole.length;
  }

  async *list(): AsyncGenerator<Listed> {
    for (const [map, isAside] of [
      [this.aside, true],
      [this.kept, false],
    ] as const)
      for (const { bytes, ...what } of [...map.values()])
        yield { ...what, bytes: bytes.length, isAside };
  }

  async now(): Promise<number> {
    return this.clock();
  }

  async setAside(shelf: Shelf, digest: Digest): Promise<void> {
    this.move(shelf, digest, this.kept, this.aside);
  }

  async bringBack(shelf: Shelf, digest: Digest): Promise<boolean> {
    return this.move(shelf, digest, this.aside, this.kept);
  }

  async removeAside({ shelf, digest, at }: Listed): Promise<boolean> {
    const name = nameOf(shelf, digest);
    return this.aside.get(name)?.at === at && this.aside.delete(name);
  }

  async lastNote(): Promise<Note | null> {
    return this.noted;
  }

  async note(text: string): Promise<void> {
    this.noted = { text, at: this.clock() };
  }

  private find(shelf: Shelf, digest: Digest): Kept | null {
    const name = nameOf(shelf, digest);
    if (!this.kept.has(name)) this.move(shelf, digest, this.aside, this.kept);
    return this.kept.get(name) ?? null;
  }

  private move(
    shelf: Shelf,
    digest: Digest,
    from: Map<string, Kept>,
    to: Map<string, Kept>,
  ): boolean {
    const name = nameOf(shelf, digest);
    const found = from.get(name);
    if (found === undefined) return false;
    from.delete(name);
    to.set(name, { ...found, at: this.clock() });
    return true;
  }
}

const nameOf = (shelf: Shelf, digest: Digest): string => `${shelf} ${digest}`;

/**
 * Snapshots of units that this host has begun, as files beside the journal:
 *
 *   name       {metered kernel}-{job}-{unit}
 *   content    SHA-256 of the snapshot · fuel burned (8 bytes, big endian) · the snapshot, compressed
 *
 * A unit has one at most, its latest, and only while it is held and has no result. Nothing of a
 * snapshot is believed: whoever goes on with it checks it, and one that is damaged costs the time
 * that it would have saved and no more.
 */
import type { JobBrief } from '../protocol/messages.ts';
import { hexOfDigest } from './digest.ts';
import type { Storage } from './platform/platform.ts';
import type { SavedRun } from './sandbox/sandbox.ts';

/** All of them together: a volunteer lends cores, not a disk. A usual one has some kilobytes. */
const bytesMax = 512 * 1024 * 1024;
const digestBytes = 32;
const headerBytes = digestBytes + 8;

export class Snapshots {
  private readonly storage: Storage;
  private readonly folder: string;
  private readonly sizes = new Map<string, number>();
  /** Writes and removals happen one after the other, so that the last word stands. */
  private last: Promise<unknown> = Promise.resolve();

  private constructor(storage: Storage, folder: string) {
    this.storage = storage;
    this.folder = folder;
  }

  static async open(storage: Storage, folder: string): Promise<Snapshots> {
    const snapshots = new Snapshots(storage, folder);
    for (const { name, bytes } of await storage.list(folder)) snapshots.sizes.set(name, bytes);
    return snapshots;
  }

  get size(): number {
    return this.sizes.size;
  }

  has(brief: JobBrief, unit: number): boolean {
    return this.sizes.has(this.nameOf(brief, unit));
  }

  /**
   * Takes the place of the unit's last one, if `isWanted` still says so when its turn comes. False
   * when it is not kept: not wanted, or too many bytes. Rejects when the disk does not take it.
   */
  keep(brief: JobBrief, unit: number, saved: SavedRun, isWanted: () => boolean): Promise<boolean> {
    const name = this.nameOf(brief, unit);
    const file = encode(saved);
    return this.inTurn(async () => {
      const sum = [...this.sizes.values()].reduce((a, b) => a + b, 0);
      const others = sum - (this.sizes.get(name) ?? 0);
      if (!isWanted() || others + file.length > bytesMax) return false;
      await this.storage.write(name, file);
      this.sizes.set(name, file.length);
      return true;
    });
  }

  /** Null when there is none, or not a whole one. */
  async read(brief: JobBrief, unit: number): Promise<SavedRun | null> {
    const name = this.nameOf(brief, unit);
    if (!this.sizes.has(name)) return null;
    // A file that cannot be read is as good as none.
    const file = await this.storage.read(name).catch(() => null);
    return file === null ? null : decode(file);
  }

  async remove(brief: JobBrief, unit: number): Promise<void> {
    await this.removeFile(this.nameOf(brief, unit));
  }

  /** Removes all others: what was left behind when a worker was killed, and files of no meaning. */
  async keepOnly(units: { brief: JobBrief; unit: number }[]): Promise<void> {
    const kept = new Set(units.map(({ brief, unit }) => this.nameOf(brief, unit)));
    for (const name of this.sizes.keys()) if (!kept.has(name)) await this.removeFile(name);
  }

  async close(): Promise<void> {
    await this.last;
  }

  private async removeFile(name: string): Promise<void> {
    await this.inTurn(async () => {
      if (!this.sizes.has(name)) return;
      await this.storage.remove(name);
      this.sizes.delete(name);
    });
  }

  private inTurn<Result>(step: () => Promise<Result>): Promise<Result> {
    const result = this.last.then(step);
    // Who asked for it is told; the next one goes on.
    this.last = result.catch(() => undefined);
    return result;
  }

  private nameOf({ kernel, jobId }: JobBrief, unit: number): string {
    return `${this.folder}/${hexOfDigest(kernel)}-${jobId}-${unit}`;
  }
}

function encode({ digest, fuel, bytes }: SavedRun): Uint8Array {
  const file = new Uint8Array(headerBytes + bytes.length);
  file.set(digest);
  new DataView(file.buffer).setBigUint64(digestBytes, BigInt(fuel));
  file.set(bytes, headerBytes);
  return file;
}

function decode(file: Uint8Array): SavedRun | null {
  if (file.length < headerBytes) return null;
  const fuel = new DataView(file.buffer, file.byteOffset).getBigUint64(digestBytes);
  if (fuel > BigInt(Number.MAX_SAFE_INTEGER)) return null;
  // Copies of plain bytes, as a sandbox takes them: a storage may have views of something larger.
  const part = (from: number, to?: number) => new Uint8Array(file.subarray(from, to));
  return { digest: part(0, digestBytes), fuel: Number(fuel), bytes: part(headerBytes) };
}

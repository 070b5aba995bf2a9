/**
 * The history of the ledger on disk: every entry, and every account's receipts, appended to files that
 * are never changed. Redis keeps what happened lately, and a mark that says how far the files go; an
 * entry leaves Redis when it is on the platter.
 *
 *   entries/00000001.jsonl      one entry a line, as it was hashed
 *   receipts/00000001.jsonl     one receipt a line, before it the address of the account's one before
 *
 * Each run that writes begins a term first, and begins files of its own: so whoever was stalled over a write,
 * and wakes when another coordinator has taken over, writes into a file that has ended. Where it ended is in Redis.
 *
 * A crash leaves bytes behind the mark, which nobody was told of: nobody reads them, and the next append of the same
 * run cuts them off. What is before the mark is never written again; when it is missing, that is damage.
 */
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { syncFolder } from './sync-folder.ts';

/** How far a kind of file goes. */
export type Place = { segment: number; bytes: number };
/** Where a line is. */
export type Address = { segment: number; offset: number; bytes: number };
export type HistoryFile = 'entries' | 'receipts';

/** Where the files end that were left by a term, and not because they were full. */
export type SegmentEnds = ReadonlyMap<string, number>;
export const segmentName = (file: HistoryFile, segment: number): string => `${file} ${segment}`;

/** 64 MiB: some hundred thousand entries; a backup copies only segments that it has not got. */
const segmentBytesMax = 64 * 1024 * 1024;

export const startOfHistory: Place = { segment: 1, bytes: 0 };

/** The files end before the mark: another folder than the one that was written, or a broken disk. */
export class HistoryDamaged extends Error {}

export class History {
  /** Under which it writes; null when it is to begin one. */
  term: number | null = null;
  private readonly folder: string;
  private last: Promise<unknown> = Promise.resolve();

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Runs one at a time: two appends upon one mark would write over each other. */
  alone<T>(run: () => Promise<T>): Promise<T> {
    const done = this.last.then(run);
    this.last = done.catch(() => {
      // Whoever asked for it is told; the next one starts anew.
    });
    return done;
  }

  /** Where the next line goes: a segment that is full is left as it is. */
  next(place: Place): Place {
    return place.bytes < segmentBytesMax ? place : { segment: place.segment + 1, bytes: 0 };
  }

  /** Appends at a place that `next` gave, durably. Returns how far the files go then. */
  async append(file: HistoryFile, at: Place, text: string): Promise<Place> {
    const path = this.path(file, at.segment);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const handle = await open(path, at.bytes === 0 ? 'w' : 'r+', 0o600).catch((cause) => {
      throw new HistoryDamaged(`${path} is missing`, { cause });
    });
    try {
      const { size } = await handle.stat();
      if (size < at.bytes) throw new HistoryDamaged(`${path} ends at ${size} of ${at.bytes} bytes`);
      await handle.truncate(at.bytes);
      const bytes = Buffer.from(text);
      await writeAll(handle, bytes, at.bytes);
      await handle.sync();
      if (at.bytes === 0) await syncFolder(dirname(path));
      return { segment: at.segment, bytes: at.bytes + bytes.length };
    } finally {
      await handle.close();
    }
  }

  /** Every line up to a place, in order. Throws HistoryDamaged when one is missing. */
  async *lines(file: HistoryFile, until: Place, ends: SegmentEnds): AsyncGenerator<string> {
    for (let segment = 1; segment <= until.segment; segment++) {
      const path = this.path(file, segment);
      const left = ends.get(segmentName(file, segment)) ?? Number.POSITIVE_INFINITY;
      const end = segment === until.segment ? until.bytes : left;
      if (end === 0) continue;
      const input = createReadStream(path, { end: end - 1 });
      try {
        yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
      } catch (cause) {
        throw new HistoryDamaged(`${path} cannot be read`, { cause });
      }
    }
  }

  async read(file: HistoryFile, { segment, offset, bytes }: Address): Promise<string> {
    const path = this.path(file, segment);
    const handle = await open(path, 'r').catch((cause) => {
      throw new HistoryDamaged(`${path} is missing`, { cause });
    });
    try {
      const buffer = Buffer.alloc(bytes);
      const { bytesRead } = await handle.read(buffer, 0, bytes, offset);
      if (bytesRead < bytes) throw new HistoryDamaged(`${path} ends before ${offset + bytes}`);
      return buffer.toString('utf8');
    } finally {
      await handle.close();
    }
  }

  private path(file: HistoryFile, segment: number): string {
    return join(this.folder, file, `${String(segment).padStart(8, '0')}.jsonl`);
  }
}

/** A line of the receipts: where the account's one before is, and the receipt as it is hashed. */
export const receiptLine = (json: string, before: Address | null): string =>
  before === null ? `- ${json}` : `${before.segment},${before.offset},${before.bytes} ${json}`;

export function readReceiptLine(line: string): { json: string; before: Address | null } {
  const at = line.indexOf(' ');
  const json = line.slice(at + 1);
  if (line.startsWith('-')) return { json, before: null };
  const [segment = 0, offset = 0, bytes = 0] = line.slice(0, at).split(',').map(Number);
  return { json, before: { segment, offset, bytes } };
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const { bytesWritten } = await handle.write(
      bytes,
      written,
      bytes.length - written,
      at + written,
    );
    written += bytesWritten;
  }
}

/**
 * The worker's memory across a crash: one file per grid to which everything that must survive is
 * appended, and which is read once, at the start.
 *
 *   entry    length (4 bytes, big endian) · first 4 bytes of the SHA-256 of the payload · payload
 *   payload  a MessagePack map with a `type`
 *
 * Many units may end within one fsync of a slow disk, so appends gather while one is under way and
 * share the next (group commit). A torn last entry is what a power cut leaves: it is dropped, and
 * nobody had been told that it was safe. When the file has grown well beyond what is still alive,
 * it is written anew from `snapshot` and renamed into place.
 */
import { Packr, Unpackr } from 'msgpackr';
import { concatBytes } from '../protocol/bytes.ts';
import type { HostResult, JobBrief, Lease } from '../protocol/messages.ts';
import type { AppendFile, Platform, Storage } from './platform/platform.ts';

/** A result as it will be reported, byte for byte, however often. */
export interface StoredResult {
  leaseId: string;
  result: HostResult;
  /** Of an output that is a file of its own, to be uploaded before the report; else 0. */
  uploadBytes: number;
}

export type JournalEntry =
  | { type: 'job'; brief: JobBrief }
  | { type: 'lease'; lease: Lease }
  | { type: 'result'; result: StoredResult }
  /** These units of the lease are settled: recorded, released or cancelled. */
  | { type: 'settled'; leaseId: string; units: number[] };

export interface Journal {
  /**
   * Resolves when the entry is on the disk; rejects when the disk would not take it. The next
   * append then begins with a rewrite, so what `snapshot` knows of is not lost for good.
   */
  append(entry: JournalEntry): Promise<void>;
  close(): Promise<void>;
}

/** Below this a rewrite saves nothing; above, it is worth one when most of the file is history. */
const rewriteBytesMin = 1024 * 1024;
const headerBytes = 8;
const options = { useRecords: false, mapsAsObjects: true, int64AsType: 'number' } as const;
const packr = new Packr(options);
const unpackr = new Unpackr({ ...options, copyBuffers: true });

/** `snapshot` gives the entries that a fresh journal would need to tell today's state. */
export async function openJournal(
  storage: Storage,
  sha256: Platform['sha256'],
  name: string,
  snapshot: () => JournalEntry[],
): Promise<{ entries: JournalEntry[]; journal: Journal }> {
  const stored = (await storage.read(name)) ?? new Uint8Array();
  const { entries, goodBytes } = await decode(stored, sha256);
  // Cut the torn end off, or what is appended after it would never be read.
  if (goodBytes < stored.length) await storage.write(name, stored.subarray(0, goodBytes));

  let file: AppendFile = await storage.openAppend(name);
  let bytes = goodBytes;
  // A write that failed may have left half an entry, behind which nothing would ever be read.
  let isDamaged = false;
  let rewriteAt = Math.max(rewriteBytesMin, bytes * 2);
  let waiting: Waiting[] = [];
  let writing: Promise<void> = Promise.resolve();
  let isWriting = false;

  const writeAll = async () => {
    while (waiting.length > 0) {
      const group = waiting;
      waiting = [];
      try {
        const frames = await Promise.all(group.map(({ entry }) => encode(entry, sha256)));
        if (isDamaged || bytes > rewriteAt) await rewrite();
        const frame = concatBytes(frames);
        await file.append(frame);
        await file.sync();
        bytes += frame.length;
        for (const { resolve } of group) resolve();
      } catch (error) {
        isDamaged = true;
        for (const { reject } of group) reject(error);
      }
    }
    isWriting = false;
  };
  const rewrite = async () => {
    const frame = concatBytes(await Promise.all(snapshot().map((entry) => encode(entry, sha256))));
    await file.close();
    try {
      await storage.write(name, frame);
      isDamaged = false;
      bytes = frame.length;
      rewriteAt = Math.max(rewriteBytesMin, bytes * 2);
    } finally {
      file = await storage.openAppend(name);
    }
  };
  return {
    entries,
    journal: {
      append: (entry) =>
        new Promise((resolve, reject) => {
          waiting.push({ entry, resolve, reject });
          if (isWriting) return;
          isWriting = true;
          writing = writeAll();
        }),
      close: async () => {
        await writing;
        await file.close();
      },
    },
  };
}

type Waiting = { entry: JournalEntry; resolve: () => void; reject: (error: unknown) => void };

async function encode(entry: JournalEntry, sha256: Platform['sha256']): Promise<Uint8Array> {
  const payload = packr.pack(entry);
  const frame = new Uint8Array(headerBytes + payload.length);
  new DataView(frame.buffer).setUint32(0, payload.length);
  frame.set((await sha256(payload)).subarray(0, 4), 4);
  frame.set(payload, headerBytes);
  return frame;
}

async function decode(
  bytes: Uint8Array,
  sha256: Platform['sha256'],
): Promise<{ entries: JournalEntry[]; goodBytes: number }> {
  const entries: JournalEntry[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  while (at + headerBytes <= bytes.length) {
    const end = at + headerBytes + view.getUint32(at);
    if (end > bytes.length) break;
    const payload = bytes.subarray(at + headerBytes, end);
    const sum = (await sha256(payload)).subarray(0, 4);
    if (!sum.every((byte, i) => byte === bytes[at + 4 + i])) break;
    entries.push(unpackr.unpack(payload));
    at = end;
  }
  return { entries, goodBytes: at };
}

/**
 * A file of journals: those of up to 64 shards, each for itself, so that one is read without the others.
 *
 *   manyhands journals 1\n        what this is, and how it is laid out
 *   …                             each journal, deflated
 *   {"jobId", "shards": […]}      for each: its number, where it begins, its length here, its length, SHA-256
 *   <64 hex digits> <16 digits>\n the SHA-256 of the line before, and where that begins
 *
 * Every byte that is used was compared with a digest before. Deflate at level 1: half of the bytes, for a
 * tenth of a microsecond a unit; level 6 takes four times as long for 3 % less.
 */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { deflateRaw, inflateRaw } from 'node:zlib';
import type { JobId } from '../../protocol/ids.ts';
import { ArchiveDamaged } from './archive-damaged.ts';
import type { Journal } from './archive-files.ts';

const head = 'manyhands journals 1\n';
const tailPattern = /^([0-9a-f]{64}) (\d{16})\n$/;
const tailBytes = 64 + 1 + 16 + 1;
/** 64 shards take 8 KiB: more than this is no index of ours. */
const indexBytesMax = 1024 * 1024;
const level = 1;

const deflate = promisify<Uint8Array, { level: number }, Buffer>(deflateRaw);
const inflate = promisify<Uint8Array, { maxOutputLength: number }, Buffer>(inflateRaw);

type Entry = { number: number; offset: number; stored: number; bytes: number; sha256: string };
export type JournalIndex = { jobId: JobId; shards: Entry[] };

/** Writes all of it to an empty file; that it is on disk is for the caller to see to. */
export async function writeJournals(
  file: FileHandle,
  jobId: JobId,
  journals: AsyncIterable<Journal>,
): Promise<JournalIndex> {
  const shards: Entry[] = [];
  await file.writeFile(head);
  let offset = head.length;
  for await (const { number, bytes } of journals) {
    if (bytes.length === 0) continue;
    const deflated = await deflate(bytes, { level });
    // Not write(): on a disk that is nearly full it takes a part, and calls that a success.
    await file.writeFile(deflated);
    const stored = deflated.length;
    shards.push({ number, offset, stored, bytes: bytes.length, sha256: sha256(deflated) });
    offset += stored;
  }
  const index = { jobId, shards };
  const line = Buffer.from(`${JSON.stringify(index)}\n`);
  await file.writeFile(line);
  await file.writeFile(`${sha256(line)} ${String(offset).padStart(16, '0')}\n`);
  return index;
}

/** Throws ArchiveDamaged when this is no such file, or not the whole of one. */
export async function readIndex(file: FileHandle, path: string): Promise<JournalIndex> {
  const { size } = await file.stat();
  const tail = size < tailBytes ? '' : (await read(file, size - tailBytes, tailBytes)).toString();
  const [, digest = '', at = ''] = tailPattern.exec(tail) ?? [];
  const offset = Number(at);
  const length = size - tailBytes - offset;
  if (digest === '' || length < 0 || length > indexBytesMax)
    throw new ArchiveDamaged(`${path} is cut off, or no file of journals`);
  const line = await read(file, offset, length);
  if (sha256(line) !== digest) throw new ArchiveDamaged(`the index of ${path} has other bytes`);
  return JSON.parse(line.toString()) as JournalIndex;
}

/** Empty when the file has none of that number. Throws ArchiveDamaged when its bytes are others. */
export async function readEntry(
  file: FileHandle,
  path: string,
  index: JournalIndex,
  number: number,
): Promise<Uint8Array> {
  const entry = index.shards.find((one) => one.number === number);
  if (entry === undefined) return new Uint8Array(0);
  const deflated = await read(file, entry.offset, entry.stored);
  if (sha256(deflated) !== entry.sha256)
    throw new ArchiveDamaged(`shard ${number} in ${path} has other bytes than were written`);
  return await inflate(deflated, { maxOutputLength: entry.bytes });
}

async function read(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, at);
  return buffer.subarray(0, bytesRead);
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

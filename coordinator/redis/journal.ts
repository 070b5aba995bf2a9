// Ends the journal where its last whole step ends, before Redis reads it. A crash may cut off its last bytes; what was
// being written then was never acknowledged, and Redis (aof-load-truncated) drops the command that is not whole. But where
// that command is one of a transaction, which is what a script's writes are, Redis 7.0 drops that command alone and keeps
// the ones before it, with a MULTI that no EXEC ends:
//
//     … SET a 1 │ MULTI │ APPEND j … │ HSET o …          cut off inside of HSET
//     … SET a 1 │ MULTI │ APPEND j … │ SET b 2 │ SET c 3      what is written after the next start
//
// At the start after that, b and c are part of the transaction: lost, when the journal ends before an EXEC; else written,
// and with them the half of a script that nobody was told of. To rewrite the journal at once would leave a moment in which
// a crash keeps Redis from starting at all: of two files, only the last may be cut off. So what is not whole goes first.

import { type FileHandle, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Does nothing where there is no journal of Redis 7 or newer, or one that only a person can mend. */
export async function mendJournal(folder: string, log: (line: string) => void): Promise<void> {
  const journal = join(folder, 'appendonlydir');
  const manifest = await readFile(join(journal, 'appendonly.aof.manifest'), 'utf8').catch(() => '');
  // The file that is written to is the last of those with commands.
  const name = [...manifest.matchAll(/^file (\S+) seq \d+ type i$/gm)].at(-1)?.[1];
  if (name === undefined) return;
  const file = await open(join(journal, name), 'r+').catch(() => null);
  if (file === null) return;
  try {
    const { size } = await file.stat();
    const end = await wholeUntil(file, size);
    if (end === null || end === size) return;
    await file.truncate(end);
    await file.sync();
    log(
      `The journal of Redis was cut off by a crash: its last ${size - end} bytes, which nobody was told of, are dropped`,
    );
  } finally {
    await file.close();
  }
}

/** A disk gives as much in a millisecond; a command that is longer is read with twice as much, and so on. */
const readBytes = 1024 * 1024;

/** Where the last step ends that is whole; null when what is there are no commands. */
async function wholeUntil(file: FileHandle, size: number): Promise<number | null> {
  let [whole, inTransaction] = [0, false];
  let bytes: Buffer = Buffer.alloc(0);
  // Where the bytes begin in the file, and how far into them commands were read.
  let [from, at, wanted] = [0, 0, readBytes];
  while (from + at < size) {
    const command = readCommand(bytes, at);
    if (command === 'unknown') return null;
    if (command === 'cut') {
      if (from + bytes.length >= size) break;
      wanted = at === 0 && bytes.length > 0 ? 2 * wanted : readBytes;
      from += at;
      at = 0;
      bytes = await readAt(file, from, Math.min(wanted, size - from));
      continue;
    }
    at = command.end;
    if (command.name === 'multi') inTransaction = true;
    else if (command.name === 'exec') inTransaction = false;
    if (!inTransaction) whole = from + at;
  }
  return whole;
}

async function readAt(file: FileHandle, from: number, count: number): Promise<Buffer> {
  const bytes = Buffer.alloc(count);
  let read = 0;
  while (read < count) {
    const { bytesRead } = await file.read(bytes, read, count - read, from + read);
    if (bytesRead === 0) throw new Error('the journal became shorter while it was read');
    read += bytesRead;
  }
  return bytes;
}

type Command = { name: string; end: number };

/** `*2\r\n$3\r\nGET\r\n$1\r\na\r\n`, or a line of comment. */
function readCommand(bytes: Buffer, at: number): Command | 'cut' | 'unknown' {
  if (at >= bytes.length) return 'cut';
  if (bytes[at] === hash) {
    const end = bytes.indexOf('\r\n', at);
    return end === -1 ? 'cut' : { name: '', end: end + 2 };
  }
  const count = readLength(bytes, at, star);
  if (typeof count === 'string') return count;
  let [name, end] = ['', count.end];
  for (let i = 0; i < count.value; i++) {
    const length = readLength(bytes, end, dollar);
    if (typeof length === 'string') return length;
    end = length.end + length.value + 2;
    if (end > bytes.length) return 'cut';
    if (i === 0) name = bytes.toString('latin1', length.end, end - 2).toLowerCase();
  }
  return { name, end };
}

const [hash, star, dollar] = [0x23, 0x2a, 0x24];
/** `*` or `$` and a number below 2³¹. */
const lengthCharsMax = 11;

function readLength(
  bytes: Buffer,
  at: number,
  sign: number,
): { value: number; end: number } | 'cut' | 'unknown' {
  if (at >= bytes.length) return 'cut';
  if (bytes[at] !== sign) return 'unknown';
  const end = bytes.indexOf('\r\n', at);
  if (end === -1) return bytes.length - at > lengthCharsMax + 2 ? 'unknown' : 'cut';
  const digits = bytes.toString('latin1', at + 1, end);
  return /^\d{1,10}$/.test(digits) ? { value: Number(digits), end: end + 2 } : 'unknown';
}

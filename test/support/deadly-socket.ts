/**
 * A socket between a process and its Redis that knows what is asked, command by command, and ends the process at
 * the one it was told of: before the command reaches Redis, or after Redis has carried it out and nobody has
 * heard of it. Those two are all the moments between two steps that a crash can make a difference at.
 */
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSocketBeforeRedis } from './socket-before-redis.ts';

export type Moment = 'before' | 'after';

export type DeadlySocket = {
  /** For `--redis`. */
  url: string;
  close(): Promise<void>;
};

/** `isFatal` sees the words of every command; where it says so, `kill` is called at the moment, at once. */
export async function openDeadlySocket(
  redisPath: string,
  moment: Moment,
  isFatal: (words: readonly string[]) => boolean,
  kill: () => void,
): Promise<DeadlySocket> {
  const path = join(tmpdir(), `mh-deadly-${process.pid}-${randomBytes(4).toString('hex')}.sock`);
  const close = await openSocketBeforeRedis(path, redisPath, (inner, outer) => {
    let unread = Buffer.alloc(0);
    /** What Redis answers when it has done all that was asked before. Set when nothing more is passed on. */
    let done: Buffer | null = null;
    inner.on('data', (bytes: Buffer) => {
      if (done !== null) return;
      unread = Buffer.concat([unread, bytes]);
      for (let command = firstCommand(unread); command !== null; command = firstCommand(unread)) {
        const raw = unread.subarray(0, command.bytes);
        unread = unread.subarray(command.bytes);
        if (!isFatal(command.words)) {
          outer.write(raw);
          continue;
        }
        done = randomBytes(16);
        if (moment === 'before') kill();
        else outer.write(Buffer.concat([raw, ping(done)]));
        return;
      }
    });
    let tail = Buffer.alloc(0);
    outer.on('data', (bytes: Buffer) => {
      if (done === null) return void inner.write(bytes);
      tail = Buffer.concat([tail, bytes]);
      if (moment === 'after' && tail.includes(done.toString('hex'))) kill();
    });
  });
  return { url: `unix://${path}`, close };
}

/** A command is an array of strings, each behind its length: `*2\r\n$3\r\nGET\r\n$1\r\nk\r\n`. */
function firstCommand(bytes: Buffer): { words: string[]; bytes: number } | null {
  let at = 0;
  const number = (): number | null => {
    const end = bytes.indexOf('\r\n', at);
    if (end === -1) return null;
    const value = Number(bytes.toString('latin1', at + 1, end));
    at = end + 2;
    return value;
  };
  const count = number();
  if (count === null) return null;
  const words: string[] = [];
  for (let i = 0; i < count; i++) {
    const length = number();
    if (length === null || bytes.length < at + length + 2) return null;
    words.push(bytes.toString('latin1', at, at + length));
    at += length + 2;
  }
  return { words, bytes: at };
}

const ping = (nonce: Buffer): Buffer =>
  Buffer.from(`*2\r\n$4\r\nPING\r\n$${2 * nonce.length}\r\n${nonce.toString('hex')}\r\n`);

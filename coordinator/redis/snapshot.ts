// A copy of everything in a Redis at one moment, while it goes on: asks for it as a replica does (SYNC),
// writes what comes to a file, and hangs up. So it works on any Redis we can reach, ours or the operator's,
// on this machine or another, and needs no access to its files. The server forks for it: the copy is of the
// moment between two commands, so it never has half a script.
//
//     AUTH …  →  +OK
//     SYNC    →  \n \n …  (alive, still saving)   →  $<length>\r\n  →  that many bytes, an RDB file
//
// Dropped: BGSAVE (its file is where only Redis's account may read), SCAN and DUMP (not one moment).

import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { RedisConnection } from './connection.ts';
import { RedisError, reasonOf } from './error.ts';

/** While it saves, a server says every ten seconds that it is there. */
const SILENCE_MS_MAX = 60_000;
/** A header is a number of a few digits, or an error of a line. */
const HEADER_BYTES_MAX = 4096;

/**
 * Writes an RDB file to `path`, durably; `fits` may refuse, by throwing, once its size is known. Throws
 * `redis_snapshot_failed`.
 */
export async function writeSnapshot(
  connection: RedisConnection,
  path: string,
  fits: (bytes: number) => Promise<void>,
): Promise<{ bytes: number; sha256: string }> {
  const socket = openSocket(connection);
  try {
    const stream = piecesOf(socket);
    for (const command of commands(connection)) socket.write(command);
    const { bytes, rest } = await readHeader(stream);
    await fits(bytes);
    return await writeBody(path, bytes, rest, stream);
  } catch (cause) {
    if (!(cause instanceof SnapshotFailed)) throw cause;
    throw new RedisError(
      'redis_snapshot_failed',
      {
        what: 'Redis gives no snapshot',
        why: reasonOf(cause),
        doThis: 'Look whether it runs, has room on its disk, and allows SYNC to this account',
      },
      { cause },
    );
  } finally {
    socket.destroy();
  }
}

/** What the server or the connection did; all else is the caller's, or the disk's. */
class SnapshotFailed extends Error {}

function openSocket(connection: RedisConnection): Socket {
  const socket = 'path' in connection ? connect(connection.path) : openNetwork(connection);
  socket.setTimeout(SILENCE_MS_MAX, () =>
    socket.destroy(new SnapshotFailed(`it was silent for ${SILENCE_MS_MAX / 1000} s`)),
  );
  return socket;
}

/** What comes; a connection that fails is the server's doing. */
async function* piecesOf(socket: Socket): AsyncGenerator<Buffer, undefined> {
  try {
    for await (const piece of socket) yield piece as Buffer;
  } catch (cause) {
    if (cause instanceof SnapshotFailed) throw cause;
    throw new SnapshotFailed(reasonOf(cause), { cause });
  }
}

function openNetwork({ host, port, tls }: Exclude<RedisConnection, { path: string }>): Socket {
  return tls === true ? connectTls({ host, port, servername: host }) : connect(port, host);
}

function commands(connection: RedisConnection): string[] {
  const words: string[][] = [];
  if ('host' in connection && connection.password !== undefined) {
    const { username, password } = connection;
    words.push(username === undefined ? ['AUTH', password] : ['AUTH', username, password]);
  }
  words.push(['SYNC']);
  return words.map((parts) =>
    [
      `*${parts.length}`,
      ...parts.flatMap((part) => [`$${Buffer.byteLength(part)}`, part]),
      '',
    ].join('\r\n'),
  );
}

async function readHeader(
  stream: AsyncIterator<Buffer, undefined>,
): Promise<{ bytes: number; rest: Buffer }> {
  let seen = Buffer.alloc(0);
  for (;;) {
    const next = await stream.next();
    if (next.done === true) throw new SnapshotFailed('it closed the connection');
    seen = Buffer.concat([seen, next.value]);
    // Newlines before the header say that it is still saving.
    const text = seen
      .subarray(0, HEADER_BYTES_MAX)
      .toString('latin1')
      .replace(/^(?:\n|\+OK\r\n)+/, '');
    const line = /^(.*?)\r\n/.exec(text)?.[1];
    if (line === undefined) {
      if (text.length >= HEADER_BYTES_MAX) throw new SnapshotFailed('it says something else');
      continue;
    }
    if (line.startsWith('-')) throw new SnapshotFailed(line.slice(1));
    const [, bytes] = /^\$(\d{1,15})$/.exec(line) ?? [];
    if (bytes === undefined) throw new SnapshotFailed(`it says ${line.slice(0, 40)}`);
    const start = seen.indexOf(`$${bytes}\r\n`) + bytes.length + 3;
    return { bytes: Number(bytes), rest: seen.subarray(start) };
  }
}

async function writeBody(
  path: string,
  bytes: number,
  first: Buffer,
  stream: AsyncIterator<Buffer, undefined>,
): Promise<{ bytes: number; sha256: string }> {
  const file = await open(path, 'wx', 0o600);
  const hash = createHash('sha256');
  let left = bytes;
  try {
    for (let part = first; ; ) {
      // What follows the file are commands for a replica.
      const piece = part.subarray(0, left);
      left -= piece.length;
      hash.update(piece);
      await file.writeFile(piece);
      if (left === 0) break;
      const next = await stream.next();
      if (next.done === true) throw new SnapshotFailed(`it ended ${left} bytes early`);
      part = next.value;
    }
    await file.sync();
    return { bytes, sha256: hash.digest('hex') };
  } finally {
    await file.close();
  }
}

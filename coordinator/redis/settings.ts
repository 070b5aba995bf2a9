// The folder of an embedded Redis and the settings it runs with. The settings file is ours alone: it is
// written anew at every start, readable by its owner only (it may hold a password), and a running Redis
// that names this very file is ours.

import { randomBytes } from 'node:crypto';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';

/** Where an embedded Redis listens: never on a network that others reach. */
export type EmbeddedConnection =
  | { path: string }
  | { host: '127.0.0.1'; port: number; password: string };

export function settingsFileIn(folder: string): string {
  return join(folder, 'redis.conf');
}

export function logFileIn(folder: string): string {
  return join(folder, 'redis.log');
}

/** sockaddr_un holds 104 bytes on macOS and 108 on Linux, the end mark included. */
const SOCKET_PATH_BYTES_MAX = 100;

/** A socket in the folder; where its path would be too long, a free loopback port with a password,
 * because any account of the machine can connect to a port. */
export async function chooseConnection(folder: string): Promise<EmbeddedConnection> {
  const path = join(folder, 'redis.sock');
  if (Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX) return { path };
  const password = randomBytes(32).toString('base64url');
  return { host: '127.0.0.1', port: await freePort(), password };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

export async function writeSettings(folder: string, connection: EmbeddedConnection): Promise<void> {
  const file = settingsFileIn(folder);
  await writeFile(file, settings(folder, connection), { mode: 0o600 });
  await chmod(file, 0o600); // the mode above counts for new files only
}

export function settings(folder: string, connection: EmbeddedConnection): string {
  const listen =
    'path' in connection
      ? ['port 0', `unixsocket ${quoted(connection.path)}`, 'unixsocketperm 700']
      : ['bind 127.0.0.1', `port ${connection.port}`, `requirepass ${quoted(connection.password)}`];
  return [
    '# Written by Manyhands at every start; changes are lost.',
    `${LISTENS}${JSON.stringify(connection)}`,
    ...listen,
    `dir ${quoted(folder)}`,
    `logfile ${quoted(logFileIn(folder))}`,
    'daemonize no',
    // Shown by ps, for people and for orphan.ts where there is no /proc.
    'proc-title-template "{title} {config-file}"',
    // What we acknowledge must survive kill -9: with everysec, 3 of 16 kills under disk load lost
    // acknowledged writes, with always none. The group commit pays for the fsync.
    'appendonly yes',
    'appendfsync always',
    'no-appendfsync-on-rewrite no',
    // A record cut off by a crash was never acknowledged: drop it and start. (journal.ts has dropped it before.)
    'aof-load-truncated yes',
    // The journal is the copy on disk; snapshots beside it would only cost memory and time.
    'save ""',
    // Work must never vanish to make room: a full Redis refuses writes, and we say so.
    'maxmemory-policy noeviction',
    '',
  ].join('\n');
}

/** Quoted as Redis reads it, for folders with spaces and worse. */
function quoted(text: string): string {
  const escaped = text
    .replace(/["\\]/g, '\\$&')
    .replace(/[\n\r\t]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return `"${escaped}"`;
}

/** The connection as a comment, so that the next coordinator need not parse Redis's own syntax. */
const LISTENS = '# listens: ';

/** Where the Redis that was last started in this folder listens, if one ever was. */
export async function lastConnection(folder: string): Promise<EmbeddedConnection | undefined> {
  const text = await readFile(settingsFileIn(folder), 'utf8').catch(() => ''); // never started here
  const line = text.split('\n').find((line) => line.startsWith(LISTENS));
  if (line === undefined) return undefined;
  try {
    return JSON.parse(line.slice(LISTENS.length));
  } catch {
    return undefined; // cut off by a full disk: that start failed, nothing listens
  }
}

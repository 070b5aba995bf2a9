// Finds a Redis server program on this machine: first on PATH (what the operator installed is what
// the operator wants), then in our cache folder, where `provide.ts` unpacks one. A program only counts
// when it ran and told its version, so a half-removed package or a library that an upgrade of the
// system took away is the same as no Redis at all.

import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import envPaths from 'env-paths';
import { RedisError } from './error.ts';
import { isNewEnough, parseServerVersion, tooOld } from './version.ts';

/** A server that runs here. `libraryPath` is set for an unpacked one, whose libraries lie beside it. */
export type RedisServer = { program: string; version: string; libraryPath?: string };

const PROGRAMS = ['redis-server', 'valkey-server'] as const;

/** `--version` answers in milliseconds; 5 s is a machine in deep swap, more is a hanging program. */
const VERSION_WAIT_MS_MAX = 5_000;

/**
 * The server to use. Throws `redis_missing` when there is none and `redis_too_old` when all there is
 * cannot be used.
 */
export async function findRedisServer(): Promise<RedisServer> {
  let old: RedisServer | undefined;
  for (const candidate of [...onPath(), ...(await unpackedIn(unpackedRedisFolder()))]) {
    const version = await versionOf(candidate);
    if (version === undefined) continue;
    const server = { ...candidate, version };
    if (isNewEnough(version)) return server;
    old ??= server;
  }
  if (old !== undefined) throw tooOld(old.program, old.version, INSTALL_A_REDIS);
  throw new RedisError('redis_missing', {
    what: 'No Redis server on this machine',
    why: `neither ${PROGRAMS.join(' nor ')} is on PATH, and none was unpacked for Manyhands`,
    doThis: INSTALL_A_REDIS,
  });
}

export const INSTALL_A_REDIS =
  'Install Redis 6.2 or newer (or Valkey) so that redis-server is on PATH, or name a running one with --redis redis://HOST:PORT';

/** Where what we unpack lives: replaceable at any time, so the cache folder and not the data folder. */
export function unpackedRedisFolder(): string {
  const { MANYHANDS_CACHE_DIR } = process.env;
  const cache = MANYHANDS_CACHE_DIR || envPaths('manyhands', { suffix: '' }).cache;
  // One folder per processor type: a home folder may be shared by machines of both.
  return join(cache, `redis-${process.arch}`);
}

/** The server in a folder that packages were unpacked into, if one runs there. */
export async function serverUnpackedIn(folder: string): Promise<RedisServer | undefined> {
  for (const candidate of await unpackedIn(folder)) {
    const version = await versionOf(candidate);
    if (version !== undefined) return { ...candidate, version };
  }
  return undefined;
}

type Candidate = Omit<RedisServer, 'version'>;

function onPath(): Candidate[] {
  // Relative PATH entries are left out: a daemon must not depend on where it was started.
  const { PATH = '' } = process.env;
  const folders = PATH.split(delimiter).filter(isAbsolute);
  return PROGRAMS.flatMap((name) => folders.map((folder) => ({ program: join(folder, name) })));
}

async function unpackedIn(folder: string): Promise<Candidate[]> {
  const libraryPath = (await libraryFolders(folder)).join(delimiter);
  return PROGRAMS.map((name) => ({ program: join(folder, 'usr', 'bin', name), libraryPath }));
}

/** Debian keeps libraries in `usr/lib/<processor>-linux-gnu`. */
async function libraryFolders(folder: string): Promise<string[]> {
  const parent = join(folder, 'usr', 'lib');
  const names = await readdir(parent).catch(() => []); // nothing unpacked yet
  return names.filter((name) => name.includes('-linux-gnu')).map((name) => join(parent, name));
}

/** The environment a server needs to load its libraries, and nothing of ours: no tokens, no secrets. */
export function serverEnvironment(server: Candidate): NodeJS.ProcessEnv {
  const { PATH, HOME, LANG, TZ } = process.env;
  return {
    PATH,
    HOME,
    LANG,
    TZ,
    ...(server.libraryPath ? { LD_LIBRARY_PATH: server.libraryPath } : {}),
  };
}

async function versionOf(candidate: Candidate): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(candidate.program, ['--version'], {
      env: serverEnvironment(candidate),
      timeout: VERSION_WAIT_MS_MAX,
    });
    return parseServerVersion(stdout);
  } catch {
    return undefined; // absent, not executable, or its libraries are gone: the next candidate, please
  }
}

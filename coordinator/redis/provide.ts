// Gets a Redis server onto a machine that has none, without touching the system: the distribution's
// own packages are downloaded and unpacked into our cache folder, and nothing is installed, configured
// or started. So it needs no root, a second run finds it, and deleting the folder undoes it.
//
// Debian and Ubuntu: apt says which packages this machine lacks for redis-server, fetches them and
// `dpkg -x` unpacks them. When the package lists are missing or stale (a fresh container, a superseded
// version) we fetch lists of our own into the temporary folder: that too works without root, and the
// system's lists stay as they were.
// macOS: Homebrew, the usual way there, keeps everything in the person's own folder.
// Elsewhere: an error that says what to install.
//
// Dropped: compiling from source (minutes, and a compiler), npm packages that do so on install, and
// prebuilt binaries from strangers. The distribution's packages are signed, and apt checks them.

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { RedisError, reasonOf } from './error.ts';
import {
  findRedisServer,
  INSTALL_A_REDIS,
  type RedisServer,
  serverUnpackedIn,
  unpackedRedisFolder,
} from './find.ts';
import { isNewEnough, tooOld } from './version.ts';

/** A server program of this machine; fetched first when there is none (one log line tells). */
export async function provideRedis(log: (line: string) => void): Promise<RedisServer> {
  try {
    return await findRedisServer();
  } catch (error) {
    if (!(error instanceof RedisError)) throw error;
    if ((await runs('apt-get')) && (await runs('dpkg'))) return await unpackDebianPackages(log);
    if (process.platform === 'darwin' && (await runs('brew'))) return await installWithBrew(log);
    throw error; // it says what to install
  }
}

async function unpackDebianPackages(log: (line: string) => void): Promise<RedisServer> {
  log('Fetching a Redis server (unpacked into the cache folder, nothing is installed)');
  const target = unpackedRedisFolder();
  await mkdir(dirname(target), { recursive: true });
  // Beside the target, because a rename is atomic only within one file system.
  const work = await mkdtemp(join(dirname(target), `${basename(target)}.new-`));
  try {
    const unpacked = join(work, 'unpacked');
    await fetchInto(work, unpacked);
    const server = await serverUnpackedIn(unpacked);
    if (server === undefined) throw new Error('the unpacked server does not run here');
    if (!isNewEnough(server.version)) {
      throw tooOld('the one this distribution offers', server.version, INSTALL_A_REDIS);
    }
    await place(unpacked, target, work);
    return await findRedisServer();
  } catch (cause) {
    if (cause instanceof RedisError) throw cause;
    throw new RedisError(
      'redis_not_provided',
      {
        what: 'Redis could not be fetched',
        why: reasonOf(cause),
        doThis: INSTALL_A_REDIS,
      },
      { cause },
    );
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The machine's package lists first, because they cost nothing; fresh ones of our own if that fails. */
async function fetchInto(work: string, unpacked: string): Promise<void> {
  try {
    await downloadAndUnpack(work, unpacked, []);
  } catch {
    const ownLists = await freshPackageLists(work);
    await rm(unpacked, { recursive: true, force: true });
    await downloadAndUnpack(work, unpacked, ownLists);
  }
}

async function freshPackageLists(work: string): Promise<string[]> {
  const lists = join(work, 'lists');
  const cache = join(work, 'apt-cache');
  await mkdir(join(lists, 'partial'), { recursive: true });
  await mkdir(join(cache, 'archives', 'partial'), { recursive: true });
  const options = [
    ...['-o', `Dir::State::Lists=${lists}`, '-o', `Dir::Cache=${cache}`],
    // As root, apt would fetch as the user _apt, who may not write into our folder.
    ...['-o', 'APT::Sandbox::User='],
  ];
  await run('apt-get', [...options, '-o', 'Acquire::Languages=none', '-q', 'update']);
  return options;
}

async function downloadAndUnpack(work: string, unpacked: string, apt: string[]): Promise<void> {
  const downloads = await mkdtemp(join(work, 'packages-'));
  await run('apt-get', [...apt, '-q', 'download', ...(await missingPackages(apt))], downloads);
  await mkdir(unpacked, { recursive: true });
  for (const name of await readdir(downloads)) {
    await run('dpkg', ['-x', join(downloads, name), unpacked]);
  }
}

/** What an installation would add to this machine. The tools are always among it: on Debian the
 * server is a link to a program in the tools' package, and a link to nothing does not run. */
async function missingPackages(apt: string[]): Promise<string[]> {
  const plan = await run('apt-get', [
    ...apt,
    ...['--simulate', '--no-install-recommends', 'install', 'redis-server'],
  ]);
  // "Inst NAME (new version …)"; an upgrade reads "Inst NAME [old version] (…)" and is left alone.
  const added = [...plan.matchAll(/^Inst (\S+) \(/gm)].map((match) => match[1] ?? '');
  return [...new Set(['redis-server', 'redis-tools', ...added])];
}

/** Renaming onto a full folder fails, so of two terminals that get here at once one wins, and the other
 * takes what is there. Only a folder whose server no longer runs is moved out of the way. */
async function place(unpacked: string, target: string, work: string): Promise<void> {
  try {
    await rename(unpacked, target);
  } catch {
    const there = await serverUnpackedIn(target);
    if (there !== undefined && isNewEnough(there.version)) return;
    await rename(target, join(work, 'before'));
    await rename(unpacked, target);
  }
}

async function installWithBrew(log: (line: string) => void): Promise<RedisServer> {
  log('Installing Redis with Homebrew (brew install redis)');
  await run('brew', ['install', '--quiet', 'redis']);
  return await findRedisServer();
}

async function runs(program: string): Promise<boolean> {
  return await promisify(execFile)(program, ['--version']).then(
    () => true,
    () => false,
  );
}

/** A slow mirror gets ten minutes; a hanging one must not hang us for ever. */
const COMMAND_WAIT_MS_MAX = 10 * 60_000;

async function run(program: string, args: string[], cwd?: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(program, args, {
      ...(cwd === undefined ? {} : { cwd }),
      // Messages are parsed, so they come in one language; nothing may ask a question.
      env: { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
      timeout: COMMAND_WAIT_MS_MAX,
      maxBuffer: 16 * 1024 * 1024, // apt's plan for a full desktop stays below 1 MiB
    });
    return stdout;
  } catch (cause) {
    const lines = (cause as { stderr?: string }).stderr?.trim().split('\n') ?? [];
    const last = lines.findLast((line) => line.startsWith('E: ')) ?? lines.at(-1) ?? '';
    throw new Error(`${program} ${args.at(-1)}: ${last || reasonOf(cause)}`, { cause });
  }
}

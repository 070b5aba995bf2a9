// At most one coordinator owns a data folder. What tells that an owner lives must vanish with it, even
// on kill -9, and must not be fooled by a process id that was given to another program. So it is a
// listening socket in the folder: the kernel closes it when its process ends, however it ends, and
// whoever connects knows.
//
// Every candidate listens under a name of its own, which is never used again, and only then looks at
// the others:
//
//     listen on owner.<pid>.<random>.sock  →  look at every other owner.*.sock
//        refuses a connection: its process is dead, remove the file
//        accepts one:          alive; step back, and say who it is or try again
//     nobody else alive: the folder is ours
//
// Two can never both own it: of two candidates, one listened second, and it looked after that, so it
// saw the first. Two that start in the same instant may both step back; each waits a random moment and
// tries again. Because names are never reused, a dead socket can be removed without a race.
//
// It holds on one machine (containers that share the folder included), not across machines that share
// a network folder. Dropped: a file with a process id (ids are reused, and two that find it stale race
// for it), flock (not in Node), a socket in Linux's abstract namespace (one network namespace only).

import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rename, rm, symlink } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { RedisError, reasonOf } from './error.ts';

export type FolderOwnership = { release(): Promise<void> };

/**
 * Makes this process the owner of the folder until `release()` or its death. Throws
 * `data_folder_in_use`, naming the owner's process, or `data_folder_unusable` when the folder's file
 * system holds no sockets.
 */
export async function ownFolder(folder: string): Promise<FolderOwnership> {
  let rival: Rival | undefined;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const candidate = await standFor(folder);
    rival = await findRival(folder, candidate.name);
    if (rival === undefined) {
      candidate.state = 'owner';
      return { release: () => candidate.stepBack() };
    }
    await candidate.stepBack();
    if (rival.state === 'owner') break;
    await wait(Math.random() * STEP_BACK_MS_MAX);
  }
  throw new RedisError('data_folder_in_use', {
    what: `The data folder ${folder} is in use`,
    why: `it belongs to a running coordinator, process ${rival?.pid}`,
    doThis: 'Stop that one first, or choose another folder with --data',
  });
}

/** Two that collide part ways in one or two rounds; 50 is a crowd, and a crowd is refused. */
const ATTEMPTS_MAX = 50;
/** Much longer than a look around takes (about 1 ms), so that the next looks do not overlap. */
const STEP_BACK_MS_MAX = 50;

type State = 'candidate' | 'owner';
type Rival = { pid: string; state: State };
type Candidate = { name: string; state: State; stepBack(): Promise<void> };

const SOCKET_NAME = /^owner\.(\d+)\.[0-9a-f]+\.sock$/;

async function standFor(folder: string): Promise<Candidate> {
  const name = `owner.${process.pid}.${randomBytes(8).toString('hex')}.sock`;
  const path = join(folder, name);
  const server = createServer((socket) => {
    socket.on('error', () => undefined); // the asker left early: it knows enough
    socket.end(candidate.state);
  });
  const candidate: Candidate = {
    name,
    state: 'candidate',
    async stepBack() {
      await rm(path, { force: true });
      await new Promise((resolve) => server.close(resolve));
    },
  };
  try {
    await throughShortPath(folder, async (short) => {
      // The name appears complete: between bind and listen a socket refuses, and would look dead.
      await listen(server, join(short, `.${name}`));
      await rename(join(folder, `.${name}`), path);
    });
  } catch (cause) {
    server.close();
    throw new RedisError(
      'data_folder_unusable',
      {
        what: `The data folder ${folder} cannot be used`,
        why: reasonOf(cause),
        doThis: 'Choose a folder on a local disk that you may write to, with --data',
      },
      { cause },
    );
  }
  return candidate;
}

async function findRival(folder: string, ownName: string): Promise<Rival | undefined> {
  const names = await readdir(folder);
  return await throughShortPath(folder, async (short) => {
    for (const name of names) {
      const pid = SOCKET_NAME.exec(name)?.[1];
      if (pid === undefined || name === ownName) continue;
      const state = await stateOf(join(short, name));
      if (state !== 'dead') return { pid, state };
      await rm(join(folder, name), { force: true });
    }
    return undefined;
  });
}

/** The kernel accepts for a process that is busy or stopped; it lives, so its silence counts as "mine". */
const STATE_WAIT_MS_MAX = 1_000;

function stateOf(socketPath: string): Promise<State | 'dead'> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    let said = '';
    const settle = (state: State | 'dead') => {
      socket.destroy();
      resolve(state);
    };
    socket.setTimeout(STATE_WAIT_MS_MAX, () => settle('owner'));
    socket.setEncoding('utf8').on('data', (text) => {
      said += text;
    });
    socket.on('end', () => settle(said === 'candidate' ? 'candidate' : 'owner'));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // Refused: nobody listens any more. Absent: it stepped back meanwhile. All else may be alive.
      const isDead = error.code === 'ECONNREFUSED' || error.code === 'ENOENT';
      settle(isDead ? 'dead' : 'owner');
    });
  });
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** A socket's path has room for about 100 bytes, a data folder's has none to spare: go in by a link. */
async function throughShortPath<T>(folder: string, use: (short: string) => Promise<T>): Promise<T> {
  const entrance = await mkdtemp(join(tmpdir(), 'mh-'));
  try {
    const short = join(entrance, 'd');
    await symlink(folder, short);
    return await use(short);
  } finally {
    await rm(entrance, { recursive: true, force: true });
  }
}

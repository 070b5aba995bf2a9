/**
 * The Redis of a grid under chaos: found and killed wherever it was started, its journal torn as a crash
 * tears it; and one that the test runs itself, with the settings of the embedded one, for a coordinator
 * that is given `--redis`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { serverEnvironment } from '../../coordinator/redis/find.ts';
import { provideRedis } from '../../coordinator/redis/provide.ts';
import { settings } from '../../coordinator/redis/settings.ts';
import { Kept } from './kept.ts';
import { freePort } from './tcp-proxy.ts';

/** The servers that work in the folder, which may be seen by another path than they see it. */
export function redisIn(seenFolder: string): number[] {
  const folder = statSync(seenFolder, { throwIfNoEntry: false });
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const cwd = statSync(`/proc/${pid}/cwd`);
        const isThere = cwd.dev === folder?.dev && cwd.ino === folder.ino;
        return isThere && /-server\n$/.test(readFileSync(`/proc/${pid}/comm`, 'utf8'));
      } catch {
        // Somebody else's, or it ended just now.
        return false;
      }
    });
}

/** SIGKILL; returns how many there were, once they are gone. */
export async function killRedisIn(seenFolder: string): Promise<number> {
  const pids = redisIn(seenFolder);
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  while (redisIn(seenFolder).some((pid) => pids.includes(pid))) await wait(5);
  return pids.length;
}

/**
 * What a crash in the middle of a write leaves at the journal's end: part of a command, or of a
 * transaction. Nothing that was written before is touched: that was acknowledged.
 */
export function tearJournal(seenFolder: string, bytes: number): void {
  const folder = join(seenFolder, 'appendonlydir');
  const [, last] = readdirSync(folder)
    .flatMap((name): [number, string][] => {
      const number = /\.(\d+)\.incr\.aof$/.exec(name)?.[1];
      return number === undefined ? [] : [[Number(number), name]];
    })
    .reduce((a, b) => (a[0] > b[0] ? a : b), [0, '']);
  if (last === '') return;
  const value = 'x'.repeat(64);
  const set = `*3\r\n$3\r\nSET\r\n$4\r\ntorn\r\n$${value.length}\r\n${value}\r\n`;
  const cutOff = `*1\r\n$5\r\nMULTI\r\n${set}${set}`.slice(0, bytes);
  const path = join(folder, last);
  // Nobody has read it since it was torn, and so nobody has written behind that.
  if (sizesWhenTorn.get(path) === statSync(path).size) return;
  try {
    appendFileSync(path, cutOff);
  } catch {
    // The disk is full just now, and may have taken some of it.
  }
  sizesWhenTorn.set(path, statSync(path).size);
}
const sizesWhenTorn = new Map<string, number>();
/** Bytes that `tearJournal` can leave at most: all but the end of the transaction. */
export const tornBytesMax = 200;

/** One that the test runs itself, in a folder that it sees as `folder`, and this process as `seen`. */
export class OwnRedis {
  readonly port: number;
  readonly process: Kept;

  private constructor(port: number, process: Kept) {
    this.port = port;
    this.process = process;
  }

  static async start(
    { folder, seen }: { folder: string; seen: string },
    through: readonly string[],
  ): Promise<OwnRedis> {
    const server = await provideRedis(() => undefined);
    const port = await freePort();
    mkdirSync(seen);
    writeFileSync(
      join(seen, 'redis.conf'),
      settings(folder, { host: '127.0.0.1', port, password }),
    );
    const [program = '', ...args] = [...through, server.program, join(folder, 'redis.conf')];
    const start = () => {
      const child = spawn(program, args, {
        cwd: seen,
        env: serverEnvironment(server),
        stdio: 'ignore',
      });
      const output = { code: null, signal: null, stdout: '', stderr: '' };
      return {
        pid: child.pid ?? 0,
        output: () => output,
        kill: (signal: NodeJS.Signals) => child.kill(signal),
        ended: once(child, 'close').then(() => output),
      };
    };
    // It ends by itself when its disk is full.
    return new OwnRedis(port, new Kept(start));
  }

  /** As the coordinator is told it, by whichever port leads to it. */
  urlAt(port: number): string {
    return `redis://:${password}@127.0.0.1:${port}`;
  }
}

/** Of no use elsewhere: the server is gone with the test. */
const password = 'chaos';

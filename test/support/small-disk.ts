/**
 * A disk of a few megabytes that a test can fill: a tmpfs, mounted in a user and mount namespace of its
 * own, which takes no root. Whoever is to write to it is started inside (`enter`); from outside its files
 * are seen through the process that holds the namespace. It is gone with that process and those inside,
 * and so is everything on it.
 *
 * A tmpfs keeps no promise over a power failure, and none of the tests cuts the power.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

export class SmallDisk {
  private readonly keeper: ChildProcess;
  private readonly folder: string;

  private constructor(keeper: ChildProcess, folder: string) {
    this.keeper = keeper;
    this.folder = folder;
  }

  /** Over an empty folder. Null where the system does not allow it, as in many containers and on macOS. */
  static async mount(folder: string, mebibytes: number): Promise<SmallDisk | null> {
    const script = `mount -t tmpfs -o size=${mebibytes}m,mode=700 tmpfs "$0" && echo mounted && exec cat`;
    // cat ends with its input: should this process be killed, the disk goes with it.
    const keeper = spawn('unshare', ['-Urm', 'sh', '-c', script, folder], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const isMounted = await Promise.race([
      once(keeper.stdout, 'data').then(() => true),
      once(keeper, 'close').then(() => false),
      once(keeper, 'error').then(() => false),
    ]);
    return isMounted ? new SmallDisk(keeper, folder) : null;
  }

  /** What starts a command so that it sees the disk. It keeps its process id. */
  get enter(): string[] {
    const inside = ['sh', '-c', 'cd "$0" && exec "$@"', this.folder];
    const { pid } = this.keeper;
    return ['nsenter', '-t', `${pid}`, '-U', '-m', '--preserve-credentials', ...inside];
  }

  /** Where the disk's folder is for who is outside. */
  get seen(): string {
    return `/proc/${this.keeper.pid}/root${this.folder}`;
  }

  /** Takes all the room there is. */
  fill(): void {
    const file = openSync(this.ballast, 'a');
    try {
      // The last megabyte goes in small pieces, so that not one small file fits any more.
      for (const bytes of [1 << 20, 1 << 12, 1]) writeUntilFull(file, Buffer.alloc(bytes));
    } finally {
      closeSync(file);
    }
  }

  /** Gives it back. */
  empty(): void {
    rmSync(this.ballast, { force: true });
  }

  async unmount(): Promise<void> {
    const ended = once(this.keeper, 'close');
    this.keeper.stdin?.end();
    await ended;
  }

  private get ballast(): string {
    return join(this.seen, 'ballast');
  }
}

function writeUntilFull(file: number, bytes: Buffer): void {
  for (;;) {
    try {
      if (writeSync(file, bytes) < bytes.length) return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return;
      throw error;
    }
  }
}

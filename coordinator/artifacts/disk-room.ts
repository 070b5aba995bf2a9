/**
 * What is free of the disk that uploads are written to, and what of it is not theirs. The last of a disk is for what may not
 * stop: journals and their rewriting, the archive, the ledger. So large outputs are refused while results that fit
 * into a report go on; when the reserve is used up as well, nothing can be stored any more.
 */
import { statfs } from 'node:fs/promises';

export type Room = { freeBytes: number; reserveBytes: number };

const mebibyte = 1024 ** 2;
const reserveShare = 1 / 20;
/** Many times what a rewrite of the journal takes; and little enough that a machine in daily use has it free. */
const reserveBytesMax = 1024 * mebibyte;
/** Of a small one: twice what the embedded Redis needs to start again (redis/supervise.ts). */
const reserveBytesMin = 32 * mebibyte;

export const reserveOf = (diskBytes: number): number =>
  Math.min(Math.max(diskBytes * reserveShare, reserveBytesMin), reserveBytesMax);

export class DiskRoom {
  private readonly folder: string;

  /** A folder on that disk. */
  constructor(folder: string) {
    this.folder = folder;
  }

  async look(): Promise<Room> {
    const { bavail, blocks, bsize } = await statfs(this.folder);
    return { freeBytes: bavail * bsize, reserveBytes: reserveOf(blocks * bsize) };
  }
}

/** What WASI tells about a file: its type, and the 64-byte record of `filestat_get`. */

import { errno, refuse } from './errno.ts';
import type { Inode } from './file-system.ts';
import type { GuestMemory } from './guest-memory.ts';
import { nowNs, type World } from './world.ts';

/** A standard stream is `unknown`, like a pipe: as a character device it would be a terminal. */
export const fileType = { unknown: 0, directory: 3, file: 4, link: 7 } as const;

const filestatBytes = 64;
/** There is one file system. */
const deviceNumber = 1n;

export function writeFilestat(memory: GuestMemory, pointer: number, inode: Inode | null): void {
  const at = memory.slot(pointer, filestatBytes);
  memory.setU64(at, deviceNumber);
  memory.setU64(at + 8, inode?.number ?? 0n);
  memory.setU64(at + 16, BigInt(inode === null ? fileType.unknown : fileType[inode.kind]));
  memory.setU64(at + 24, BigInt(inode?.links ?? 1));
  memory.setU64(at + 32, BigInt(inode === null ? 0 : sizeOf(inode)));
  memory.setU64(at + 40, inode?.accessedNs ?? 0n);
  memory.setU64(at + 48, inode?.modifiedNs ?? 0n);
  memory.setU64(at + 56, inode?.changedNs ?? 0n);
}

const utf8 = new TextEncoder();

function sizeOf(inode: Inode): number {
  if (inode.kind === 'file') return inode.size;
  return inode.kind === 'link' ? utf8.encode(inode.target).length : 0;
}

const setAccessed = 1;
const setAccessedNow = 2;
const setModified = 4;
const setModifiedNow = 8;
const allTimes = 15;

/** `filestat_set_times`: each time is left, given, or set to now; given and now exclude another. */
export function setTimes(
  world: World,
  inode: Inode,
  accessed: bigint,
  modified: bigint,
  flags: number,
): void {
  const has = (flag: number) => (flags & flag) !== 0;
  if ((flags & ~allTimes) !== 0) refuse(errno.invalid);
  if (has(setAccessed) && has(setAccessedNow)) refuse(errno.invalid);
  if (has(setModified) && has(setModifiedNow)) refuse(errno.invalid);
  const now = nowNs(world);
  if (has(setAccessed)) inode.accessedNs = BigInt.asUintN(64, accessed);
  if (has(setAccessedNow)) inode.accessedNs = now;
  if (has(setModified)) inode.modifiedNs = BigInt.asUintN(64, modified);
  if (has(setModifiedNow)) inode.modifiedNs = now;
  inode.changedNs = now;
}

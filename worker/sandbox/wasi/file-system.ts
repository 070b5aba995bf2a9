/**
 * The kernel's files: inodes in memory, as plain data that structured clone can save. Folders keep
 * their entries in the order of making, each with a cookie that only grows; a listing that goes on
 * from a cookie therefore neither skips nor repeats when files come and go in between.
 *
 * Two quotas: bytes that the kernel wrote and inodes that exist. The unit's input files are shared
 * with the caller until the first write copies them, and cost nothing before.
 *
 * An inode lives while a folder names it or a descriptor has it open, as on any Unix.
 */
import { errno, refuse } from './errno.ts';

interface InodeBase {
  number: bigint;
  /** Names in folders. */
  links: number;
  /** Descriptors. */
  opens: number;
  accessedNs: bigint;
  modifiedNs: bigint;
  changedNs: bigint;
}

interface Entry {
  inode: Inode;
  cookie: number;
}

export interface Directory extends InodeBase {
  kind: 'directory';
  entries: Map<string, Entry>;
  /** Null for the root. */
  parent: Directory | null;
  nextCookie: number;
}

export interface RegularFile extends InodeBase {
  kind: 'file';
  /** The first `size` bytes count, the rest is room, always zero, to grow into. */
  bytes: Uint8Array;
  size: number;
  /** True while the bytes are an input that the caller may still use: copied before a write. */
  isShared: boolean;
}

interface SymbolicLink extends InodeBase {
  kind: 'link';
  target: string;
}

export type Inode = Directory | RegularFile | SymbolicLink;

export interface FileSystem {
  root: Directory;
  nextNumber: bigint;
  inodes: number;
  inodesMax: number;
  bytesUsed: number;
  bytesMax: number;
}

/** The cookies of `.` and `..`; entries follow. */
export const cookieOfSelf = 1;
export const cookieOfParent = 2;

export function openFileSystem(quota: {
  bytesMax: number;
  inodesMax: number;
  nowNs: bigint;
}): FileSystem {
  return {
    root: { ...freshInode(1n, quota.nowNs), ...emptyDirectory(), links: 1, parent: null },
    nextNumber: 2n,
    inodes: 1,
    inodesMax: quota.inodesMax,
    bytesUsed: 0,
    bytesMax: quota.bytesMax,
  };
}

export function makeDirectory(
  fs: FileSystem,
  parent: Directory,
  name: string,
  nowNs: bigint,
): Directory {
  const directory = { ...newInode(fs, parent, nowNs), ...emptyDirectory(), parent };
  enter(parent, name, directory, nowNs);
  return directory;
}

export function makeFile(
  fs: FileSystem,
  parent: Directory,
  name: string,
  nowNs: bigint,
  input: Uint8Array | null = null,
): RegularFile {
  const file: RegularFile = {
    ...newInode(fs, parent, nowNs),
    kind: 'file',
    bytes: input ?? new Uint8Array(0),
    size: input?.length ?? 0,
    isShared: input !== null,
  };
  enter(parent, name, file, nowNs);
  return file;
}

export function makeLink(
  fs: FileSystem,
  parent: Directory,
  name: string,
  nowNs: bigint,
  target: string,
): void {
  checkRoom(fs, parent);
  charge(fs, target.length);
  enter(parent, name, { ...newInode(fs, parent, nowNs), kind: 'link', target }, nowNs);
}

/** A folder that was removed while a descriptor had it open takes no more names. */
export function checkTakesNames(folder: Directory): void {
  if (folder.links === 0) refuse(errno.noEntry);
}

/** Gives an inode a name. */
export function enter(parent: Directory, name: string, inode: Inode, nowNs: bigint): void {
  checkTakesNames(parent);
  parent.entries.set(name, { inode, cookie: parent.nextCookie++ });
  parent.modifiedNs = nowNs;
  inode.links++;
  inode.changedNs = nowNs;
}

/** Takes a name away, and the inode with it when that was its last hold. */
export function leave(fs: FileSystem, parent: Directory, name: string, nowNs: bigint): void {
  const entry = parent.entries.get(name);
  if (entry === undefined) refuse(errno.noEntry);
  parent.entries.delete(name);
  parent.modifiedNs = nowNs;
  entry.inode.links--;
  entry.inode.changedNs = nowNs;
  releaseIfGone(fs, entry.inode);
}

/** To be called when a name or a descriptor of the inode is gone. */
export function releaseIfGone(fs: FileSystem, inode: Inode): void {
  if (inode.links > 0 || inode.opens > 0) return;
  fs.inodes--;
  if (inode.kind === 'link') charge(fs, -inode.target.length);
  if (inode.kind === 'file' && !inode.isShared) charge(fs, -inode.size);
}

/** Copies from the file, as far as it goes, and says how many bytes that was. */
export function readFile(file: RegularFile, position: number, buffers: Uint8Array[]): number {
  let at = Math.min(position, file.size);
  const start = at;
  for (const buffer of buffers) {
    const part = file.bytes.subarray(at, Math.min(at + buffer.length, file.size));
    buffer.set(part);
    at += part.length;
  }
  return at - start;
}

export function writeFile(
  fs: FileSystem,
  file: RegularFile,
  position: number,
  buffers: Uint8Array[],
  total: number,
  nowNs: bigint,
): void {
  if (total === 0) return;
  resize(fs, file, Math.max(file.size, position + total), nowNs);
  let at = position;
  for (const buffer of buffers) {
    file.bytes.set(buffer, at);
    at += buffer.length;
  }
}

/**
 * Makes the file that long, zeros added at its end, and its bytes its own. Room is never more than
 * twice the size, so that the quota on sizes bounds the host's memory too.
 */
export function resize(fs: FileSystem, file: RegularFile, size: number, nowNs: bigint): void {
  charge(fs, file.isShared ? size : size - file.size);
  const isRoomy = size <= file.bytes.length && 2 * size >= file.bytes.length;
  if (file.isShared || !isRoomy) {
    const isGrowing = size > file.bytes.length;
    const bytes = new Uint8Array(isGrowing ? Math.min(2 * size, fs.bytesMax) : size);
    bytes.set(file.bytes.subarray(0, Math.min(file.size, size)));
    file.bytes = bytes;
  } else if (size < file.size) {
    file.bytes.fill(0, size, file.size);
  }
  file.isShared = false;
  file.size = size;
  file.modifiedNs = nowNs;
}

function charge(fs: FileSystem, bytes: number): void {
  if (fs.bytesUsed + bytes > fs.bytesMax) refuse(errno.noSpace);
  fs.bytesUsed += bytes;
}

/** Refuses before anything is counted, so that a refusal leaves no trace. */
function checkRoom(fs: FileSystem, parent: Directory): void {
  checkTakesNames(parent);
  if (fs.inodes >= fs.inodesMax) refuse(errno.noSpace);
}

function newInode(fs: FileSystem, parent: Directory, nowNs: bigint): InodeBase {
  checkRoom(fs, parent);
  fs.inodes++;
  return freshInode(fs.nextNumber++, nowNs);
}

const freshInode = (number: bigint, nowNs: bigint): InodeBase => ({
  number,
  links: 0,
  opens: 0,
  accessedNs: nowNs,
  modifiedNs: nowNs,
  changedNs: nowNs,
});

const emptyDirectory = () => ({
  kind: 'directory' as const,
  entries: new Map<string, Entry>(),
  nextCookie: cookieOfParent + 1,
});

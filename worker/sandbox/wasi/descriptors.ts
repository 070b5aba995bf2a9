/**
 * The table of open descriptors: 0, 1 and 2 are the standard streams, 3 the root folder, the rest
 * is the kernel's. A slot that is closed is null and the lowest free one is used next.
 */

import { errno, refuse } from './errno.ts';
import { type Directory, type FileSystem, type RegularFile, releaseIfGone } from './file-system.ts';
import { directoryRights, fileRights, inputRights, outputRights } from './rights.ts';

interface DescriptorBase {
  rights: bigint;
  /** What descriptors opened through this one may have at most. */
  handsOn: bigint;
  /** WASI's fdflags; of these only `append` changes what happens. */
  flags: number;
}

export interface StreamDescriptor extends DescriptorBase {
  kind: 'stdin' | 'stdout' | 'stderr';
}
export interface FileDescriptor extends DescriptorBase {
  kind: 'file';
  file: RegularFile;
  position: number;
}
export interface DirectoryDescriptor extends DescriptorBase {
  kind: 'directory';
  directory: Directory;
  /** The guest path that a library learns at its start, for the root only. */
  preopenedAt: string | null;
}
export type Descriptor = StreamDescriptor | FileDescriptor | DirectoryDescriptor;

export type DescriptorTable = (Descriptor | null)[];

export const descriptorFlags = { append: 1, all: 31 } as const;

/** The first number that `open` hands out: libraries take 0 to 2 for granted even when closed. */
const firstOpened = 3;
/** Programs hold a handful; the usual Unix default of 1024 buys an attacker only room. */
export const descriptorsMax = 256;

export function openDescriptors(root: Directory): DescriptorTable {
  root.opens++;
  return [
    { kind: 'stdin', rights: inputRights, handsOn: 0n, flags: 0 },
    // Output is appended by its nature, and libraries read it off the flags.
    { kind: 'stdout', rights: outputRights, handsOn: 0n, flags: descriptorFlags.append },
    { kind: 'stderr', rights: outputRights, handsOn: 0n, flags: descriptorFlags.append },
    {
      kind: 'directory',
      directory: root,
      preopenedAt: '/',
      rights: directoryRights,
      handsOn: directoryRights | fileRights,
      flags: 0,
    },
  ];
}

/** The descriptor, when it is open and has all of these rights. */
export function descriptorAt(table: DescriptorTable, number: number, needs = 0n): Descriptor {
  const descriptor = table[number >>> 0] ?? refuse(errno.badDescriptor);
  if ((descriptor.rights & needs) !== needs) refuse(errno.notCapable);
  return descriptor;
}

export function directoryAt(
  table: DescriptorTable,
  number: number,
  needs: bigint,
): DirectoryDescriptor {
  const descriptor = descriptorAt(table, number);
  if (descriptor.kind !== 'directory') refuse(errno.notDirectory);
  if ((descriptor.rights & needs) !== needs) refuse(errno.notCapable);
  return descriptor;
}

/** A file or a stream; what a folder answers differs from call to call. */
export function nonDirectoryAt(
  table: DescriptorTable,
  number: number,
  needs: bigint,
  onDirectory: typeof errno.isDirectory | typeof errno.badDescriptor,
): FileDescriptor | StreamDescriptor {
  const descriptor = descriptorAt(table, number);
  if (descriptor.kind === 'directory') refuse(onDirectory);
  if ((descriptor.rights & needs) !== needs) refuse(errno.notCapable);
  return descriptor;
}

/** A number for one more descriptor; asked for before anything is made that would need it. */
export function freeNumber(table: DescriptorTable): number {
  for (let number = firstOpened; number < descriptorsMax; number++)
    if ((table[number] ?? null) === null) return number;
  return refuse(errno.tooManyDescriptors);
}

export function putDescriptor(
  table: DescriptorTable,
  number: number,
  descriptor: Descriptor,
): void {
  inodeOf(descriptor, (inode) => inode.opens++);
  table[number] = descriptor;
}

export function closeDescriptor(fs: FileSystem, table: DescriptorTable, number: number): void {
  const descriptor = descriptorAt(table, number);
  table[number >>> 0] = null;
  inodeOf(descriptor, (inode) => {
    inode.opens--;
    releaseIfGone(fs, inode);
  });
}

function inodeOf(descriptor: Descriptor, use: (inode: Directory | RegularFile) => void): void {
  if (descriptor.kind === 'file') use(descriptor.file);
  if (descriptor.kind === 'directory') use(descriptor.directory);
}

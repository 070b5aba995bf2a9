/** Calls about an open descriptor itself: what it is, what it may do, where it stands, its end. */
import {
  closeDescriptor,
  type Descriptor,
  descriptorAt,
  descriptorFlags,
  nonDirectoryAt,
} from '../descriptors.ts';
import { errno, refuse } from '../errno.ts';
import type { Inode } from '../file-system.ts';
import { rights } from '../rights.ts';
import { fileType, setTimes, writeFilestat } from '../stat.ts';
import type { World } from '../world.ts';

const fdstatBytes = 24;
const prestatBytes = 8;
const prestatOfDirectory = 0;
const adviceMax = 5;
const from = { start: 0, here: 1, end: 2 } as const;
const utf8 = new TextEncoder();

export const descriptorCalls = (world: World) => {
  const { files, descriptors } = world.state;
  return {
    fd_close(number: number) {
      closeDescriptor(files, descriptors, number);
    },
    fd_renumber(number: number, to: number) {
      const descriptor = descriptorAt(descriptors, number);
      descriptorAt(descriptors, to);
      if (number >>> 0 === to >>> 0) return;
      closeDescriptor(files, descriptors, to);
      descriptors[to >>> 0] = descriptor;
      descriptors[number >>> 0] = null;
    },

    fd_fdstat_get(number: number, result: number) {
      const descriptor = descriptorAt(descriptors, number);
      const at = world.memory.slot(result, fdstatBytes);
      world.memory.bytes(at, fdstatBytes).fill(0);
      world.memory.setU8(at, typeOf(descriptor));
      world.memory.setU16(at + 2, descriptor.flags);
      world.memory.setU64(at + 8, descriptor.rights);
      world.memory.setU64(at + 16, descriptor.handsOn);
    },
    fd_fdstat_set_flags(number: number, flags: number) {
      const descriptor = descriptorAt(descriptors, number, rights.setFlags);
      if ((flags & ~descriptorFlags.all) !== 0) refuse(errno.invalid);
      descriptor.flags = flags;
    },
    /** Rights can be given up, never won. */
    fd_fdstat_set_rights(number: number, base: bigint, handsOn: bigint) {
      const descriptor = descriptorAt(descriptors, number);
      const [own, passed] = [BigInt.asUintN(64, base), BigInt.asUintN(64, handsOn)];
      if ((own & ~descriptor.rights) !== 0n) refuse(errno.notCapable);
      if ((passed & ~descriptor.handsOn) !== 0n) refuse(errno.notCapable);
      descriptor.rights = own;
      descriptor.handsOn = passed;
    },

    fd_filestat_get(number: number, result: number) {
      const descriptor = descriptorAt(descriptors, number, rights.stat);
      writeFilestat(world.memory, result, inodeOf(descriptor));
    },
    fd_filestat_set_times(number: number, accessed: bigint, modified: bigint, flags: number) {
      const inode = inodeOf(descriptorAt(descriptors, number, rights.setTimes));
      if (inode !== null) setTimes(world, inode, accessed, modified, flags);
    },

    /** Memory is already as safe as it gets. */
    fd_sync(number: number) {
      descriptorAt(descriptors, number);
    },
    fd_datasync(number: number) {
      descriptorAt(descriptors, number);
    },
    /** Taken note of, with thanks: there is nothing to prefetch. */
    fd_advise(number: number, offset: bigint, length: bigint, advice: number) {
      const needs = rights.advise;
      const descriptor = nonDirectoryAt(descriptors, number, needs, errno.badDescriptor);
      if (descriptor.kind !== 'file') refuse(errno.notSeekable);
      if (advice >>> 0 > adviceMax || offset < 0n || length < 0n) refuse(errno.invalid);
    },

    fd_seek(number: number, offset: bigint, whence: number, result: number) {
      const descriptor = nonDirectoryAt(descriptors, number, 0n, errno.badDescriptor);
      if (descriptor.kind !== 'file') return refuse(errno.notSeekable);
      if ((descriptor.rights & rights.seek) === 0n) refuse(errno.notCapable);
      const at = world.memory.slot(result, 8);
      const position = offset + BigInt(originOf(whence, descriptor.position, descriptor.file.size));
      if (position < 0n || position > BigInt(Number.MAX_SAFE_INTEGER)) refuse(errno.invalid);
      descriptor.position = Number(position);
      world.memory.setU64(at, position);
    },
    fd_tell(number: number, result: number) {
      const needs = rights.tell;
      const descriptor = nonDirectoryAt(descriptors, number, needs, errno.badDescriptor);
      if (descriptor.kind !== 'file') return refuse(errno.notSeekable);
      world.memory.setU64(result, BigInt(descriptor.position));
    },

    fd_prestat_get(number: number, result: number) {
      const name = preopenedName(descriptorAt(descriptors, number));
      const at = world.memory.slot(result, prestatBytes);
      world.memory.setU32(at, prestatOfDirectory);
      world.memory.setU32(at + 4, name.length);
    },
    fd_prestat_dir_name(number: number, pointer: number, length: number) {
      const name = preopenedName(descriptorAt(descriptors, number));
      if (length >>> 0 < name.length) refuse(errno.nameTooLong);
      world.memory.set(pointer, name);
    },

    /** There is no network: whatever the descriptor is, it is no socket. */
    sock_accept: (number: number) => refuseSocket(world, number),
    sock_recv: (number: number) => refuseSocket(world, number),
    sock_send: (number: number) => refuseSocket(world, number),
    sock_shutdown: (number: number) => refuseSocket(world, number),
  };
};

function typeOf(descriptor: Descriptor): number {
  if (descriptor.kind === 'file') return fileType.file;
  return descriptor.kind === 'directory' ? fileType.directory : fileType.unknown;
}

function inodeOf(descriptor: Descriptor): Inode | null {
  if (descriptor.kind === 'file') return descriptor.file;
  return descriptor.kind === 'directory' ? descriptor.directory : null;
}

function originOf(whence: number, position: number, size: number): number {
  if (whence === from.start) return 0;
  if (whence === from.here) return position;
  return whence === from.end ? size : refuse(errno.invalid);
}

function preopenedName(descriptor: Descriptor): Uint8Array {
  if (descriptor.kind !== 'directory' || descriptor.preopenedAt === null)
    return refuse(errno.badDescriptor);
  return utf8.encode(descriptor.preopenedAt);
}

function refuseSocket(world: World, number: number): never {
  nonDirectoryAt(world.state.descriptors, number, 0n, errno.badDescriptor);
  return refuse(errno.notSocket);
}

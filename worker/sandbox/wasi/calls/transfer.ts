/** Calls that move bytes between the kernel's memory and a file or a stream, and that size files. */
import { cost } from '../cost.ts';
import {
  descriptorFlags,
  type FileDescriptor,
  nonDirectoryAt,
  type StreamDescriptor,
} from '../descriptors.ts';
import { Ending } from '../ending.ts';
import { errno, refuse } from '../errno.ts';
import { type RegularFile, readFile, resize, writeFile } from '../file-system.ts';
import { rights } from '../rights.ts';
import { append, appendToTail, readSource } from '../streams.ts';
import { nowNs, spend, spendOnBytes, stderrBytesKept, type World } from '../world.ts';

export const transferCalls = (world: World) => {
  const { memory, state } = world;
  const { descriptors } = state;
  return {
    fd_read(number: number, list: number, count: number, result: number) {
      const needs = rights.read;
      const descriptor = nonDirectoryAt(descriptors, number, needs, errno.isDirectory);
      const { buffers } = gather(world, list, count);
      const at = memory.slot(result, 4);
      const moved = readOn(world, descriptor, buffers);
      spendOnBytes(world, moved);
      memory.setU32(at, moved);
    },
    fd_pread(number: number, list: number, count: number, offset: bigint, result: number) {
      const needs = rights.read | rights.seek;
      const file = positioned(
        nonDirectoryAt(descriptors, number, needs, errno.badDescriptor),
        offset,
      );
      const { buffers } = gather(world, list, count);
      const at = memory.slot(result, 4);
      const moved = readFile(file.file, Number(offset), buffers);
      spendOnBytes(world, moved);
      memory.setU32(at, moved);
    },

    fd_write(number: number, list: number, count: number, result: number) {
      const needs = rights.write;
      const descriptor = nonDirectoryAt(descriptors, number, needs, errno.isDirectory);
      const { buffers, total } = gather(world, list, count);
      const at = memory.slot(result, 4);
      if (descriptor.kind === 'file') {
        const start = startOfWrite(descriptor, descriptor.position);
        writeAt(world, descriptor.file, start, buffers, total);
        descriptor.position = start + total;
      } else {
        writeStream(world, descriptor, buffers, total);
      }
      memory.setU32(at, total);
    },
    fd_pwrite(number: number, list: number, count: number, offset: bigint, result: number) {
      const needs = rights.write | rights.seek;
      const file = positioned(
        nonDirectoryAt(descriptors, number, needs, errno.badDescriptor),
        offset,
      );
      const { buffers, total } = gather(world, list, count);
      const at = memory.slot(result, 4);
      writeAt(world, file.file, startOfWrite(file, Number(offset)), buffers, total);
      memory.setU32(at, total);
    },

    fd_allocate(number: number, offset: bigint, length: bigint) {
      const needs = rights.allocate;
      const descriptor = nonDirectoryAt(descriptors, number, needs, errno.badDescriptor);
      if (descriptor.kind !== 'file') return refuse(errno.badDescriptor);
      if (offset < 0n || length <= 0n) refuse(errno.invalid);
      const size = sizeWithinQuota(world, offset + length);
      if (size > descriptor.file.size) setSize(world, descriptor.file, size);
    },
    fd_filestat_set_size(number: number, length: bigint) {
      const needs = rights.setSize;
      const descriptor = nonDirectoryAt(descriptors, number, needs, errno.badDescriptor);
      if (descriptor.kind !== 'file' || length < 0n) return refuse(errno.invalid);
      setSize(world, descriptor.file, sizeWithinQuota(world, length));
    },
  };
};

/** Makes a file that long, at the price of the bytes that are kept, cleared or copied for it. */
export function setSize(world: World, file: RegularFile, size: number): void {
  spendOnBytes(world, Math.max(size, file.size));
  resize(world.state.files, file, size, nowNs(world));
}

/** Before it becomes a JavaScript number: 64 bits do not fit in one, a size within the quota does. */
function sizeWithinQuota(world: World, size: bigint): number {
  if (size > BigInt(world.state.files.bytesMax)) refuse(errno.noSpace);
  return Number(size);
}

function gather(world: World, list: number, count: number) {
  const gathered = world.memory.buffers(list, count);
  spend(world, gathered.buffers.length * cost.buffer);
  return gathered;
}

function positioned(descriptor: FileDescriptor | StreamDescriptor, offset: bigint): FileDescriptor {
  if (descriptor.kind !== 'file') return refuse(errno.notSeekable);
  if (offset < 0n) refuse(errno.invalid);
  return descriptor;
}

function readOn(
  world: World,
  descriptor: FileDescriptor | StreamDescriptor,
  buffers: Uint8Array[],
): number {
  if (descriptor.kind !== 'file') return readSource(world.state.stdin, buffers);
  const moved = readFile(descriptor.file, descriptor.position, buffers);
  descriptor.position += moved;
  return moved;
}

const startOfWrite = (descriptor: FileDescriptor, position: number): number =>
  (descriptor.flags & descriptorFlags.append) !== 0 ? descriptor.file.size : position;

function writeAt(
  world: World,
  file: RegularFile,
  start: number,
  buffers: Uint8Array[],
  total: number,
): void {
  const { files } = world.state;
  if (start + total > files.bytesMax) refuse(errno.fileTooLarge);
  // Beside the bytes themselves: the gap that is filled with zeros, and an input's first copy.
  const gap = Math.max(0, start - file.size);
  spendOnBytes(world, total + gap + (file.isShared ? file.size : 0));
  writeFile(files, file, start, buffers, total, nowNs(world));
}

/** Past the output bound the run ends there and then: what was cut could look like a result. */
function writeStream(
  world: World,
  descriptor: StreamDescriptor,
  buffers: Uint8Array[],
  total: number,
): void {
  const { stdout, stderr, stdoutBytesMax } = world.state;
  const isOutput = descriptor.kind === 'stdout';
  if (isOutput && stdout.length + total > stdoutBytesMax)
    throw new Ending({ kind: 'outputExceeded' });
  spendOnBytes(world, total);
  for (const buffer of buffers) {
    if (isOutput) append(stdout, buffer);
    else appendToTail(stderr, buffer, stderrBytesKept);
  }
}

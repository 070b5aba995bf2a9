/**
 * A snapshot as bytes and back. A snapshot has one encoding only, so its SHA-256 is its name, and a
 * version, as one may be read by a later worker than wrote it. Reading asks about form and bounds;
 * whether what stands there fits the run is asked when it is used (`load-calls.ts`, `restore`).
 */
import { ByteReader, ByteWriter } from './bytes.ts';
import type { SavedCalls, SavedDescriptor, SavedInode } from './saved-calls.ts';
import {
  demand,
  pageBytes,
  partBytes,
  refuseSnapshot,
  type SavedMemory,
  type Snapshot,
} from './snapshot.ts';

/** "MHS" and the version. Another version is refused: the unit then begins again. */
const header = new Uint8Array([0x4d, 0x48, 0x53, 1]);

const entries = ['start', 'step'] as const;
const inodeKinds = ['directory', 'input', 'file', 'link'] as const;
const descriptorKinds = ['stdin', 'stdout', 'stderr', 'file', 'directory'] as const;
/** 4 GiB, the most that 32 bits address. */
const pagesMax = 65_536;
const u32Max = 0xffff_ffff;
const u64Max = 0xffff_ffff_ffff_ffffn;

export function encodeSnapshot(snapshot: Snapshot): Uint8Array {
  const { position, memory, globals, calls } = snapshot;
  const out = new ByteWriter();
  out.raw(header);
  out.byte(entries.indexOf(position.entry));
  out.optional(position.stack, (stack) => out.bytes(stack));
  out.whole(memory.pages);
  out.list(memory.parts, ({ index, bytes }) => {
    out.whole(index);
    out.raw(bytes);
  });
  out.list(globals, (value) => {
    out.byte(typeof value === 'bigint' ? 1 : 0);
    if (typeof value === 'bigint') out.whole(BigInt.asUintN(64, value));
    else out.float(value);
  });
  writeCalls(out, calls);
  return out.written;
}

/** Throws SnapshotRefused for anything that `encodeSnapshot` did not write. */
export function decodeSnapshot(bytes: Uint8Array): Snapshot {
  const read = new ByteReader(bytes);
  const isOurs = read.raw(header.length).every((byte, at) => byte === header[at]);
  demand(isOurs, 'it is none, or of another version');
  const snapshot: Snapshot = {
    position: { entry: read.oneOf(entries), stack: read.optional(() => read.bytes().slice()) },
    memory: readMemory(read),
    globals: read.list(() => (read.oneOf([false, true]) ? readI64(read) : readNumber(read))),
    calls: readCalls(read),
  };
  demand(read.isAtEnd, 'something follows its end');
  return snapshot;
}

function readMemory(read: ByteReader): SavedMemory {
  const pages = read.whole(pagesMax);
  let next = 0;
  const parts = read.list(() => {
    const index = read.whole((pages * pageBytes) / partBytes - 1);
    demand(index >= next, 'its memory is out of order');
    next = index + 1;
    const bytes = read.raw(partBytes).slice();
    demand(
      bytes.some((byte) => byte !== 0),
      'it saves zeros',
    );
    return { index, bytes };
  });
  return { pages, parts };
}

function readI64(read: ByteReader): bigint {
  return BigInt.asIntN(64, readU64(read));
}

function readU64(read: ByteReader): bigint {
  const value = read.big();
  demand(value <= u64Max, 'a number is too large');
  return value;
}

function readNumber(read: ByteReader): number {
  const value = read.float();
  demand(!Number.isNaN(value), 'a global is not a number');
  return value;
}

function writeCalls(out: ByteWriter, calls: SavedCalls): void {
  for (const word of calls.random) out.whole(word);
  out.whole(calls.sleptNs);
  out.whole(calls.stdinPosition);
  out.bytes(calls.stdout);
  out.bytes(calls.stderr);
  out.list(calls.inodes, (inode) => writeInode(out, inode));
  out.whole(calls.nextNumber);
  out.list(calls.descriptors, (each) => out.optional(each, (some) => writeDescriptor(out, some)));
}

function readCalls(read: ByteReader): SavedCalls {
  const word = () => read.whole(u32Max);
  return {
    random: [word(), word(), word(), word()],
    sleptNs: read.big(),
    stdinPosition: read.whole(),
    stdout: read.bytes().slice(),
    stderr: read.bytes().slice(),
    inodes: read.list(() => readInode(read)),
    nextNumber: readU64(read),
    descriptors: read.list(() => read.optional(() => readDescriptor(read))),
  };
}

function writeInode(out: ByteWriter, inode: SavedInode): void {
  out.whole(inode.number);
  out.whole(inode.accessedNs);
  out.whole(inode.modifiedNs);
  out.whole(inode.changedNs);
  out.byte(inodeKinds.indexOf(inode.kind));
  switch (inode.kind) {
    case 'directory':
      out.optional(inode.parent, (parent) => out.whole(parent));
      out.whole(inode.nextCookie);
      out.list(inode.entries, (entry) => {
        out.text(entry.name);
        out.whole(entry.cookie);
        out.whole(entry.inode);
      });
      break;
    case 'input':
      out.text(inode.path);
      break;
    case 'file':
      out.bytes(inode.bytes);
      break;
    case 'link':
      out.text(inode.target);
      break;
  }
}

function readInode(read: ByteReader): SavedInode {
  const base = {
    number: readU64(read),
    accessedNs: read.big(),
    modifiedNs: read.big(),
    changedNs: read.big(),
  };
  const kind = read.oneOf(inodeKinds);
  switch (kind) {
    case 'directory': {
      const parent = read.optional(() => read.whole());
      const nextCookie = read.whole();
      const entry = () => ({ name: read.text(), cookie: read.whole(), inode: read.whole() });
      return { ...base, kind, parent, nextCookie, entries: read.list(entry) };
    }
    case 'input':
      return { ...base, kind, path: read.text() };
    case 'file':
      return { ...base, kind, bytes: read.bytes().slice() };
    case 'link':
      return { ...base, kind, target: read.text() };
  }
}

function writeDescriptor(out: ByteWriter, descriptor: SavedDescriptor): void {
  out.whole(descriptor.rights);
  out.whole(descriptor.handsOn);
  out.whole(descriptor.flags);
  out.byte(descriptorKinds.indexOf(descriptor.kind));
  if (descriptor.kind === 'file') {
    out.whole(descriptor.file);
    out.whole(descriptor.position);
  } else if (descriptor.kind === 'directory') {
    out.whole(descriptor.directory);
    out.optional(descriptor.preopenedAt, (path) => out.text(path));
  }
}

function readDescriptor(read: ByteReader): SavedDescriptor {
  const base = { rights: readU64(read), handsOn: readU64(read), flags: read.whole(u32Max) };
  const kind = read.oneOf(descriptorKinds);
  if (kind === 'file') return { ...base, kind, file: read.whole(), position: read.whole() };
  if (kind !== 'directory') return { ...base, kind };
  const directory = read.whole();
  const preopenedAt = read.optional(() => read.text());
  if (preopenedAt !== null && preopenedAt !== '/')
    refuseSnapshot('a folder was not there at the beginning');
  return { ...base, kind, directory, preopenedAt };
}

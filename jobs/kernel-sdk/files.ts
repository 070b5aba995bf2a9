/**
 * What a unit reads: stdin, and the files that the job document names under `run.files`; and the
 * files it writes, which reach the scientist when the document names them under `run.outputs`.
 * All are handled whole: the host holds them in memory anyway.
 *
 *   const samples = Float32Array.wrap(readFile("/data/scan.f32"));
 *   writeFile("/out/spectrum.f32", spectrum.buffer);
 */
import { writeBytes } from './output';
import {
  fd_close,
  fd_prestat_dir_name,
  fd_prestat_get,
  fd_read,
  path_open,
  SUCCESS,
} from './wasi_snapshot_preview1';

const STDIN: u32 = 0;
/** Hosts hand out the folders that a kernel may open as descriptors from 3 on. */
const FIRST_FOLDER: u32 = 3;
/** Flags of path_open, as the specification numbers them. */
const FOLLOW_LINKS: u32 = 1;
const CREATE_AND_TRUNCATE: u16 = 1 | 8;
const RIGHT_TO_READ: u64 = 2;
const RIGHT_TO_WRITE: u64 = 64;
/** One Wasm page to begin with; doubling from there keeps the number of calls small. */
const FIRST_BUFFER: i32 = 65536;

export function readStdin(): ArrayBuffer {
  return readAll(STDIN);
}

/** The bytes of the file at this absolute path. Traps without it: such a unit has no answer. */
export function readFile(path: string): ArrayBuffer {
  const fd = open(path, 0, RIGHT_TO_READ);
  const bytes = readAll(fd);
  fd_close(fd);
  return bytes;
}

/** Makes or replaces the file at this absolute path; its folder must be there. */
export function writeFile(path: string, bytes: ArrayBuffer): void {
  const fd = open(path, CREATE_AND_TRUNCATE, RIGHT_TO_WRITE);
  writeBytes(fd, changetype<usize>(bytes), bytes.byteLength);
  fd_close(fd);
}

/** Bytes as text. */
export function text(bytes: ArrayBuffer): string {
  return String.UTF8.decode(bytes);
}

function open(path: string, flags: u16, rights: u64): u32 {
  const opened = memory.data(4);
  let folder = FIRST_FOLDER;
  while (true) {
    const mount = mountOf(folder);
    assert(mount !== null, 'cannot open ' + path);
    if (path.startsWith(mount!)) {
      const name = String.UTF8.encode(path.substring(mount!.length));
      const at = changetype<usize>(name);
      const length = name.byteLength;
      const errno = path_open(folder, FOLLOW_LINKS, at, length, flags, rights, 0, 0, opened);
      if (errno == SUCCESS) return load<u32>(opened);
    }
    folder++;
  }
}

/** Where a folder of the host appears, with a slash at the end; null beyond the last one. */
function mountOf(folder: u32): string | null {
  const prestat = memory.data(8);
  if (fd_prestat_get(folder, prestat) != SUCCESS) return null;
  const path = new StaticArray<u8>(load<u32>(prestat, 4));
  if (fd_prestat_dir_name(folder, changetype<usize>(path), path.length) != SUCCESS) return null;
  const mount = String.UTF8.decodeUnsafe(changetype<usize>(path), path.length);
  return mount.endsWith('/') ? mount : mount + '/';
}

function readAll(fd: u32): ArrayBuffer {
  const iov = memory.data(8);
  const read = memory.data(4);
  let bytes = new ArrayBuffer(FIRST_BUFFER);
  let length: i32 = 0;
  while (true) {
    if (length == bytes.byteLength) {
      const larger = new ArrayBuffer(2 * length);
      memory.copy(changetype<usize>(larger), changetype<usize>(bytes), length);
      bytes = larger;
    }
    store<u32>(iov, (changetype<usize>(bytes) + length) as u32, 0);
    store<u32>(iov, bytes.byteLength - length, 4);
    assert(fd_read(fd, iov, 1, read) == SUCCESS, 'cannot read the input');
    if (load<u32>(read) == 0) return bytes.slice(0, length);
    length += load<u32>(read);
  }
}

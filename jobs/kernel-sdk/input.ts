/**
 * What a unit reads: stdin, and the files that the job document names under `run.files`. Both are
 * read whole: a unit's input is held in memory by the host anyway.
 *
 *   const samples = Float32Array.wrap(readFile("/data/scan.f32"));
 */
import {
  fd_close,
  fd_prestat_dir_name,
  fd_prestat_get,
  fd_read,
  path_open,
  SUCCESS,
} from './wasi_snapshot_preview1';

const STDIN: u32 = 0;
/** Hosts hand out the folders a kernel may open as descriptors from 3 on. */
const FIRST_FOLDER: u32 = 3;
const RIGHT_TO_READ: u64 = 2;
/** Grow by doubling from one Wasm page: as many calls as the input has doublings. */
const FIRST_BUFFER: i32 = 65536;

export function readStdin(): ArrayBuffer {
  return readAll(STDIN);
}

/** The bytes of the file at this absolute path. Traps when there is none: a unit without its input has no answer. */
export function readFile(path: string): ArrayBuffer {
  for (let folder = FIRST_FOLDER; ; folder++) {
    const prefix = folderPath(folder);
    assert(prefix !== null, 'no file ' + path);
    if (!path.startsWith(prefix!)) continue;
    const fd = openBelow(folder, path.substring(prefix!.length));
    if (fd == 0) continue;
    const bytes = readAll(fd);
    fd_close(fd);
    return bytes;
  }
}

export function text(bytes: ArrayBuffer): string {
  return String.UTF8.decode(bytes);
}

/** Where a folder of the host is mounted, with a slash at the end; null beyond the last folder. */
function folderPath(fd: u32): string | null {
  const prestat = memory.data(8);
  if (fd_prestat_get(fd, prestat) != SUCCESS) return null;
  const path = new StaticArray<u8>(load<u32>(prestat, 4));
  if (fd_prestat_dir_name(fd, changetype<usize>(path), path.length) != SUCCESS) return null;
  const name = String.UTF8.decodeUnsafe(changetype<usize>(path), path.length);
  return name.endsWith('/') ? name : name + '/';
}

/** A descriptor for reading, or 0 (which is stdin, never a file) when there is no such file. */
function openBelow(folder: u32, path: string): u32 {
  const name = String.UTF8.encode(path);
  const opened = memory.data(4);
  const followLinks: u32 = 1;
  const errno = path_open(
    folder,
    followLinks,
    changetype<usize>(name),
    name.byteLength,
    0,
    RIGHT_TO_READ,
    0,
    0,
    opened,
  );
  return errno == SUCCESS ? load<u32>(opened) : 0;
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

/**
 * The few calls of WASI preview 1 that a kernel needs, as the host sees them: pointers and
 * lengths. A kernel uses the friendlier files beside this one. The compiler takes the name of this
 * file as the name of the module to import from; what is never called is not imported.
 */

/** 0 is success; the others are the errno values of the specification. */
export type Errno = u16;
export const SUCCESS: Errno = 0;
export const NOENT: Errno = 44;

export declare function args_sizes_get(count: usize, bytes: usize): Errno;

export declare function args_get(pointers: usize, text: usize): Errno;

export declare function environ_sizes_get(count: usize, bytes: usize): Errno;

export declare function environ_get(pointers: usize, text: usize): Errno;

export declare function fd_read(fd: u32, iovs: usize, iovsCount: u32, bytesRead: usize): Errno;

export declare function fd_write(fd: u32, iovs: usize, iovsCount: u32, bytesWritten: usize): Errno;

export declare function fd_close(fd: u32): Errno;

export declare function fd_prestat_get(fd: u32, prestat: usize): Errno;

export declare function fd_prestat_dir_name(fd: u32, path: usize, pathBytes: usize): Errno;

export declare function path_open(
  fd: u32,
  lookupFlags: u32,
  path: usize,
  pathBytes: usize,
  openFlags: u16,
  rights: u64,
  rightsInheriting: u64,
  fdFlags: u16,
  opened: usize,
): Errno;

export declare function random_get(bytes: usize, length: usize): Errno;

export declare function proc_exit(code: u32): void;

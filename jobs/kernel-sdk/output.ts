/**
 * What a kernel says. stdout is the unit's result: it is compared byte for byte with what other
 * hosts say, so print nothing there that could differ between them. stderr is for people.
 *
 *   print(`{"count":${count},"mean":${json(mean)}}`);
 */
import { fd_write, proc_exit, SUCCESS } from './wasi_snapshot_preview1';

export const STDOUT: u32 = 1;
export const STDERR: u32 = 2;

/** One line of the result. */
export function print(line: string): void {
  writeText(STDOUT, line + '\n');
}

/** One line for whoever looks into a failure. */
export function warn(line: string): void {
  writeText(STDERR, line + '\n');
}

export function writeText(fd: u32, text: string): void {
  const bytes = String.UTF8.encode(text);
  writeBytes(fd, changetype<usize>(bytes), bytes.byteLength);
}

/** Writes all of it, or traps: a result that lost its end must not look like one. */
export function writeBytes(fd: u32, from: usize, byteLength: usize): void {
  const iov = memory.data(8);
  const written = memory.data(4);
  while (byteLength > 0) {
    store<u32>(iov, from as u32, 0);
    store<u32>(iov, byteLength as u32, 4);
    if (fd_write(fd, iov, 1, written) != SUCCESS || load<u32>(written) == 0) unreachable();
    from += load<u32>(written);
    byteLength -= load<u32>(written);
  }
}

/** Ends the kernel. 0 is success; any other code is reported as `kernel_exit`. */
export function exit(code: u32): void {
  proc_exit(code);
  unreachable();
}

/** Ends the kernel with a sentence on stderr. 2 is the code for a wrong argument. */
export function fail(sentence: string, code: u32 = 2): void {
  warn(sentence);
  exit(code);
}

/** A number as JSON, in digits that read back as the same f64. JSON has no NaN or infinity: null. */
export function json(value: f64): string {
  return isFinite(value) ? value.toString() : 'null';
}

/** The 16 upper-case hexadecimal digits of a 64-bit word. */
export function hex64(word: u64): string {
  const digits = '0123456789ABCDEF';
  let text = '';
  for (let shift = 60; shift >= 0; shift -= 4) text += digits.charAt(((word >> shift) & 15) as i32);
  return text;
}

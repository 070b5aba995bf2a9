/**
 * What a call costs beyond the flat price that the meter takes for any call out of the kernel. The
 * work of some calls grows with what they are asked for; without a price on that, a kernel could
 * make the host copy gigabytes for the fuel of one instruction. Prices are the work as measured, at
 * about one fuel a nanosecond, rounded up. They are part of what makes fuel the same everywhere; see
 * `runner.ts` before you change one.
 */
export const cost = {
  /** One name looked up on a path, one entry of a folder passed over. */
  step: 64,
  /** One buffer of a list: a view of the kernel's memory. */
  buffer: 250,
  /** What any path costs before its first step: decoded, split, its place described. */
  path: 500,
  /** One event polled, one entry listed: read, encoded, written. */
  record: 500,
  /** A name made to live in a folder: what the host allocates for it. */
  inode: 1000,
  /** Making one random byte. */
  randomByte: 2,
  /** One call of `step`: the crossing, as the meter charges it in the other direction. */
  kernelStep: 500,
} as const;

/** Bytes moved are charged as the meter charges memory.copy: 8 bytes for one. */
export const costOfBytes = (bytes: number): number => Math.ceil(bytes / 8);

/**
 * What an instruction costs in fuel: about what it costs in time, so that a second of one kernel
 * earns about what a second of another does. One unit of fuel is one plain instruction. Measured
 * with V8's optimising compiler, dependent and independent instructions alike; numerical kernels
 * use 5 to 20 fuel a nanosecond, recursion with unforeseeable branches 3.
 *
 * Fuel is the sum of these weights over the instructions that ran, wherever the meter put its
 * counters; so a change of a weight, and nothing else in the meter, changes what a finished unit
 * costs. Raise `METER_VERSION` with it: jobs pin the version, or audits would disagree.
 */
export const METER_VERSION = 1;

/** By kind of instruction; `opcodes.ts` says which instruction is of which kind. */
export const weights = {
  /** Constants, locals and structure: they become register names, or nothing. */
  free: 0,
  /** Also loads and stores: most hit the first cache, and several run at once. */
  plain: 1,
  /** Integer division and remainder: some 20 cycles, and nothing else meanwhile. */
  divide: 20,
  /** Float division and square root pipeline better. */
  floatDivide: 15,
  /** 7 cycles for calling a function that does nothing. */
  call: 10,
  /** Looks up the table and compares the signature first. */
  callIndirect: 14,
  /** Leaves the code for a moment; what it moves is charged by length. */
  bulk: 20,
  /** Asks the system; what it adds is charged by the page. */
  grow: 500,
} as const;

export type WeightClass = keyof typeof weights;

/**
 * On top of a call, one that leaves WebAssembly: what the simplest of the host's functions takes.
 * What they do with many bytes, the host charges itself.
 */
export const HOST_CALL_FUEL = 200;

/** memory.fill, copy and init move 8 bytes in the time of one plain instruction. */
export const BULK_BYTES_PER_FUEL_LOG2 = 3;

/** A fresh page of 64 KiB is faulted in and zeroed: twice what filling it costs. */
export const GROWN_PAGE_FUEL = 16_384;

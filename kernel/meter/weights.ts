/**
 * What an instruction costs in fuel: about what it costs in time, so that a second of one kernel
 * earns about what a second of another does. One unit of fuel is one plain instruction.
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
  plain: 1,
  /** An access that mostly hits the first cache; stores retire without being waited for. */
  load: 2,
  /** Integer division and remainder take ten to forty cycles. */
  divide: 12,
  /** Float division and square root pipeline better. */
  floatDivide: 8,
  call: 3,
  /** Looks up the table and compares the signature first. */
  callIndirect: 6,
} as const;

export type WeightClass = keyof typeof weights;

/** A call that leaves WebAssembly: the crossing and what the host does, some hundred nanoseconds. */
export const HOST_CALL_FUEL = 500;

/** memory.fill, copy and init move about 8 bytes in the time of one plain instruction. */
export const BULK_BYTES_PER_FUEL_LOG2 = 3;

/** A fresh page of 64 KiB is faulted in and zeroed: twice what filling it costs. */
export const GROWN_PAGE_FUEL = 16_384;

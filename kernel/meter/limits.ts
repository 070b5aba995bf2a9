/**
 * Caps against modules that are cheap to send and dear to compile or to run. Each is well above
 * what the largest real module tried needs (Ruby's interpreter, 16.7 MB, is the yardstick) and well
 * below what makes a compiler suffer.
 */
export const kernelLimits = {
  /** Ruby's interpreter has 16.7 MB. */
  moduleBytesMax: 32 * 1024 * 1024,
  /** Ruby has about 25,000; a million empty functions took V8 1.5 s. */
  functionsMax: 100_000,
  /** Distinct signatures; Ruby has a few hundred. */
  typesMax: 10_000,
  /** V8 allows 1,000 of each; compilers return big values through memory. */
  paramsMax: 255,
  resultsMax: 32,
  /** All of WASI preview 1 and `manyhands` is 48; a linker may name one twice. */
  importsMax: 100,
  exportsMax: 10_000,
  globalsMax: 10_000,
  /** Two would do; a table is small when its entries are. */
  tablesMax: 16,
  /** A function pointer each. 10 million entries took V8 1.5 s to make. */
  tableEntriesMax: 200_000,
  elementSegmentsMax: 10_000,
  dataSegmentsMax: 50_000,
  /** Ruby's biggest function has 169. */
  localsMax: 1_000,
  /** Ruby's biggest function has 138 kB; V8 refuses above 7.6 MB. */
  bodyBytesMax: 1024 * 1024,
  /** Blocks within blocks, one for each case of a `switch`; Ruby's interpreter has 617. */
  nestingMax: 2_000,
  /**
   * Locals times control instructions (each entry of a branch table is one): the compiler keeps a
   * value for every local at every join. A 20 kB module with 49,000 locals in 3,000 nested loops
   * took V8 over 15 s and 5.7 GB.
   */
  localsTimesControlMax: 4_000_000,
} as const;

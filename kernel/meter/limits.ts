/**
 * Caps against modules that are cheap to send and dear to compile or to run. Each is well above
 * what the largest real module tried needs (Ruby's interpreter, 16.7 MB, is the yardstick) and well
 * below what makes a compiler suffer. Times are of V8's optimising compiler on a busy machine.
 */
/** All that 32 bits can address. */
export const WHOLE_MEMORY_PAGES = 65_536;

export const kernelLimits = {
  /** Ruby's interpreter has 16.7 MB. */
  moduleBytesMax: 32 * 1024 * 1024,
  /** Ruby has 17,790; a million empty functions took V8 1.5 s. */
  functionsMax: 50_000,
  /** Distinct signatures; Ruby has a few hundred. */
  typesMax: 10_000,
  /** V8 allows 1,000 of each; compilers return big values through memory. */
  paramsMax: 255,
  resultsMax: 32,
  /** All of WASI preview 1 and `manyhands` is 48; a linker may name one twice. */
  importsMax: 100,
  exportsMax: 10_000,
  globalsMax: 10_000,
  /** The second is refused when it is read, with a word about multi-memory. */
  memoriesRead: 2,
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
   * Locals times control instructions (blocks, branches, each entry of a branch table): at every
   * join the compiler may keep a value for every local. Ruby's worst function has 1.2 million, all
   * of it 9.5 million. Four million took V8 a third of a second and 400 MB.
   */
  controlStateMax: 4_000_000,
  moduleControlStateMax: 50_000_000,
  /**
   * Loops are the dearest: a loop carries every local around, and V8's time grows with the square of
   * their number. 20 kB with 1,000 locals in 2,000 nested loops took it 59 s and 2.5 GB; 10,000
   * loops in a row 6 s. Ruby's worst function has 154, nested 7 deep.
   */
  loopsMax: 1_000,
  loopNestingMax: 50,
  /** Loops times their locals (and 16, for what a loop costs without any). Ruby has 11,000. */
  loopStateMax: 100_000,
  /** Ruby has 260,000. Two million took V8 a few seconds. */
  moduleLoopStateMax: 2_000_000,
  /** Places where the meter inserts code; Ruby has 0.8 million. These take it 2 s and 600 MB. */
  sitesMax: 2_500_000,
} as const;

/**
 * Every ceiling on what a stranger may send. Both sides read them here; each has its reason.
 */
export const limits = {
  /** A job document with an explicit list of units, as JSON. 609 exponents take 4 KiB. */
  documentBytesMax: 4 * 1024 * 1024,
  nameCharsMax: 120,
  /** An index is a JS number in JSON and in Lua: 10^12 leaves a thousandfold margin to 2^53. */
  unitsPerJobMax: 1_000_000_000_000,
  listUnitsMax: 100_000,
  sweepDimensionsMax: 16,
  sweepValuesMax: 10_000,
  /** Fields with a tolerance of their own. */
  tolerancesMax: 64,
  /** Outputs whose numbers the coordinator compares: it holds up nobody for more than some milliseconds. */
  comparedBytesMax: 1024 * 1024,
  argsMax: 256,
  argCharsMax: 4096,
  envMax: 64,
  filesMax: 64,
  guestPathCharsMax: 255,
  outputsMax: 16,
  /** 2^53 - 1: fuel is a JS number in memory. About 50 days of one core in one unit. */
  fuelMax: Number.MAX_SAFE_INTEGER,
  memoryBytesMax: 4 * 1024 * 1024 * 1024 - 65_536,
  outputBytesMax: 64 * 1024 * 1024,
  /** A day: beyond it a unit should be split or checkpointed. */
  wallMsMax: 86_400_000,

  /** One WebSocket frame either way: 256 results of 1 KiB and their envelopes fit in it. */
  frameBytesMax: 1024 * 1024,
  /** Messages that share a frame: a report and the next want of each of some thirty leases. Each frame
   *  costs both sides two calls of the system, which is more than a small message does. */
  messagesPerFrameMax: 64,
  /** Output up to here rides in the report and in the journal; above it is an artifact. */
  inlineOutputBytesMax: 1024,
  resultsPerReportMax: 256,
  unitsPerWantMax: 256,
  /** Wants of one host that are kept until there is work; a frame's worth. */
  wantsWaitingMax: 16,
  leasesPerHelloMax: 64,
  leasesPerProgressMax: 256,
  runsPerLeaseMax: 256,
  tokenCharsMax: 16_384,
  detailCharsMax: 500,
  hostNameCharsMax: 60,
  coresMax: 4096,

  /** A line in a list of tokens, or of the audit log. */
  tokenNameCharsMax: 60,
  reasonCharsMax: 200,
  /** Ten years: a token that lives longer is one without an end. */
  tokenLifeMsMax: 10 * 365 * 86_400_000,
  /** Lines of the audit log in one answer; more come by asking for what was before. */
  auditEntriesMax: 500,

  artifactBytesMax: 512 * 1024 * 1024,
  kernelBytesMax: 64 * 1024 * 1024,
} as const;

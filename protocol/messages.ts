/**
 * The WebSocket messages. Frames are MessagePack; a text frame is read as JSON, with bytes in
 * base64url, and answered in JSON: handy for debugging. Any frame that does not fit its schema ends
 * the session with a documented code. A frame is one message, or several in an array: then what
 * answers them comes in one frame too, which saves both sides most of what a small message costs.
 * docs/PROTOCOL.md tells the order and gives an example of each.
 */
import { z } from 'zod';
import { countrySchema } from './countries.ts';
import { namedFeaturesSchema } from './features.ts';
import { accountIdSchema, digestSchema, hostIdSchema, jobIdSchema, leaseIdSchema } from './ids.ts';
import { runLimitsSchema, runSchema } from './job.ts';
import { limits } from './limits.ts';
import { outcomeSchema, verdictSchema } from './outcome.ts';
import { unitRuleSchema } from './unit-rule.ts';

const fromBase64url = (text: string): Uint8Array =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
const base64url = z
  .string()
  // A last group of one character encodes no byte, and atob would throw.
  .regex(/^(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2,3})?$/, 'expected base64url')
  .transform(fromBase64url);
const bytes = z.union([z.instanceof(Uint8Array), base64url]);
const exactly = (length: number) =>
  bytes.refine((value) => value.length === length, `expected ${length} bytes`);
const atMost = (length: number) =>
  bytes.refine((value) => value.length <= length, `expected at most ${length} bytes`);

const unitIndex = z.int().min(0).max(limits.unitsPerJobMax);
const fuel = z.int().min(0).max(limits.fuelMax);
const messageId = z.int().min(0);
const token = z.string().min(1).max(limits.tokenCharsMax);
const displayName = z
  .string()
  .max(limits.hostNameCharsMax)
  .regex(/^[^\p{Cc}]*$/u);
/** Consecutive units as [from, count]. */
const unitRuns = z
  .array(z.tuple([unitIndex, z.int().min(1).max(limits.unitsPerWantMax)]))
  .min(1)
  .max(limits.runsPerLeaseMax);
export type UnitRuns = z.infer<typeof unitRuns>;

// ---- host → coordinator

export const helloSchema = z.strictObject({
  type: z.literal('hello'),
  protocol: z.int(),
  version: z.string().max(40),
  platform: z.enum(['node', 'browser']),
  hostKey: exactly(32),
  accountKey: exactly(32),
  certificate: exactly(64),
  signature: exactly(64),
  name: displayName,
  team: displayName.nullable(),
  /** Said when the host first works here; later it changes nothing. */
  country: countrySchema.optional(),
  cores: z.int().min(1).max(limits.coresMax),
  memoryBytes: z.int().min(0),
  /** What its WebAssembly can do, of what hosts differ in (features.ts). */
  features: namedFeaturesSchema,
  /** Leases the host still holds, to take up again; `units` are those not yet reported. */
  leases: z.array(z.strictObject({ token, units: unitRuns })).max(limits.leasesPerHelloMax),
});

export const wantSchema = z.strictObject({
  type: z.literal('want'),
  id: messageId,
  /** At most this many units. The coordinator may send fewer, or none and a reason. */
  units: z.int().min(1).max(limits.unitsPerWantMax),
});

export const resultSchema = z.strictObject({
  unit: unitIndex,
  outcome: outcomeSchema,
  exitCode: z.int().nullable(),
  fuel,
  /** SHA-256 of the encoded output (protocol/output.ts), also when the output is empty. */
  digest: exactly(32),
  /** The encoded output when it is small; null when it was uploaded as an artifact. */
  output: atMost(limits.inlineOutputBytesMax).nullable(),
  /** A sentence for the scientist when the outcome is not success: the trap, the tail of stderr. */
  detail: z.string().max(limits.detailCharsMax),
  wallMs: z.int().min(0),
});
export type HostResult = z.infer<typeof resultSchema>;

/** Checked as one value: a schema for each of hundreds of numbers costs more than all else. */
export function isFuels(value: unknown): value is number[] {
  if (!Array.isArray(value)) return false;
  for (const one of value) if (!Number.isSafeInteger(one) || one < 0) return false;
  return true;
}
const fuels = z.custom<number[]>(isFuels, 'expected an array of fuel');

/**
 * Successes with small outputs, which nearly all results are, in columns: a few numbers and their
 * bytes each. protocol/report.ts turns results into columns and back.
 */
export const successesSchema = z.strictObject({
  /** Ascending. */
  units: unitRuns,
  /** One for each unit. */
  fuel: fuels,
  /** Their encoded outputs, one after the other: each tells where it ends. */
  outputs: bytes,
  /** All of them together. */
  wallMs: z.int().min(0),
});
export type Successes = z.infer<typeof successesSchema>;

export const reportSchema = z.strictObject({
  type: z.literal('report'),
  id: messageId,
  token,
  /** Results whose `output` is here and whose exit code is 0 may go in columns… */
  successes: successesSchema.nullable(),
  /** …and any result one by one. */
  results: z.array(resultSchema).max(limits.resultsPerReportMax),
});
export type Report = z.infer<typeof reportSchema>;

export const progressSchema = z.strictObject({
  type: z.literal('progress'),
  leases: z.array(leaseIdSchema).max(limits.leasesPerProgressMax),
});

export const releaseSchema = z.strictObject({
  type: z.literal('release'),
  token,
  units: unitRuns,
});

export const byeSchema = z.strictObject({ type: z.literal('bye') });

export const hostMessageSchema = z.discriminatedUnion('type', [
  helloSchema,
  wantSchema,
  reportSchema,
  progressSchema,
  releaseSchema,
  byeSchema,
]);
export type HostMessage = z.infer<typeof hostMessageSchema>;
/** Several messages in one frame. */
export const hostMessagesSchema = z.array(hostMessageSchema).min(1).max(limits.messagesPerFrameMax);
export type Hello = z.infer<typeof helloSchema>;

// ---- coordinator → host

export const challengeSchema = z.strictObject({
  type: z.literal('challenge'),
  protocol: z.int(),
  gridId: z.string(),
  nonce: exactly(32),
});

export const welcomeSchema = z.strictObject({
  type: z.literal('welcome'),
  hostId: hostIdSchema,
  accountId: accountIdSchema,
  /** For uploading artifacts over HTTP, as a bearer token; valid as long as the session. */
  uploadToken: token,
  renewEveryMs: z.int().min(1),
  /** Of the leases that hello presented, those that still stand. The others are to be dropped. */
  heldLeases: z.array(leaseIdSchema),
  creditMicro: z.string(),
  units: z.int(),
});

/** What a host needs to run any unit of a job. */
export const jobBriefSchema = z.strictObject({
  jobId: jobIdSchema,
  name: z.string(),
  /** The metered kernel: what the coordinator made of the scientist's. */
  kernel: digestSchema,
  kernelBytes: z.int(),
  /** Whether a unit that runs may be saved and go on later: its kernel is prepared for that. */
  migratable: z.boolean(),
  run: runSchema,
  limits: runLimitsSchema,
  /** Null when the rule is long: then each lease carries its units' parameters. */
  units: unitRuleSchema.nullable(),
});
export type JobBrief = z.infer<typeof jobBriefSchema>;

export const leaseSchema = z.strictObject({
  leaseId: leaseIdSchema,
  token,
  jobId: jobIdSchema,
  units: unitRuns,
  params: z.array(z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))).nullable(),
  /** Relative, because two machines' clocks differ. Each `progress` starts it anew. */
  expiresInMs: z.int().min(1),
});
export type Lease = z.infer<typeof leaseSchema>;

export const leaseMessageSchema = z.strictObject({
  type: z.literal('lease'),
  want: messageId,
  leases: z.array(leaseSchema).min(1),
  /** Briefs of jobs that this session has not been told of yet. */
  jobs: z.array(jobBriefSchema),
});

/** Why there is nothing to do. */
export const noWorkReasons = [
  'no_jobs',
  'nothing_left',
  'too_small',
  'lacks_feature',
  'tried_before',
  'enough_in_hand',
  'backing_off',
  'quarantined',
  'draining',
  'storage',
  'strained',
] as const;
export type NoWorkReason = (typeof noWorkReasons)[number];
export const noWorkSchema = z.strictObject({
  type: z.literal('noWork'),
  want: messageId,
  reason: z.enum(noWorkReasons),
  /** Null: the want is kept and answered the moment work appears. */
  retryAfterMs: z.int().nullable(),
});

export const recordedSchema = z.strictObject({
  type: z.literal('recorded'),
  report: messageId,
  /** For each result in the report's order, successes first; equal neighbours as [verdict, count]. */
  verdicts: z.array(z.tuple([verdictSchema, z.int().min(1)])),
});

export const cancelSchema = z.strictObject({
  type: z.literal('cancel'),
  leaseId: leaseIdSchema,
  reason: z.enum(['job_cancelled', 'job_paused', 'unit_decided', 'lease_expired']),
});

export const creditedSchema = z.strictObject({
  type: z.literal('credited'),
  creditMicro: z.string(),
  units: z.int(),
});

export const noticeSchema = z.strictObject({
  type: z.literal('notice'),
  code: z.string(),
  text: z.string(),
  /** The report or want it answers, when it answers one. */
  about: messageId.nullable(),
});

export const coordinatorMessageSchema = z.discriminatedUnion('type', [
  challengeSchema,
  welcomeSchema,
  leaseMessageSchema,
  noWorkSchema,
  recordedSchema,
  cancelSchema,
  creditedSchema,
  noticeSchema,
]);
export type VerdictRuns = z.infer<typeof recordedSchema>['verdicts'];
export type CoordinatorMessage = z.infer<typeof coordinatorMessageSchema>;
/** Several messages in one frame. */
export const coordinatorMessagesSchema = z.array(coordinatorMessageSchema).min(1);

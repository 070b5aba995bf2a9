/**
 * Bodies of the HTTP API under /v1. Fuel and credit are decimal strings: they outgrow the numbers
 * that JSON readers keep exactly. Times are ISO 8601 in UTC.
 */
import { z } from 'zod';
import { countrySchema } from './countries.ts';
import { accountIdSchema, digestSchema, hostIdSchema, jobIdSchema, teamIdSchema } from './ids.ts';
import { jobDocumentSchema, jobStates, pauseCauses } from './job.ts';
import { outcomeSchema, verdictSchema } from './outcome.ts';

/** POST /v1/jobs answers 201 with this. */
export const submittedSchema = z.object({
  jobId: jobIdSchema,
  units: z.int(),
  /** Where its level asks for something that nobody here has at the moment: what. */
  notice: z.string().optional(),
});
export type Submitted = z.infer<typeof submittedSchema>;

/** An estimate of the seconds left, as a range; null while there is too little to go by. */
export const etaSchema = z.object({ secondsMin: z.number(), secondsMax: z.number() }).nullable();
export type Eta = z.infer<typeof etaSchema>;

/** GET /v1/jobs/{id}. `canonical + failed + running + waiting` is `units`. */
export const jobViewSchema = z.object({
  jobId: jobIdSchema,
  name: z.string(),
  state: z.enum(jobStates),
  /** Why it is paused; null when it is not. */
  paused: z.object({ cause: z.enum(pauseCauses), reason: z.string() }).nullable(),
  /** Whose it is; null for jobs from before jobs had owners. */
  owner: accountIdSchema.nullable(),
  /** Whether others than its owner and operators see it; its results take a token in any case. */
  public: z.boolean(),
  /** Whether the mint pays for it. */
  curated: z.boolean(),
  units: z.int(),
  /** Units with an accepted canonical result. */
  canonical: z.int(),
  /** Of those, how many can no longer be revoked. */
  final: z.int(),
  failed: z.int(),
  /** Accounts of which nobody was there to check anything before it was complete. */
  unchecked: z.int(),
  running: z.int(),
  waiting: z.int(),
  fuel: z.string(),
  creditMicro: z.string(),
  unitsPerSecond: z.number(),
  eta: etaSchema,
  submittedAt: z.iso.datetime(),
  /** When its last unit was accepted or failed; it is complete when its hosts were checked as well. */
  decidedAt: z.iso.datetime().nullable(),
  completedAt: z.iso.datetime().nullable(),
});
export type JobView = z.infer<typeof jobViewSchema>;

/** GET /v1/jobs, newest first. */
export const jobListSchema = z.object({
  jobs: z.array(jobViewSchema),
  /** What to ask `after` for the next page; null at the end. */
  more: z.string().nullable(),
});
export type JobList = z.infer<typeof jobListSchema>;

/** GET /v1/jobs/{id}/document */
export const jobDocumentViewSchema = z.object({ jobId: jobIdSchema, document: jobDocumentSchema });

/** One line of GET /v1/jobs/{id}/results, which is JSONL in the order of the units. */
export const resultLineSchema = z.object({
  unit: z.int(),
  params: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  verdict: verdictSchema,
  outcome: outcomeSchema,
  fuel: z.string(),
  digest: digestSchema,
  /** The parsed JSON when stdout is one JSON value, else the text; null for a failed unit. */
  output: z.json(),
  /** Declared output files, by guest path, in base64. */
  files: z.record(z.string(), z.string()),
  /** Present on failed units: why, in a sentence. */
  detail: z.string().optional(),
});
export type ResultLine = z.infer<typeof resultLineSchema>;

/** One line of GET /v1/jobs/{id}/revocations: the result that a unit has now, and the how many-eth it is. */
export const revocationLineSchema = resultLineSchema.extend({ revocation: z.int() });
export type RevocationLine = z.infer<typeof revocationLineSchema>;

/** PUT /v1/artifacts/{digest} answers 201 with this. */
export const artifactStoredSchema = z.object({ digest: digestSchema, bytes: z.int() });

/** GET /v1/jobs/{id}/units/{unit}/credit */
export const unitCreditSchema = z.object({
  jobId: jobIdSchema,
  unit: z.int(),
  /** `due`: decided, and not yet in a receipt. */
  state: z.enum(['undecided', 'failed', 'due', 'pending', 'available', 'revoked']),
  fuel: z.string(),
  fuelPerMicro: z.string(),
  /** The unit's own share: fuel / fuelPerMicro, rounded down. */
  creditMicro: z.string(),
  accountId: accountIdSchema.nullable(),
  hostId: hostIdSchema.nullable(),
  /** Whose result was accepted before, and was proven wrong: what it was paid was taken back. */
  disproved: z.object({ accountId: accountIdSchema, hostId: hostIdSchema }).optional(),
  /** The account's receipt that grants it, and the entries of the ledger that this one tells of. */
  paid: z
    .object({
      receipt: z.int(),
      entries: z.tuple([z.int(), z.int()]),
      at: z.iso.datetime(),
      /** At the latest. */
      finalBy: z.iso.datetime(),
    })
    .nullable(),
});
export type UnitCredit = z.infer<typeof unitCreditSchema>;

/** GET /v1/leaderboard */
export const standingSchema = z.object({
  rank: z.int(),
  accountId: accountIdSchema,
  name: z.string(),
  creditMicro: z.string(),
  /** Recent average credit a day, in microcredit; half-life seven days. */
  rac: z.string(),
  units: z.int(),
});
export type Standing = z.infer<typeof standingSchema>;
export const leaderboardSchema = z.object({ standings: z.array(standingSchema) });

/** GET /v1/leaderboard?teams=1 */
export const teamStandingSchema = standingSchema
  .omit({ accountId: true })
  .extend({ teamId: teamIdSchema });
export type TeamStanding = z.infer<typeof teamStandingSchema>;
export const teamLeaderboardSchema = z.object({ standings: z.array(teamStandingSchema) });

/** GET /v1/leaderboard?countries=1 */
export const countryStandingSchema = standingSchema
  .omit({ accountId: true, name: true })
  .extend({ country: countrySchema });
export type CountryStanding = z.infer<typeof countryStandingSchema>;
export const countryLeaderboardSchema = z.object({ standings: z.array(countryStandingSchema) });

/** GET /v1/standings/{kind}/{id}: one row, wherever it stands, and what it earned day by day. */
export const placeSchema = z.object({
  id: z.string(),
  creditMicro: z.string(),
  rac: z.string(),
  units: z.int(),
  /** Counted from 1; the second is null when nothing was earned lately. */
  rank: z.int(),
  rankRecent: z.int().nullable(),
  /** The last 31 days, oldest first. */
  days: z.array(z.object({ day: z.iso.date(), creditMicro: z.string() })),
});
export type Place = z.infer<typeof placeSchema>;

/** GET /v1/grid */
export const gridViewSchema = z.object({
  gridId: z.string(),
  /** The Ed25519 key that signs receipts, raw, in base64url. */
  publicKey: z.string(),
  version: z.string(),
  protocol: z.int(),
  hosts: z.int(),
  jobs: z.int(),
});
export type GridView = z.infer<typeof gridViewSchema>;

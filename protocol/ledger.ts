/**
 * The ledger as it is written down and checked: one entry a line, as JSON. An entry moves microcredit
 * between accounts and sums to zero; it names the hash of the line before it, so that nothing can be
 * changed or left out without every later line telling. Amounts are decimal strings: they outgrow the
 * numbers that JSON readers keep exactly. Bound: 64 bits a balance, 9.2 * 10^12 credits.
 *
 * Accounts of the ledger:
 *
 *   mint                      where all credit comes from; below zero
 *   fee                       what escrow jobs pay beside the work; nobody's
 *   baddebt                   what was paid and could not be had yet from who owes it; below zero
 *   volunteer:<a>:pending     earned, and may still be revoked
 *   volunteer:<a>:available   earned for good: may be spent on one's own jobs
 *   scientist:<a>             to be spent on jobs of account a
 *   escrow:<job>              set aside for a job
 */
import { z } from 'zod';
import { accountIdSchema, hostIdSchema, jobIdSchema, teamIdSchema } from './ids.ts';

export const entryKinds = ['award', 'final', 'allow', 'refund'] as const;
export type EntryKind = (typeof entryKinds)[number];

const count = z.int().min(0);
const micro = z.string().regex(/^(0|-?[1-9][0-9]{0,18})$/, 'expected whole microcredit');
export const hashSchema = z.string().regex(/^[0-9a-f]{64}$/, 'expected a SHA-256 in hex');

/** What one host earned in one job, or lost again: which units, and what for. */
export const grantSchema = z.strictObject({
  kind: z.enum(['grant', 'revoke']),
  accountId: accountIdSchema,
  hostId: hostIdSchema,
  jobId: jobIdSchema,
  /** Indices of units as [from, count], ascending and apart from each other. */
  units: z.array(z.tuple([count, z.int().min(1)])).min(1),
  /** What the account got (or gave back) for them: fuel / 10^6 of each unit, rounded down. */
  micro,
  /** It ran the job's verifier on others' results of these units, and the amount is for that. */
  isVerdict: z.literal(true).optional(),
  /** What it was taken from, or goes back to: `mint` or `escrow:<job>`. */
  payer: z.string(),
  /** What the payer paid beside it. */
  fee: micro,
});
export type GrantLine = z.infer<typeof grantSchema>;

export const entrySchema = z.strictObject({
  number: z.int().min(1),
  /** Milliseconds since 1970. Never before the entry before. */
  at: count,
  kind: z.enum(entryKinds),
  /** SHA-256 of the line of the entry before; of the first one, 64 zeros. */
  prev: hashSchema,
  /** The outbox records that it pays, of an award. */
  source: z.strictObject({ partition: count, from: count, to: count }).nullable(),
  postings: z.array(z.tuple([z.string(), micro])),
  grants: z.array(grantSchema),
  /** Pending credit by the team it counts for and the day of its grant (since 1970), as it changed. */
  pending: z.array(
    z.tuple([accountIdSchema, hostIdSchema, jobIdSchema, teamIdSchema.nullable(), count, micro]),
  ),
});
export type EntryLine = z.infer<typeof entrySchema>;

/** `prev` of the first entry, and of an account's first receipt. */
export const noHash = '0'.repeat(64);

/** The last line of GET /v1/ledger: how the accounts stand after the last entry. */
export const ledgerEndSchema = z.strictObject({
  end: z.strictObject({
    number: count,
    hash: hashSchema,
    balances: z.record(z.string(), micro),
  }),
});
export type LedgerEnd = z.infer<typeof ledgerEndSchema>;

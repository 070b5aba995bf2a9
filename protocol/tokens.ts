/**
 * Tokens over HTTP: who may do what, for how long, and in whose name. The secret is in one answer,
 * that to its making, and nowhere else.
 *
 *   read     the results of public jobs, and of the account's own
 *   submit   to submit jobs; to read, pause and cancel those of the account
 *   metrics  the coordinator's metrics, and nothing else
 *   operate  everything: others' jobs, tokens, hosts, kernels, settings
 */
import { z } from 'zod';
import { accountIdSchema } from './ids.ts';
import { limits } from './limits.ts';

export const tokenScopes = ['read', 'submit', 'metrics', 'operate'] as const;
export type TokenScope = (typeof tokenScopes)[number];

const name = z
  .string()
  .max(limits.tokenNameCharsMax, `expected at most ${limits.tokenNameCharsMax} characters`)
  .regex(/^[^\p{Cc}]*$/u, 'expected a name without control characters');

/** Why something was done: a sentence for whoever reads the audit log. */
export const reasonSchema = z
  .string('expected a text')
  .max(limits.reasonCharsMax, `expected at most ${limits.reasonCharsMax} characters`)
  .regex(/^[^\p{Cc}]*$/u, 'expected a text without control characters')
  .default('');

/** The body of POST /v1/tokens. */
export const tokenRequestSchema = z.strictObject({
  scopes: z
    .array(z.enum(tokenScopes, `expected one of ${tokenScopes.join(', ')}`))
    .min(1, 'expected at least one scope')
    .refine((scopes) => new Set(scopes).size === scopes.length, 'expected each scope once'),
  name: name.default(''),
  expiresInMs: z
    .int('expected a whole number of milliseconds')
    .min(1, 'expected at least 1')
    .max(limits.tokenLifeMsMax, 'expected at most ten years')
    .nullable()
    .default(null),
  /** Whose jobs it submits: a volunteer's account, or that of an earlier token. Null makes one. */
  accountId: accountIdSchema.nullable().default(null),
});
export type TokenRequest = z.infer<typeof tokenRequestSchema>;

/** One of GET /v1/tokens, and the answer to POST /v1/tokens/{id}/revoke. */
export const tokenViewSchema = z.object({
  /** Older grids have ids of another form. */
  tokenId: z.string(),
  name: z.string(),
  scopes: z.array(z.enum(tokenScopes)),
  /** Who owns the jobs that are submitted with it. */
  accountId: accountIdSchema,
  state: z.enum(['valid', 'expired', 'revoked']),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().nullable(),
  revokedAt: z.iso.datetime().nullable(),
});
export type TokenView = z.infer<typeof tokenViewSchema>;

/** GET /v1/tokens, oldest first. */
export const tokenListSchema = z.object({ tokens: z.array(tokenViewSchema) });

/** POST /v1/tokens answers 201 with this; the secret is never told again. */
export const freshTokenSchema = tokenViewSchema.extend({ token: z.string() });
export type FreshToken = z.infer<typeof freshTokenSchema>;

/** The body of what an operator does to something: nothing, or why. */
export const actSchema = z.strictObject({ reason: reasonSchema }).prefault({});

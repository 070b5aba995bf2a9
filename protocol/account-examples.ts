/**
 * Examples of what people and operators ask over HTTP, each with its schema: the contract tests read
 * them, and docs/PROTOCOL.md shows them. They go on with the story of examples.ts.
 */
import type { z } from 'zod';
import { auditLogSchema } from './audit.ts';
import { freshTokenSchema, tokenRequestSchema, tokenViewSchema } from './tokens.ts';

const accountId = 'a7yt4k2m9q0cxw3nz';
const operator = { tokenId: 'k2b8vh6qs1r0dmw4e', tokenName: 'operator' };
const token = {
  tokenId: 'kp3w9n5xj7c1tz8fa',
  name: 'Ada’s lab',
  scopes: ['submit'] as const,
  accountId,
  state: 'valid',
  createdAt: '2026-11-22T13:00:00.000Z',
  expiresAt: '2027-02-20T13:00:00.000Z',
  revokedAt: null,
};

/** An example of a body, and what it is an example of. */
export const accountExamples: Record<string, { schema: z.ZodType; body: unknown }> = {
  'POST /v1/tokens': {
    schema: tokenRequestSchema,
    body: { scopes: token.scopes, name: token.name, expiresInMs: 7_776_000_000, accountId: null },
  },
  'a fresh token': {
    schema: freshTokenSchema,
    body: { ...token, token: 'mh_8dX2m0c1n4Rk7Qw5TzYb3Lh6Vf9Js0Pa2Gu4Ei6Ko8' },
  },
  'a token': { schema: tokenViewSchema, body: token },
  'the audit log': {
    schema: auditLogSchema,
    body: {
      entries: [
        {
          entryId: '1795352400000-0',
          at: '2026-11-22T13:00:00.000Z',
          act: 'token_create',
          target: token.tokenId,
          detail: `submit, for ${accountId}`,
          reason: token.name,
          ...operator,
        },
      ],
      more: null,
    },
  },
};

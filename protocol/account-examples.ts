/**
 * Examples of what people and operators ask over HTTP, each with its schema: the contract tests read
 * them, and docs/PROTOCOL.md shows them. They go on with the story of examples.ts.
 */
import type { z } from 'zod';
import { auditLogSchema } from './audit.ts';
import { hostListSchema } from './hosts.ts';
import { linkOfferedSchema, linkOfferSchema, linkRedeemSchema, linkSchema } from './links.ts';
import { balanceSchema, disabledKernelsSchema, settingsSchema } from './operation.ts';
import { teamViewSchema } from './teams.ts';
import { freshTokenSchema, tokenRequestSchema, tokenViewSchema } from './tokens.ts';
import { whySentences, whyViewSchema } from './why.ts';

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
  'a reason': {
    schema: whyViewSchema,
    body: {
      about: 'job',
      id: 'jvmdtzx4zyb74bny9',
      reason: 'too_small',
      sentence: whySentences.too_small,
      detail: '5 units wait, 0 are out',
    },
  },
  'a link offered': {
    schema: linkOfferedSchema,
    body: { code: 'K7Q4-M9TX', offer: 'k1.b2ZmZXI.Qm2x7Pz0c8Yt2h1N', expiresInMs: 600_000 },
  },
  'POST /v1/links/ticket': {
    schema: linkRedeemSchema,
    body: {
      code: 'K7Q4-M9TX',
      hostKey: 'u5sRuCyrpR6LyRdUjPqL8pYwQJ_GJtc4xEPh5XdqEcU',
      hostName: 'jade-heron-17',
    },
  },
  'a link redeemed': {
    schema: linkOfferSchema,
    body: {
      hostKey: 'u5sRuCyrpR6LyRdUjPqL8pYwQJ_GJtc4xEPh5XdqEcU',
      hostName: 'jade-heron-17',
    },
  },
  'a link certified': {
    schema: linkSchema,
    body: {
      accountKey: 'i8TOVJUUhoe5rCqLuT-AVs22vshJW9hdxUaxC-Kh7OU',
      certificate:
        'IUHL5u5YrvDQzCXfCDca-jdgC6eFXygQ7EEcmMKUTpJDRrYnCXvmBAQNIdgNv0dUzGys-MzWM0fHqBKKL5OkDw',
    },
  },
  'a team': {
    schema: teamViewSchema,
    body: {
      teamId: 't5q2d9k7w0xv1mz3h',
      name: 'Physics 101',
      members: 24,
      founder: 'axhtbk5pwv50nb6mk',
      foundedAt: '2026-11-20T08:15:00.000Z',
    },
  },
  'the hosts': {
    schema: hostListSchema,
    body: {
      connected: 1,
      hosts: [
        {
          hostId: 'h0f7x9asf7khdyte8',
          accountId: 'axhtbk5pwv50nb6mk',
          name: 'amber-otter-42',
          state: 'connected',
          repute: 'trusted',
          results: 1840,
          passed: 92,
          wrong: 0,
          lastResultAt: '2026-11-22T13:07:40.000Z',
          platform: 'node',
          version: '0.1.0',
          cores: 4,
          memoryBytes: 8_589_934_592,
          connectedSince: '2026-11-22T13:05:01.000Z',
        },
      ],
      bans: [
        { id: 'h6m1s8e0qz4yk2c7w', reason: 'returns noise', since: '2026-11-21T09:30:00.000Z' },
      ],
      more: null,
    },
  },
  'disabled kernels': {
    schema: disabledKernelsSchema,
    body: {
      kernels: [
        {
          digest: 'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
          reason: 'mines coins',
          since: '2026-11-21T09:31:00.000Z',
        },
      ],
    },
  },
  'a balance': {
    schema: balanceSchema,
    body: {
      accountId: 'a7yt4k2m9q0cxw3nz',
      pendingMicro: '41',
      availableMicro: '0',
      scientistMicro: '987000000',
      escrowMicro: '10000000',
      owedMicro: '0',
    },
  },
  'the settings': {
    schema: settingsSchema,
    body: {
      mintDailyMicro: '5000000000',
      allowanceMicro: '1000000000',
      mintedTodayMicro: '1200000000',
    },
  },
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

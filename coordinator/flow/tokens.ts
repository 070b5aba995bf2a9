/** Tokens come, are listed and are revoked. The secret is told once, to whoever had it made. */
import { createHash } from 'node:crypto';
import { GridError } from '../../protocol/errors.ts';
import { idFromBytes, type TokenId } from '../../protocol/ids.ts';
import type { FreshToken, TokenRequest, TokenView } from '../../protocol/tokens.ts';
import { auditLine } from '../domain/audit.ts';
import { type TokenFacts, tokenState } from '../domain/token.ts';
import type { Context } from './context.ts';

/** 256 bits: a fast hash is enough for what nobody can guess. */
const secretBytes = 32;

export async function createToken(
  context: Context,
  by: TokenFacts,
  { scopes, name, expiresInMs, accountId }: TokenRequest,
): Promise<FreshToken> {
  const now = context.now();
  const token = `mh_${Buffer.from(context.randomBytes(secretBytes)).toString('base64url')}`;
  const hash = createHash('sha256').update(token).digest();
  const facts: TokenFacts = {
    tokenId: idFromBytes('k', hash),
    name,
    scopes,
    accountId: accountId ?? idFromBytes('a', context.randomBytes(10)),
    createdAt: now,
    expiresAt: expiresInMs === null ? null : now + expiresInMs,
    revokedAt: null,
  };
  const target = facts.tokenId;
  const detail = `${scopes.join(', ')}, for ${facts.accountId}`;
  const { registry } = context.store;
  await registry.logAct(auditLine(by, now, { act: 'token_create', target, detail, reason: name }));
  await registry.saveToken(hash.toString('hex'), facts);
  return { ...toView(facts, now), token };
}

/** Oldest first; those that are over too, as the audit log names them. */
export async function listTokens(context: Context): Promise<TokenView[]> {
  const all = await context.store.registry.listTokens();
  return all.map((facts) => toView(facts, context.now()));
}

/** Throws GridError `token_unknown`. To revoke again changes nothing. */
export async function revokeToken(
  context: Context,
  by: TokenFacts,
  tokenId: TokenId,
  reason: string,
): Promise<TokenView> {
  const { registry } = context.store;
  const known = (await registry.listTokens()).find((facts) => facts.tokenId === tokenId);
  if (known === undefined) throw new GridError('token_unknown', tokenId);
  const now = context.now();
  await registry.logAct(
    auditLine(by, now, { act: 'token_revoke', target: tokenId, detail: known.name, reason }),
  );
  return toView((await registry.revokeToken(tokenId, now)) ?? known, now);
}

const toView = (facts: TokenFacts, now: number): TokenView => ({
  tokenId: facts.tokenId,
  name: facts.name,
  scopes: facts.scopes,
  accountId: facts.accountId,
  state: tokenState(facts, now),
  createdAt: iso(facts.createdAt),
  expiresAt: facts.expiresAt === null ? null : iso(facts.expiresAt),
  revokedAt: facts.revokedAt === null ? null : iso(facts.revokedAt),
});

const iso = (time: number): string => new Date(time).toISOString();

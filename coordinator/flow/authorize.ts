/**
 * Who may do what. A bearer token is a random secret whose SHA-256 is stored with its scopes; each
 * request looks it up, so what is revoked is refused from the next request on. An upload token is
 * sealed for one host and a limited time, and lets it upload outputs only.
 */
import { createHash } from 'node:crypto';
import { GridError } from '../../protocol/errors.ts';
import type { AccountId, HostId, JobId } from '../../protocol/ids.ts';
import type { TokenScope } from '../../protocol/tokens.ts';
import { hasScope, mayUse, type TokenFacts, tokenState } from '../domain/token.ts';
import type { Context } from './context.ts';

/** A day: sessions live hours, and each reconnection brings a fresh one. */
const uploadTokenMs = 86_400_000;

export const tokenHash = (token: string): string =>
  createHash('sha256').update(token).digest('hex');

/**
 * The token's facts when it has one of the scopes. Throws GridError `unauthorized`, `token_expired`,
 * `token_revoked` or `forbidden`.
 */
export async function authorize(
  context: Context,
  token: string | null,
  ...scopes: TokenScope[]
): Promise<TokenFacts> {
  if (token === null) throw new GridError('unauthorized');
  const facts = await context.store.registry.findToken(tokenHash(token));
  if (facts === null) throw new GridError('unauthorized', 'This token is not known here.');
  const state = tokenState(facts, context.now());
  if (state === 'expired') throw new GridError('token_expired', `Its id is ${facts.tokenId}.`);
  if (state === 'revoked') throw new GridError('token_revoked', `Its id is ${facts.tokenId}.`);
  if (!hasScope(facts, ...scopes)) {
    throw new GridError(
      'forbidden',
      `It takes the scope ${scopes.join(' or ')}; this token has ${facts.scopes.join(', ') || 'none'}.`,
    );
  }
  return facts;
}

/** As `authorize`, for a job of the token's own; also throws `job_unknown`. */
export async function authorizeForJob(
  context: Context,
  token: string | null,
  jobId: JobId,
  use: 'read' | 'change',
): Promise<TokenFacts> {
  const scopes: TokenScope[] = use === 'read' ? ['read', 'submit'] : ['submit'];
  const facts = await authorize(context, token, ...scopes);
  const job = await context.jobs.facts(jobId);
  if (job === null) throw new GridError('job_unknown', jobId);
  if (!mayUse(facts, job, use)) {
    const what = use === 'read' ? 'The job is private: its' : 'It is another scientist’s job: its';
    throw new GridError('forbidden', `${what} owner may, and operators.`);
  }
  return facts;
}

export const uploadToken = (context: Context, hostId: HostId, accountId: AccountId): string =>
  context.sealer.seal('upload', [hostId, accountId, context.now() + uploadTokenMs]);

/** Whether the token lets a host upload outputs now. Throws GridError `host_banned`. */
export async function isUploadToken(context: Context, token: string): Promise<boolean> {
  const facts = context.sealer.open('upload', token);
  if (!Array.isArray(facts) || !(facts[2] > context.now())) return false;
  const banned = await context.store.registry.findBan([String(facts[0]), String(facts[1])]);
  if (banned !== null) throw new GridError('host_banned', banned.reason);
  return true;
}

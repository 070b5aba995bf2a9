/** A token as the coordinator keeps it, without its secret, and what it is good for at a moment. */
import type { AccountId, TokenId } from '../../protocol/ids.ts';
import type { TokenScope, TokenView } from '../../protocol/tokens.ts';
import type { JobFacts } from './job.ts';

export type TokenFacts = {
  tokenId: TokenId;
  name: string;
  scopes: TokenScope[];
  /** Who owns the jobs that are submitted with it. */
  accountId: AccountId;
  createdAt: number;
  expiresAt: number | null;
  revokedAt: number | null;
};

export function tokenState(facts: TokenFacts, now: number): TokenView['state'] {
  if (facts.revokedAt !== null) return 'revoked';
  return facts.expiresAt !== null && facts.expiresAt <= now ? 'expired' : 'valid';
}

export const isOperator = (facts: TokenFacts): boolean => facts.scopes.includes('operate');

export const hasScope = (facts: TokenFacts, ...scopes: TokenScope[]): boolean =>
  isOperator(facts) || facts.scopes.some((scope) => scopes.includes(scope));

/**
 * `read`: what is public is read by every scientist, once it is final. `own`: to look into what is not final, which
 * whoever checks it could copy. `change`: to pause or cancel it. The latter are for its owner, and for operators.
 */
export type JobUse = 'read' | 'own' | 'change';

export function mayUse(facts: TokenFacts, job: JobFacts, use: JobUse): boolean {
  if (isOperator(facts) || job.owner === facts.accountId) return true;
  return use === 'read' && job.document.public;
}

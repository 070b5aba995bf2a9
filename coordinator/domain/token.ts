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

/** A job is changed by its owner alone, and by operators; what is public is read by every scientist. */
export function mayUse(facts: TokenFacts, job: JobFacts, use: 'read' | 'change'): boolean {
  if (isOperator(facts) || job.owner === facts.accountId) return true;
  return use === 'read' && job.document.public;
}

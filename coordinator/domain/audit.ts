/** A line of the audit log: what an operator did, by which token, when and why. */
import type { Act } from '../../protocol/audit.ts';
import type { TokenId } from '../../protocol/ids.ts';
import type { TokenFacts } from './token.ts';

export type AuditLine = {
  at: number;
  act: Act;
  target: string;
  detail: string;
  reason: string;
  tokenId: TokenId;
  tokenName: string;
};

/** `what` says which act, on what, and why. */
export const auditLine = (
  by: TokenFacts,
  now: number,
  what: { act: Act; target: string; reason: string; detail?: string },
): AuditLine => ({ at: now, detail: '', ...what, tokenId: by.tokenId, tokenName: by.name });

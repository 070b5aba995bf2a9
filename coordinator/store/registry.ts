/**
 * What the grid knows of people and what its operator has decided: tokens, and the audit log. A part
 * of the store with the same promise: a step happened, or it did not, or it throws `OutcomeUnknown`,
 * and then it may be repeated.
 */
import type { TokenId } from '../../protocol/ids.ts';
import type { AuditLine } from '../domain/audit.ts';
import type { TokenFacts } from '../domain/token.ts';

export interface Registry {
  /** `hash` is the token's SHA-256 in hex: the token itself is never stored. */
  saveToken(hash: string, facts: TokenFacts): Promise<void>;
  findToken(hash: string): Promise<TokenFacts | null>;
  /** Oldest first. */
  listTokens(): Promise<TokenFacts[]>;
  /** Null when there is no such token. One that is revoked stays so since when it first was. */
  revokeToken(tokenId: TokenId, now: number): Promise<TokenFacts | null>;

  /** Repeating it after a lost reply may write the line twice, which says too much and never too little. */
  logAct(line: AuditLine): Promise<void>;
  /** Newest first, from before the given entry on. */
  readActs(before: string | null, max: number): Promise<(AuditLine & { entryId: string })[]>;
}

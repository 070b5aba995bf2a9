/**
 * What operators have decided: tokens, bans, disabled kernels, settings, and the audit log of it all. A
 * part of the store, with the promise of store.ts.
 */
import type { AccountId, Digest, HostId, TokenId } from '../../protocol/ids.ts';
import type { AuditLine } from '../domain/audit.ts';
import type { TokenFacts } from '../domain/token.ts';

/** Why something is forbidden, and since when. */
export type Ban = { reason: string; since: number };

export type Settings = {
  /** What the mint gives a day for curated jobs, in microcredit; null: as much as they earn. */
  mintDailyMicro: bigint | null;
  /** What the mint gives a scientist with their first job, in microcredit. */
  allowanceMicro: bigint;
};

/** A thousand credits: six days of one core. First jobs are small, and a real one earns its way. */
export const defaultSettings: Settings = { mintDailyMicro: null, allowanceMicro: 1_000_000_000n };

export interface Registry {
  /** `hash` is the token's SHA-256 in hex: the token itself is never stored. */
  saveToken(hash: string, facts: TokenFacts): Promise<void>;
  findToken(hash: string): Promise<TokenFacts | null>;
  /** Oldest first. */
  listTokens(): Promise<TokenFacts[]>;
  /** Null when there is no such token. One that is revoked stays so since when it first was. */
  revokeToken(tokenId: TokenId, now: number): Promise<TokenFacts | null>;

  /** Of a host, or of an account with all its hosts. */
  ban(id: HostId | AccountId, ban: Ban): Promise<void>;
  /** False when it was not banned. */
  unban(id: HostId | AccountId): Promise<boolean>;
  bans(): Promise<Map<HostId | AccountId, Ban>>;
  /** The first of these that is banned. */
  findBan(ids: readonly (HostId | AccountId)[]): Promise<Ban | null>;

  disableKernel(digest: Digest, ban: Ban): Promise<void>;
  /** False when it was not disabled. */
  enableKernel(digest: Digest): Promise<boolean>;
  disabledKernels(): Promise<Map<Digest, Ban>>;

  settings(): Promise<Settings>;
  changeSettings(change: Partial<Settings>): Promise<void>;

  /** Repeating it after a lost reply may write the line twice, which says too much and never too little. */
  logAct(line: AuditLine): Promise<void>;
  /** Newest first, from before the given entry on. */
  readActs(before: string | null, max: number): Promise<(AuditLine & { entryId: string })[]>;
}

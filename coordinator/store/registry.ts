/**
 * What the grid knows of people and what its operator has decided: tokens, teams, bans, disabled kernels,
 * settings, and the audit log. A part
 * of the store with the same promise: a step happened, or it did not, or it throws `OutcomeUnknown`,
 * and then it may be repeated.
 */
import type { AccountId, Digest, HostId, TeamId, TokenId } from '../../protocol/ids.ts';
import type { AuditLine } from '../domain/audit.ts';
import type { TokenFacts } from '../domain/token.ts';

/** Why something is forbidden, and since when. */
export type Ban = { reason: string; since: number };

export type TeamFacts = { teamId: TeamId; name: string; founder: AccountId; foundedAt: number };

/** A link that a host has offered: its code, and what came of it. Keys are base64url. */
export type LinkFacts = {
  code: string;
  expiresAt: number;
  hostKey: string | null;
  hostName: string | null;
  accountKey: string | null;
  certificate: string | null;
};

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

  /** The key is what tells names apart (domain/team-name.ts). The founder is in it at once. */
  foundTeam(
    team: TeamFacts,
    key: string,
    foundedMax: number,
  ): Promise<'founded' | 'taken' | 'too_many'>;
  findTeam(key: string): Promise<(TeamFacts & { members: number }) | null>;
  /** From whatever team it is in. Null: to none. False when there is no such team. */
  moveToTeam(accountId: AccountId, teamId: TeamId | null): Promise<boolean>;
  /** Their names; null for one that is not. */
  teamNames(teamIds: readonly TeamId[]): Promise<(string | null)[]>;
  /** The team that each account is in now. */
  teamsOf(accountIds: readonly AccountId[]): Promise<(TeamId | null)[]>;

  /** Codes go by their first half: `taken` when that is in use. Forgotten after `keepMs`. */
  offerLink(
    link: Pick<LinkFacts, 'code' | 'expiresAt'>,
    now: number,
    keepMs: number,
    openMax: number,
  ): Promise<'offered' | 'taken' | 'too_many'>;
  readLink(code: string): Promise<LinkFacts | null>;
  /** A wrong second half is counted, and locks the link after so many. */
  redeemLink(
    code: string,
    by: { hostKey: string; hostName: string },
    now: number,
    wrongMax: number,
  ): Promise<'redeemed' | 'unknown' | 'expired' | 'locked' | 'wrong' | 'used'>;
  /** False when the link is gone, or nobody has redeemed it. */
  certifyLink(code: string, by: { accountKey: string; certificate: string }): Promise<boolean>;

  settings(): Promise<Settings>;
  changeSettings(change: Partial<Settings>): Promise<void>;

  /** Repeating it after a lost reply may write the line twice, which says too much and never too little. */
  logAct(line: AuditLine): Promise<void>;
  /** Newest first, from before the given entry on. */
  readActs(before: string | null, max: number): Promise<(AuditLine & { entryId: string })[]>;
}

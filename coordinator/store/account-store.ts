/**
 * What the grid knows of accounts: their hosts and names, the teams they are in, and the links by which
 * a host comes to an account. A part of the store, with the promise of store.ts.
 */
import type { AccountId, HostId, TeamId } from '../../protocol/ids.ts';

export type HostFacts = {
  hostId: HostId;
  accountId: AccountId;
  hostKey: Uint8Array;
  accountKey: Uint8Array;
  name: string;
  /** Kept when the host is first written down, and never changed: what it earned counts for it. */
  country?: string | undefined;
};

export type ListedHost = Pick<HostFacts, 'hostId' | 'accountId' | 'name'>;
/** `next` is null at the end. */
export type HostPage = { hosts: ListedHost[]; next: string | null };

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

export type LinkOffer = Pick<LinkFacts, 'code' | 'expiresAt'>;
export type Redeemer = { hostKey: string; hostName: string };
export type Certifier = { accountKey: string; certificate: string };

export type EnrolReply = 'known' | 'new' | 'other_account';
export type FoundReply = 'founded' | 'taken' | 'too_many';
export type OfferReply = 'offered' | 'taken' | 'too_many';
export type RedeemReply = 'redeemed' | 'unknown' | 'expired' | 'locked' | 'wrong' | 'used';

export interface AccountStore {
  /**
   * Writes a host down, and its name. One that is new only when it is to be remembered: keys cost
   * nothing, and whoever made one has not done anything yet.
   */
  enrolHost(host: HostFacts, remember: boolean): Promise<EnrolReply>;
  /**
   * Hosts that were written down, in no order, about `max` from a cursor on; the first is '0'. One that comes
   * meanwhile may be left out, and one may be there twice.
   */
  listHosts(cursor: string, max: number): Promise<HostPage>;
  /** Where hosts are; null for one that never said it. */
  countriesOf(hostIds: readonly HostId[]): Promise<(string | null)[]>;
  /** Display names; '' for an account that never said one. */
  names(accountIds: readonly AccountId[]): Promise<string[]>;

  /** The key is what tells names apart (domain/team-name.ts). The founder is in it at once. */
  foundTeam(team: TeamFacts, key: string, foundedMax: number): Promise<FoundReply>;
  findTeam(key: string): Promise<(TeamFacts & { members: number }) | null>;
  /** From whatever team it is in. Null: to none. False when there is no such team. */
  moveToTeam(accountId: AccountId, teamId: TeamId | null): Promise<boolean>;
  /** Their names; null for one that is not. */
  teamNames(teamIds: readonly TeamId[]): Promise<(string | null)[]>;
  /** The team that each account is in now. */
  teamsOf(accountIds: readonly AccountId[]): Promise<(TeamId | null)[]>;

  /** Codes go by their first half: `taken` when that is in use. Forgotten after `keepMs`. */
  offerLink(link: LinkOffer, now: number, keepMs: number, openMax: number): Promise<OfferReply>;
  readLink(code: string): Promise<LinkFacts | null>;
  /** A wrong second half is counted, and locks the link after so many. */
  redeemLink(code: string, by: Redeemer, now: number, wrongMax: number): Promise<RedeemReply>;
  /** False when the link is gone, or nobody has redeemed it. */
  certifyLink(code: string, by: Certifier): Promise<boolean>;
}

/** The half of a link's code that it goes by; the other half is the secret. */
export const halfOf = (code: string): string => code.slice(0, 4);

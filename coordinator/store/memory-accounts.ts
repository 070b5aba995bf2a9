/** Accounts in memory: see memory-store.ts. */
import type { AccountId, HostId, TeamId } from '../../protocol/ids.ts';
import {
  type AccountStore,
  type Certifier,
  type EnrolReply,
  type FoundReply,
  type HostFacts,
  type HostPage,
  halfOf,
  type LinkFacts,
  type LinkOffer,
  type OfferReply,
  type Redeemer,
  type RedeemReply,
  type TeamFacts,
} from './account-store.ts';

export class MemoryAccounts implements AccountStore {
  private readonly hosts = new Map<HostId, HostFacts>();
  private readonly displayNames = new Map<AccountId, string>();
  private readonly teams = new Map<string, TeamFacts>();
  private readonly teamOf = new Map<AccountId, TeamId>();
  private readonly links = new Map<string, LinkFacts & { wrong: number; goneAt: number }>();

  async enrolHost(host: HostFacts, remember: boolean): Promise<EnrolReply> {
    const known = this.hosts.get(host.hostId);
    if (known !== undefined && known.accountId !== host.accountId) return 'other_account';
    if (known === undefined && !remember) return 'new';
    const { country } = known ?? host;
    this.hosts.set(host.hostId, { ...host, country });
    this.displayNames.set(host.accountId, host.name);
    return 'known';
  }

  async listHosts(cursor: string, max: number): Promise<HostPage> {
    const end = Number(cursor) + max;
    const hosts = [...this.hosts.values()].slice(Number(cursor), end);
    return {
      hosts: hosts.map(({ hostId, accountId, name }) => ({ hostId, accountId, name })),
      next: end < this.hosts.size ? String(end) : null,
    };
  }

  async countriesOf(hostIds: readonly HostId[]): Promise<(string | null)[]> {
    return hostIds.map((hostId) => this.hosts.get(hostId)?.country ?? null);
  }

  async names(accountIds: readonly AccountId[]): Promise<string[]> {
    return accountIds.map((accountId) => this.displayNames.get(accountId) ?? '');
  }

  async foundTeam(team: TeamFacts, key: string, foundedMax: number): Promise<FoundReply> {
    const present = this.teams.get(key);
    if (present !== undefined) return present.teamId === team.teamId ? 'founded' : 'taken';
    const { teamId, founder } = team;
    const founded = [...this.teams.values()].filter((known) => known.founder === founder);
    if (founded.length >= foundedMax) return 'too_many';
    this.teams.set(key, { ...team });
    this.teamOf.set(founder, teamId);
    return 'founded';
  }

  async findTeam(key: string): Promise<(TeamFacts & { members: number }) | null> {
    const team = this.teams.get(key);
    if (team === undefined) return null;
    const members = [...this.teamOf.values()].filter((id) => id === team.teamId).length;
    return { ...team, members };
  }

  async moveToTeam(accountId: AccountId, teamId: TeamId | null): Promise<boolean> {
    if (teamId === null) this.teamOf.delete(accountId);
    else if ([...this.teams.values()].every((team) => team.teamId !== teamId)) return false;
    else this.teamOf.set(accountId, teamId);
    return true;
  }

  async teamNames(teamIds: readonly TeamId[]): Promise<(string | null)[]> {
    const names = new Map([...this.teams.values()].map(({ teamId, name }) => [teamId, name]));
    return teamIds.map((teamId) => names.get(teamId) ?? null);
  }

  async teamsOf(accountIds: readonly AccountId[]): Promise<(TeamId | null)[]> {
    return accountIds.map((id) => this.teamOf.get(id) ?? null);
  }

  async offerLink(
    { code, expiresAt }: LinkOffer,
    now: number,
    keepMs: number,
    openMax: number,
  ): Promise<OfferReply> {
    for (const [name, link] of this.links) if (link.goneAt <= now) this.links.delete(name);
    if (this.links.has(halfOf(code))) return 'taken';
    const open = [...this.links.values()].filter((link) => link.expiresAt > now);
    if (open.length >= openMax) return 'too_many';
    const rest = { hostKey: null, hostName: null, accountKey: null, certificate: null };
    const goneAt = now + keepMs;
    this.links.set(halfOf(code), { code, expiresAt, ...rest, wrong: 0, goneAt });
    return 'offered';
  }

  async readLink(code: string): Promise<LinkFacts | null> {
    const link = this.links.get(halfOf(code));
    if (link?.code !== code) return null;
    const { wrong: _wrong, goneAt: _goneAt, ...facts } = link;
    return facts;
  }

  async redeemLink(
    code: string,
    { hostKey, hostName }: Redeemer,
    now: number,
    wrongMax: number,
  ): Promise<RedeemReply> {
    const link = this.links.get(halfOf(code));
    if (link === undefined) return 'unknown';
    if (link.expiresAt <= now) return 'expired';
    if (link.wrong >= wrongMax) return 'locked';
    if (link.code !== code) {
      link.wrong++;
      return 'wrong';
    }
    if (link.hostKey !== null) return link.hostKey === hostKey ? 'redeemed' : 'used';
    Object.assign(link, { hostKey, hostName });
    return 'redeemed';
  }

  async certifyLink(code: string, by: Certifier): Promise<boolean> {
    const link = this.links.get(halfOf(code));
    if (link === undefined || link.hostKey === null) return false;
    Object.assign(link, by);
    return true;
  }
}

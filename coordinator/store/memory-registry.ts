/** The registry in memory: see memory-store.ts. */
import type { AccountId, Digest, TeamId, TokenId } from '../../protocol/ids.ts';
import type { AuditLine } from '../domain/audit.ts';
import type { TokenFacts } from '../domain/token.ts';
import {
  type Ban,
  defaultSettings,
  type LinkFacts,
  type Registry,
  type Settings,
  type TeamFacts,
} from './registry.ts';

export class MemoryRegistry implements Registry {
  private readonly tokens = new Map<string, TokenFacts>();
  private readonly banned = new Map<string, Ban>();
  private readonly disabled = new Map<Digest, Ban>();
  private readonly teams = new Map<string, TeamFacts>();
  private readonly teamOf = new Map<AccountId, TeamId>();
  private readonly links = new Map<string, LinkFacts & { wrong: number; goneAt: number }>();
  private set: Settings = defaultSettings;
  private readonly acts: AuditLine[] = [];

  async saveToken(hash: string, facts: TokenFacts): Promise<void> {
    this.tokens.set(hash, { ...facts });
  }

  async findToken(hash: string): Promise<TokenFacts | null> {
    return structuredClone(this.tokens.get(hash) ?? null);
  }

  async listTokens(): Promise<TokenFacts[]> {
    return structuredClone([...this.tokens.values()].sort((a, b) => a.createdAt - b.createdAt));
  }

  async revokeToken(tokenId: TokenId, now: number): Promise<TokenFacts | null> {
    const facts = [...this.tokens.values()].find((known) => known.tokenId === tokenId);
    if (facts === undefined) return null;
    facts.revokedAt ??= now;
    return structuredClone(facts);
  }

  async ban(id: string, ban: Ban): Promise<void> {
    this.banned.set(id, ban);
  }

  async unban(id: string): Promise<boolean> {
    return this.banned.delete(id);
  }

  async bans(): Promise<Map<string, Ban>> {
    return structuredClone(this.banned);
  }

  async findBan(ids: readonly string[]): Promise<Ban | null> {
    return ids.map((id) => this.banned.get(id)).find((ban) => ban !== undefined) ?? null;
  }

  async disableKernel(digest: Digest, ban: Ban): Promise<void> {
    this.disabled.set(digest, ban);
  }

  async enableKernel(digest: Digest): Promise<boolean> {
    return this.disabled.delete(digest);
  }

  async disabledKernels(): Promise<Map<Digest, Ban>> {
    return structuredClone(this.disabled);
  }

  async foundTeam(
    team: TeamFacts,
    key: string,
    foundedMax: number,
  ): Promise<'founded' | 'taken' | 'too_many'> {
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
    { code, expiresAt }: Pick<LinkFacts, 'code' | 'expiresAt'>,
    now: number,
    keepMs: number,
    openMax: number,
  ): Promise<'offered' | 'taken' | 'too_many'> {
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
    { hostKey, hostName }: { hostKey: string; hostName: string },
    now: number,
    wrongMax: number,
  ): Promise<'redeemed' | 'unknown' | 'expired' | 'locked' | 'wrong' | 'used'> {
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

  async certifyLink(
    code: string,
    by: { accountKey: string; certificate: string },
  ): Promise<boolean> {
    const link = this.links.get(halfOf(code));
    if (link === undefined || link.hostKey === null) return false;
    Object.assign(link, by);
    return true;
  }

  async settings(): Promise<Settings> {
    return { ...this.set };
  }

  async changeSettings(change: Partial<Settings>): Promise<void> {
    this.set = { ...this.set, ...change };
  }

  async logAct(line: AuditLine): Promise<void> {
    this.acts.push({ ...line });
  }

  async readActs(before: string | null, max: number): Promise<(AuditLine & { entryId: string })[]> {
    const end = before === null ? this.acts.length : Number(before.split('-')[0]) - 1;
    return this.acts
      .slice(0, end)
      .map((line, i) => ({ ...line, entryId: `${i + 1}-0` }))
      .slice(-max)
      .reverse();
  }
}

const halfOf = (code: string): string => code.slice(0, 4);

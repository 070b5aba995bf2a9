/** Accounts over Redis: small hashes in `{grid}`, most values JSON; a link is a hash that expires. */
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
  type ListedHost,
  type OfferReply,
  type Redeemer,
  type RedeemReply,
  type TeamFacts,
} from './account-store.ts';
import { keys } from './keys.ts';
import { RedisPart } from './redis-part.ts';
import { Script } from './script.ts';

const enrolHost = new Script('enrol-host');
const foundTeam = new Script('found-team');
const moveToTeam = new Script('move-to-team');
const offerLink = new Script('offer-link');
const redeemLink = new Script('redeem-link');
const certifyLink = new Script('certify-link');

export class RedisAccounts extends RedisPart implements AccountStore {
  async enrolHost(host: HostFacts, remember: boolean): Promise<EnrolReply> {
    const facts = JSON.stringify({
      ...host,
      hostKey: Buffer.from(host.hostKey).toString('base64'),
      accountKey: Buffer.from(host.accountKey).toString('base64'),
    });
    const reply = await this.run(
      enrolHost,
      [keys.hosts, keys.names, keys.countries],
      [host.hostId, host.accountId, facts, host.name, remember ? 1 : 0, host.country ?? ''],
    );
    return reply as EnrolReply;
  }

  async listHosts(cursor: string, max: number): Promise<HostPage> {
    const [next, found] = await this.step((redis) => redis.hscan(keys.hosts, cursor, 'COUNT', max));
    // Fields and values in turn.
    const texts = found.filter((_, i) => i % 2 === 1);
    const hosts = texts.map((text) => {
      const { hostId, accountId, name } = JSON.parse(text) as ListedHost;
      return { hostId, accountId, name };
    });
    return { hosts, next: next === '0' ? null : next };
  }

  async countriesOf(hostIds: readonly HostId[]): Promise<(string | null)[]> {
    if (hostIds.length === 0) return [];
    return await this.step((redis) => redis.hmget(keys.countries, ...hostIds));
  }

  async names(accountIds: readonly AccountId[]): Promise<string[]> {
    if (accountIds.length === 0) return [];
    const names = await this.step((redis) => redis.hmget(keys.names, ...accountIds));
    return names.map((name) => name ?? '');
  }

  async foundTeam(team: TeamFacts, key: string, foundedMax: number): Promise<FoundReply> {
    const named = [keys.teams, keys.teamNames, keys.teamsFounded, keys.teamOf, keys.teamSizes];
    const args = [team.teamId, key, JSON.stringify(team), team.founder, foundedMax];
    const reply = await this.run(foundTeam, named, args);
    return reply as FoundReply;
  }

  async findTeam(key: string): Promise<(TeamFacts & { members: number }) | null> {
    const teamId = await this.step((redis) => redis.hget(keys.teamNames, key));
    if (teamId === null) return null;
    const [text, members] = await Promise.all([
      this.step((redis) => redis.hget(keys.teams, teamId)),
      this.step((redis) => redis.hget(keys.teamSizes, teamId)),
    ]);
    if (text === null) throw new Error(`the name of team ${teamId} is there, and it is not`);
    return { ...(JSON.parse(text) as TeamFacts), members: Number(members ?? 0) };
  }

  async moveToTeam(accountId: AccountId, teamId: TeamId | null): Promise<boolean> {
    const named = [keys.teams, keys.teamOf, keys.teamSizes];
    const args = [accountId, teamId ?? ''];
    return (await this.run(moveToTeam, named, args)) === 1;
  }

  async teamNames(teamIds: readonly TeamId[]): Promise<(string | null)[]> {
    if (teamIds.length === 0) return [];
    const found = await this.step((redis) => redis.hmget(keys.teams, ...teamIds));
    return found.map((text) => (text === null ? null : (JSON.parse(text) as TeamFacts).name));
  }

  async teamsOf(accountIds: readonly AccountId[]): Promise<(TeamId | null)[]> {
    if (accountIds.length === 0) return [];
    return await this.step((redis) => redis.hmget(keys.teamOf, ...accountIds));
  }

  async offerLink(
    { code, expiresAt }: LinkOffer,
    now: number,
    keepMs: number,
    openMax: number,
  ): Promise<OfferReply> {
    const args = [halfOf(code), code, now, expiresAt, keepMs, openMax];
    const reply = await this.run(offerLink, [keys.link(halfOf(code)), keys.links], args);
    return reply as OfferReply;
  }

  async readLink(code: string): Promise<LinkFacts | null> {
    const hash = await this.step((redis) => redis.hgetall(keys.link(halfOf(code))));
    if (hash['code'] !== code) return null;
    return {
      code,
      expiresAt: Number(hash['expiresAt']),
      hostKey: hash['hostKey'] ?? null,
      hostName: hash['hostName'] ?? null,
      accountKey: hash['accountKey'] ?? null,
      certificate: hash['certificate'] ?? null,
    };
  }

  async redeemLink(
    code: string,
    { hostKey, hostName }: Redeemer,
    now: number,
    wrongMax: number,
  ): Promise<RedeemReply> {
    const args = [code, hostKey, hostName, now, wrongMax];
    const reply = await this.run(redeemLink, [keys.link(halfOf(code))], args);
    return reply as RedeemReply;
  }

  async certifyLink(code: string, { accountKey, certificate }: Certifier): Promise<boolean> {
    const named = [keys.link(halfOf(code))];
    return (await this.run(certifyLink, named, [accountKey, certificate])) === 1;
  }
}

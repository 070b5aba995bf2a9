/** The registry over Redis: small hashes in `{grid}`, each value JSON, and the audit log as a stream. */
import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import {
  type AccountId,
  type Digest,
  idFromBytes,
  type TeamId,
  type TokenId,
} from '../../protocol/ids.ts';
import type { AuditLine } from '../domain/audit.ts';
import type { TokenFacts } from '../domain/token.ts';
import { keys } from './keys.ts';
import { step } from './redis-connection.ts';
import {
  type Ban,
  defaultSettings,
  type LinkFacts,
  type Registry,
  type Settings,
  type TeamFacts,
} from './registry.ts';
import { Script } from './script.ts';

const foundTeam = new Script('found-team');
const moveToTeam = new Script('move-to-team');
const offerLink = new Script('offer-link');
const redeemLink = new Script('redeem-link');
const certifyLink = new Script('certify-link');

export class RedisRegistry implements Registry {
  private readonly redis: Redis;

  constructor(redis: Redis) {
    this.redis = redis;
  }

  async saveToken(hash: string, facts: TokenFacts): Promise<void> {
    await this.step((redis) => redis.hset(keys.tokens, hash, JSON.stringify(facts)));
  }

  async findToken(hash: string): Promise<TokenFacts | null> {
    const text = await this.step((redis) => redis.hget(keys.tokens, hash));
    return text === null ? null : readToken(text);
  }

  async listTokens(): Promise<TokenFacts[]> {
    const texts = await this.step((redis) => redis.hvals(keys.tokens));
    return texts.map(readToken).sort((a, b) => a.createdAt - b.createdAt);
  }

  /** Not one step, and need not be: nothing else about a token ever changes. */
  async revokeToken(tokenId: TokenId, now: number): Promise<TokenFacts | null> {
    const all = await this.step((redis) => redis.hgetall(keys.tokens));
    for (const [hash, text] of Object.entries(all)) {
      const facts = readToken(text);
      if (facts.tokenId !== tokenId) continue;
      facts.revokedAt ??= now;
      await this.saveToken(hash, facts);
      return facts;
    }
    return null;
  }

  ban(id: string, ban: Ban): Promise<void> {
    return this.put(keys.bans, id, ban);
  }

  unban(id: string): Promise<boolean> {
    return this.remove(keys.bans, id);
  }

  bans(): Promise<Map<string, Ban>> {
    return this.all(keys.bans);
  }

  async findBan(ids: readonly string[]): Promise<Ban | null> {
    const texts = await this.step((redis) => redis.hmget(keys.bans, ...ids));
    const found = texts.find((text) => text !== null);
    return found === undefined || found === null ? null : (JSON.parse(found) as Ban);
  }

  disableKernel(digest: Digest, ban: Ban): Promise<void> {
    return this.put(keys.kernelsDisabled, digest, ban);
  }

  enableKernel(digest: Digest): Promise<boolean> {
    return this.remove(keys.kernelsDisabled, digest);
  }

  disabledKernels(): Promise<Map<Digest, Ban>> {
    return this.all(keys.kernelsDisabled);
  }

  async foundTeam(
    team: TeamFacts,
    key: string,
    foundedMax: number,
  ): Promise<'founded' | 'taken' | 'too_many'> {
    const named = [keys.teams, keys.teamNames, keys.teamsFounded, keys.teamOf, keys.teamSizes];
    const args = [team.teamId, key, JSON.stringify(team), team.founder, foundedMax];
    const reply = await this.step((redis) => foundTeam.run(redis, named, args));
    return reply as 'founded' | 'taken' | 'too_many';
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
    return (await this.step((redis) => moveToTeam.run(redis, named, args))) === 1;
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
    { code, expiresAt }: Pick<LinkFacts, 'code' | 'expiresAt'>,
    now: number,
    keepMs: number,
    openMax: number,
  ): Promise<'offered' | 'taken' | 'too_many'> {
    const args = [halfOf(code), code, now, expiresAt, keepMs, openMax];
    const reply = await this.step((redis) =>
      offerLink.run(redis, [keys.link(halfOf(code)), keys.links], args),
    );
    return reply as 'offered' | 'taken' | 'too_many';
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
    { hostKey, hostName }: { hostKey: string; hostName: string },
    now: number,
    wrongMax: number,
  ): Promise<'redeemed' | 'unknown' | 'expired' | 'locked' | 'wrong' | 'used'> {
    const args = [code, hostKey, hostName, now, wrongMax];
    const reply = await this.step((redis) =>
      redeemLink.run(redis, [keys.link(halfOf(code))], args),
    );
    return reply as 'redeemed' | 'unknown' | 'expired' | 'locked' | 'wrong' | 'used';
  }

  async certifyLink(
    code: string,
    { accountKey, certificate }: { accountKey: string; certificate: string },
  ): Promise<boolean> {
    const named = [keys.link(halfOf(code))];
    const reply = await this.step((redis) =>
      certifyLink.run(redis, named, [accountKey, certificate]),
    );
    return reply === 1;
  }

  async settings(): Promise<Settings> {
    const [mintDaily, allowance] = await this.step((redis) =>
      redis.hmget(keys.settings, 'mintDailyMicro', 'allowanceMicro'),
    );
    return {
      mintDailyMicro: mintDaily ? BigInt(mintDaily) : defaultSettings.mintDailyMicro,
      allowanceMicro: allowance ? BigInt(allowance) : defaultSettings.allowanceMicro,
    };
  }

  async changeSettings(change: Partial<Settings>): Promise<void> {
    for (const [name, value] of Object.entries(change)) {
      // An empty text is null: a field that is gone could not be told from one of an older grid.
      await this.step((redis) => redis.hset(keys.settings, name, value?.toString() ?? ''));
    }
  }

  async logAct(line: AuditLine): Promise<void> {
    await this.step((redis) => redis.xadd(keys.auditLog, '*', 'line', JSON.stringify(line)));
  }

  async readActs(before: string | null, max: number): Promise<(AuditLine & { entryId: string })[]> {
    const end = before === null ? '+' : `(${before}`;
    const found = await this.step((redis) =>
      redis.xrevrange(keys.auditLog, end, '-', 'COUNT', max),
    );
    return found.map(([entryId, [, text]]) => ({
      ...(JSON.parse(text ?? '{}') as AuditLine),
      entryId,
    }));
  }

  private async put(key: string, field: string, value: Ban): Promise<void> {
    await this.step((redis) => redis.hset(key, field, JSON.stringify(value)));
  }

  private async remove(key: string, field: string): Promise<boolean> {
    return (await this.step((redis) => redis.hdel(key, field))) === 1;
  }

  private async all(key: string): Promise<Map<string, Ban>> {
    const hash = await this.step((redis) => redis.hgetall(key));
    return new Map(Object.entries(hash).map(([field, text]) => [field, JSON.parse(text) as Ban]));
  }

  private step<T>(run: (redis: Redis) => Promise<T>): Promise<T> {
    return step(this.redis, run);
  }
}

/** Tokens of grids before 0.2 had neither an end nor an account. */
function readToken(text: string): TokenFacts {
  const facts = JSON.parse(text) as Pick<TokenFacts, 'tokenId'> & Partial<TokenFacts>;
  const accountId = idFromBytes('a', createHash('sha256').update(facts.tokenId).digest());
  return { accountId, expiresAt: null, revokedAt: null, ...facts } as TokenFacts;
}

const halfOf = (code: string): string => code.slice(0, 4);

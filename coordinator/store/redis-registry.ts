/** The registry over Redis: small hashes in `{grid}`, each value JSON, and the audit log as a stream. */
import { createHash } from 'node:crypto';
import { type Digest, idFromBytes, type TokenId } from '../../protocol/ids.ts';
import type { AuditLine } from '../domain/audit.ts';
import type { TokenFacts } from '../domain/token.ts';
import { keys } from './keys.ts';
import { RedisPart } from './redis-part.ts';
import { type Ban, defaultSettings, type Registry, type Settings } from './registry.ts';

export class RedisRegistry extends RedisPart implements Registry {
  async saveToken(hash: string, facts: TokenFacts): Promise<void> {
    await this.kept(keys.tokens, (redis) => redis.hset(keys.tokens, hash, JSON.stringify(facts)));
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
      await this.kept(keys.settings, (redis) =>
        redis.hset(keys.settings, name, value?.toString() ?? ''),
      );
    }
  }

  async logAct(line: AuditLine): Promise<void> {
    const text = JSON.stringify(line);
    await this.kept(keys.auditLog, (redis) => redis.xadd(keys.auditLog, '*', 'line', text));
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
    await this.kept(key, (redis) => redis.hset(key, field, JSON.stringify(value)));
  }

  private async remove(key: string, field: string): Promise<boolean> {
    return (await this.kept(key, (redis) => redis.hdel(key, field))) === 1;
  }

  private async all(key: string): Promise<Map<string, Ban>> {
    const hash = await this.step((redis) => redis.hgetall(key));
    return new Map(Object.entries(hash).map(([field, text]) => [field, JSON.parse(text) as Ban]));
  }
}

/** Tokens of grids before 0.2 had neither an end nor an account. */
function readToken(text: string): TokenFacts {
  const facts = JSON.parse(text) as Pick<TokenFacts, 'tokenId'> & Partial<TokenFacts>;
  const accountId = idFromBytes('a', createHash('sha256').update(facts.tokenId).digest());
  return { accountId, expiresAt: null, revokedAt: null, ...facts } as TokenFacts;
}

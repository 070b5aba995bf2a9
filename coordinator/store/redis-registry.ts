/** The registry over Redis: small hashes in `{grid}`, each value JSON, and the audit log as a stream. */
import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { idFromBytes, type TokenId } from '../../protocol/ids.ts';
import type { AuditLine } from '../domain/audit.ts';
import type { TokenFacts } from '../domain/token.ts';
import { keys } from './keys.ts';
import { step } from './redis-connection.ts';
import type { Registry } from './registry.ts';

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

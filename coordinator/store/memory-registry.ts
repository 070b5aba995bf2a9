/** The registry in memory: see memory-store.ts. */
import type { TokenId } from '../../protocol/ids.ts';
import type { AuditLine } from '../domain/audit.ts';
import type { TokenFacts } from '../domain/token.ts';
import type { Registry } from './registry.ts';

export class MemoryRegistry implements Registry {
  private readonly tokens = new Map<string, TokenFacts>();
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

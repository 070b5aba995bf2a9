/** The registry in memory: see memory-store.ts. */
import type { Digest, TokenId } from '../../protocol/ids.ts';
import type { AuditLine } from '../domain/audit.ts';
import type { TokenFacts } from '../domain/token.ts';
import { type Ban, defaultSettings, type Registry, type Settings } from './registry.ts';

export class MemoryRegistry implements Registry {
  private readonly tokens = new Map<string, TokenFacts>();
  private readonly banned = new Map<string, Ban>();
  private readonly disabled = new Map<Digest, Ban>();
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

/** The grid's own facts in memory: see memory-store.ts. */
import type { LeaseKey } from '../domain/lease.ts';
import type { GridFacts, GridStore } from './grid-store.ts';

export class MemoryGrid implements GridStore {
  private facts: GridFacts | null = null;
  private secrets: LeaseKey[] = [];
  private privateKey: string | null = null;
  private folder: string | null = null;
  private clearingAt: number | null = null;
  private artifacts: string | null = null;

  /** Known once the grid is open. */
  get partitions(): number {
    return this.facts?.partitions ?? 1;
  }

  async open(fresh: GridFacts): Promise<GridFacts> {
    this.facts ??= fresh;
    return this.facts;
  }

  async leaseKeys(fresh: LeaseKey): Promise<[LeaseKey, ...LeaseKey[]]> {
    if (this.secrets.length === 0) this.secrets = [fresh];
    return [...this.secrets] as [LeaseKey, ...LeaseKey[]];
  }

  async folderId(fresh: string | null): Promise<string | null> {
    this.folder ??= fresh;
    return this.folder;
  }

  async artifactsId(fresh: string | null): Promise<string | null> {
    this.artifacts ??= fresh;
    return this.artifacts;
  }

  async lastClearing(): Promise<number | null> {
    return this.clearingAt;
  }

  async beginClearing(now: number): Promise<void> {
    this.clearingAt = now;
  }

  async signingKey(fresh: string): Promise<string> {
    this.privateKey ??= fresh;
    return this.privateKey;
  }
}

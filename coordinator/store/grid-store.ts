/** What the grid itself is: its facts, which coordinator runs it, and its secrets. */
import type { LeaseKey } from '../domain/lease.ts';

export type GridFacts = { gridId: string; partitions: number; createdAt: number };

export class GridFormatUnknown extends Error {}

export interface GridStore {
  /** Makes the grid at the first start; refuses (GridFormatUnknown) data of another format. */
  open(fresh: GridFacts): Promise<GridFacts>;
  /** Makes this coordinator the grid's owner for a while. False when another one is. */
  own(coordinatorId: string, forMs: number): Promise<boolean>;
  disown(coordinatorId: string): Promise<void>;
  /** The secrets that sign leases, newest first. The first call makes one. */
  leaseKeys(fresh: LeaseKey): Promise<[LeaseKey, ...LeaseKey[]]>;
  /** The grid's private key as PEM. The first call makes it. */
  signingKey(fresh: string): Promise<string>;
}

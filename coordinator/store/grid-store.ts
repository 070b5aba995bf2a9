/** What the grid itself is: its facts and its secrets. */
import type { LeaseKey } from '../domain/lease.ts';

export type GridFacts = { gridId: string; partitions: number; createdAt: number };

export class GridFormatUnknown extends Error {}

export interface GridStore {
  /** Makes the grid at the first start; refuses (GridFormatUnknown) data of another format. */
  open(fresh: GridFacts): Promise<GridFacts>;
  /** The secrets that sign leases, newest first. The first call makes one. */
  leaseKeys(fresh: LeaseKey): Promise<[LeaseKey, ...LeaseKey[]]>;
  /** Which folder its coordinators share; null when none. With a fresh id it is that one from now on, if there was none. */
  folderId(fresh: string | null): Promise<string | null>;
  /** What labels the place in S3 that its artifacts are in; null when they are in a folder. Set once, like `folderId`. */
  artifactsId(fresh: string | null): Promise<string | null>;
  /** When clearing artifacts was begun last; null when it never was. */
  lastClearing(): Promise<number | null>;
  beginClearing(now: number): Promise<void>;
  /** The grid's private key as PEM. The first call makes it. */
  signingKey(fresh: string): Promise<string>;
}

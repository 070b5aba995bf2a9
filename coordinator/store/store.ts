/**
 * What the coordinator keeps, as an interface with two implementations: Redis (the real one, each
 * step one script) and memory (for the simulation). test/coordinator/store/contract.ts is what both
 * promise. Here are the open shards, their journals and the outbox; the rest has parts of its own.
 *
 * A step either happened, or it did not, or it throws `OutcomeUnknown`: the reply was lost. Then the
 * same call with the same arguments is safe to repeat, and will say what became of the first.
 */
import type { JobId } from '../../protocol/ids.ts';
import type { OutboxRecord, Payment } from '../domain/award.ts';
import type { JobFacts } from '../domain/job.ts';
import type { LateResult } from '../domain/late.ts';
import { type Shard, type ShardId, shardId } from '../domain/shard.ts';
import type { Amendment, Place } from '../domain/trust/docket.ts';
import type { AccountStore } from './account-store.ts';
import type { ArchiveStore } from './archive-store.ts';
import type { GridStore } from './grid-store.ts';
import type { JobStore } from './job-store.ts';
import type { LedgerStore } from './ledger-store.ts';
import type { PeerStore } from './peer-store.ts';
import type { Registry } from './registry.ts';
import type { TrustStore } from './trust-store.ts';

/** The reply was lost: whether the step happened is not known. Repeat it. */
export class OutcomeUnknown extends Error {}

/** Redis refuses to write (disk full, no memory): nothing happened, and may later. */
export class StorageRefuses extends Error {}

/** What was asked for is in the archive, and cannot be read there. */
export { ArchiveDamaged } from './archive-damaged.ts';

/** One append to one shard's journal, and what follows from it. */
export type ShardAppend = {
  shard: Shard;
  /** Journal bytes that this append was decided upon. Any other length means: decide again. */
  expectedLength: number;
  bytes: Uint8Array;
  /** Set when the append decides the shard's last unit. */
  closes: boolean;
  canonical: number;
  failed: number;
  fuel: number;
  creditMicro: number;
  pay: Payment[];
};

export type AppendReply =
  | { kind: 'written'; jobDecided: boolean }
  /** Somebody else appended: the journal is this long now. */
  | { kind: 'stale'; length: number }
  /** The shard is closed, or its job cancelled: nothing is recorded in it any more. */
  | { kind: 'closed' };

/** `stands`: it was opened before. `final`: some of its units are. `over`: so is the job, or it was cancelled. */
export type CheckReply = 'opened' | 'stands' | 'final' | 'over';

export interface Store {
  /** What the grid is, and its secrets. */
  readonly grid: GridStore;
  /** Which coordinators run it. */
  readonly peers: PeerStore;
  /** Hosts, names, teams and links. */
  readonly accounts: AccountStore;
  /** Tokens, and what operators have decided. */
  readonly registry: Registry;
  /** Jobs, and how far each is split and done. */
  readonly jobs: JobStore;
  /** Records of hosts, cases and checks. */
  readonly trust: TrustStore;
  /** Balances, pending credit and standings. */
  readonly ledger: LedgerStore;
  /** What of closed shards is in files. */
  readonly archive: ArchiveStore;

  /** Advances the job's cursor and opens the shard, in one step. False when somebody else did. */
  openShard(job: JobFacts, shard: Shard): Promise<boolean>;
  openShards(partition: number): Promise<Shard[]>;
  openShardIds(partition: number): Promise<ShardId[]>;
  /** Null when it is not in the open set. */
  readOpenShard(shard: Pick<Shard, 'jobId' | 'number'>): Promise<Shard | null>;
  /** Opens a shard of units that were split before; not when one of them is final. */
  openCheck(job: JobFacts, shard: Shard): Promise<CheckReply>;
  /** From the archive when it is there: then it throws ArchiveDamaged when that file cannot be read. */
  readJournal(shard: Shard, fromByte?: number): Promise<Uint8Array>;
  /**
   * Appends to different shards of one partition, in one step. Each has its own reply, whatever
   * becomes of the others.
   */
  append(partition: number, appends: readonly ShardAppend[], now: number): Promise<AppendReply[]>;

  /**
   * Lays an amendment over the journals, with the revocations that follow. Repeating it does nothing; nor does
   * it when the unit's split shard, whose number is given, is final.
   */
  amend(name: string, amendment: Amendment, shard: number): Promise<void>;
  /** By unit: where its canonical result is, if not where it was accepted first. */
  readAmendments(jobId: JobId): Promise<Map<number, Place>>;
  /** Units whose first result was revoked, in the order in which that happened, after so many of them. */
  readRevoked(jobId: JobId, after: number, max: number): Promise<number[]>;

  /**
   * Notes results that came when their units were decided; of an account's for a unit the first. Nothing is noted
   * of what is final, or of a job that is cancelled.
   */
  noteLate(jobId: JobId, late: readonly LateResult[]): Promise<void>;
  readLate(jobId: JobId): Promise<LateResult[]>;

  readOutbox(partition: number, afterNumber: number, max: number): Promise<OutboxRecord[]>;
  trimOutbox(partition: number, upToNumber: number): Promise<void>;

  close(): Promise<void>;
}

/** A job lives in one partition, so that its cursor, its shards and their journals share a slot. */
export function partitionOf(jobId: JobId, partitions: number): number {
  if (partitions === 1) return 0;
  let sum = 0;
  for (let i = 1; i < jobId.length; i++) sum = (sum * 31 + jobId.charCodeAt(i)) >>> 0;
  return sum % partitions;
}

/** Both appends would be compared with the journal as it was before the step, and both written. */
export function assertDistinctShards(appends: readonly ShardAppend[]): void {
  const seen = new Set<ShardId>();
  for (const { shard } of appends) {
    const id = shardId(shard);
    if (seen.has(id)) throw new Error(`shard ${id} is in one step twice`);
    seen.add(id);
  }
}

/**
 * What the coordinator keeps, as an interface with two implementations: Redis (the real one, each
 * step one script) and memory (for the simulation). test/coordinator/store/contract.ts is what both
 * promise.
 *
 * A step either happened, or it did not, or it throws `OutcomeUnknown`: the reply was lost. Then the
 * same call with the same arguments is safe to repeat, and will say what became of the first.
 */
import type { AccountId, HostId, JobId } from '../../protocol/ids.ts';
import type { JobState, PauseCause } from '../../protocol/job.ts';
import type { OutboxRecord, Payment } from '../domain/award.ts';
import type { Job, JobFacts } from '../domain/job.ts';
import type { LeaseKey } from '../domain/lease.ts';
import { type Shard, type ShardId, shardId } from '../domain/shard.ts';
import type { Amendment, Place } from '../domain/trust/docket.ts';
import type { LedgerStore } from './ledger-store.ts';
import type { Registry } from './registry.ts';
import type { TrustStore } from './trust-store.ts';

/** The reply was lost: whether the step happened is not known. Repeat it. */
export class OutcomeUnknown extends Error {}

/** Redis refuses to write (disk full, no memory): nothing happened, and may later. */
export class StorageRefuses extends Error {}

export type GridFacts = { gridId: string; partitions: number; createdAt: number };

export type HostFacts = {
  hostId: HostId;
  accountId: AccountId;
  hostKey: Uint8Array;
  accountKey: Uint8Array;
  name: string;
};

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
  | { kind: 'written'; jobEnded: boolean }
  /** Somebody else appended: the journal is this long now. */
  | { kind: 'stale'; length: number }
  /** The shard is closed, or its job cancelled: nothing is recorded in it any more. */
  | { kind: 'closed' };

/** What splitting needs to know of a job, without its document. */
export type OpenJob = { jobId: JobId; state: JobState; cursor: number };

export interface Store {
  /** Makes the grid at the first start; refuses (GridFormatUnknown) data of another format. */
  openGrid(fresh: GridFacts): Promise<GridFacts>;
  /** Makes this coordinator the grid's owner for a while. False when another one is. */
  ownGrid(coordinatorId: string, forMs: number): Promise<boolean>;
  disownGrid(coordinatorId: string): Promise<void>;
  /** The secrets that sign leases, newest first. The first call makes one. */
  leaseKeys(fresh: LeaseKey): Promise<[LeaseKey, ...LeaseKey[]]>;

  /** The grid's private key as PEM. The first call makes it. */
  signingKey(fresh: string): Promise<string>;

  /** Tokens, and what operators have decided. */
  readonly registry: Registry;

  /**
   * Writes a host down, and its name. One that is new only when it is to be remembered: keys cost
   * nothing, and whoever made one has not done anything yet.
   */
  enrolHost(host: HostFacts, remember: boolean): Promise<'known' | 'new' | 'other_account'>;

  /** Idempotent by job id: submitting it again changes nothing. */
  submitJob(facts: JobFacts, curated?: boolean): Promise<void>;
  readJob(jobId: JobId): Promise<Job | null>;
  /** Newest first. */
  listJobs(max: number): Promise<Job[]>;
  /** Jobs of the partition that are neither complete nor cancelled, oldest first. */
  openJobs(partition: number): Promise<OpenJob[]>;
  cancelJob(jobId: JobId, now: number): Promise<'cancelled' | 'over' | 'unknown'>;
  /** Nothing is split off it any more, until each cause is lifted. What is out is still recorded. */
  pauseJob(jobId: JobId, cause: PauseCause, reason: string): Promise<'paused' | 'over' | 'unknown'>;
  resumeJob(
    jobId: JobId,
    causes: readonly PauseCause[],
  ): Promise<'open' | 'paused' | 'over' | 'unknown'>;
  /** False when there is no such job. */
  curateJob(jobId: JobId, curated: boolean): Promise<boolean>;
  isCurated(jobId: JobId): Promise<boolean>;

  /** Advances the job's cursor and opens the shard, in one step. False when somebody else did. */
  openShard(job: JobFacts, shard: Shard): Promise<boolean>;
  openShards(partition: number): Promise<Shard[]>;
  openShardIds(partition: number): Promise<ShardId[]>;
  /** Null when it is not in the open set. */
  readOpenShard(shard: Pick<Shard, 'jobId' | 'number'>): Promise<Shard | null>;
  /** Opens a shard of units that were split before. */
  openCheck(shard: Shard): Promise<'opened' | 'stands' | 'over'>;
  readJournal(shard: Shard, fromByte?: number): Promise<Uint8Array>;
  /**
   * Appends to different shards of one partition, in one step. Each has its own reply, whatever
   * becomes of the others.
   */
  append(partition: number, appends: readonly ShardAppend[], now: number): Promise<AppendReply[]>;

  /** Lays an amendment over the journals, with the revocations that follow. Repeating it does nothing. */
  amend(name: string, amendment: Amendment): Promise<void>;
  /** By unit: where its canonical result is, if not where it was accepted first. */
  readAmendments(jobId: JobId): Promise<Map<number, Place>>;

  readOutbox(partition: number, afterNumber: number, max: number): Promise<OutboxRecord[]>;
  trimOutbox(partition: number, upToNumber: number): Promise<void>;

  /** Records of hosts, cases and checks. */
  readonly trust: TrustStore;
  /** Balances, pending credit and standings. */
  readonly ledger: LedgerStore;
  /** Display names; '' for an account that never said one. */
  names(accountIds: readonly AccountId[]): Promise<string[]>;

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

export class GridFormatUnknown extends Error {}

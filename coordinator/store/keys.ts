/**
 * Every Redis key, with its type and what it holds. `{…}` is the Cluster hash tag: what one script
 * touches shares a tag. Only the owner expires; archiving and purging delete by name.
 *
 *   {grid}     what concerns all of the grid and changes rarely
 *   {gK}       partition K: its jobs, their shards' journals, its outbox, its BullMQ queue
 *   {ledger}   balances, standings, and how far each outbox has been applied
 */
import type { AccountId, JobId } from '../../protocol/ids.ts';
import { type ShardId, shardId } from '../domain/shard.ts';

export const partitionTag = (partition: number): string => `{g${partition}}`;

export const keys = {
  /** hash: format, gridId, partitions, createdAt */
  grid: '{grid}:grid',
  /** string, expires: the id of the coordinator that runs the grid */
  owner: '{grid}:owner',
  /** hash: key id → secret (base64); `newest` → key id */
  leaseKeys: '{grid}:lease-keys',
  /** hash: SHA-256 of the token → its facts as JSON */
  tokens: '{grid}:tokens',
  /** stream: what operators did, each line as JSON; never trimmed */
  auditLog: '{grid}:audit-log',
  /** hash: host id → its facts as JSON */
  hosts: '{grid}:hosts',
  /** hash: account id → display name */
  names: '{grid}:names',

  /** zset: job id by submission time */
  jobs: (partition: number) => `${partitionTag(partition)}:jobs`,
  /** set: ids of jobs that are neither complete nor cancelled */
  jobsOpen: (partition: number) => `${partitionTag(partition)}:jobs-open`,
  /** hash: facts (JSON), state, cursor, shards, shardsOpen, canonical, failed, fuel…, endedAt */
  job: (partition: number, jobId: JobId) => `${partitionTag(partition)}:job:${jobId}`,
  /** hash: shard id → its units as JSON. The open set: what is in it is not finished. */
  open: (partition: number) => `${partitionTag(partition)}:open`,
  /** string: the journal's bytes */
  journal: (partition: number, shard: { jobId: JobId; number: number } | ShardId) =>
    `${partitionTag(partition)}:journal:${typeof shard === 'string' ? shard : shardId(shard)}`,
  /** stream: payments, entry id `<number>-0` */
  outbox: (partition: number) => `${partitionTag(partition)}:outbox`,
  /** string: number of the last outbox record */
  outboxNumber: (partition: number) => `${partitionTag(partition)}:outbox-number`,

  /** hash: `g<K>` → number of the last outbox record applied */
  watermarks: '{ledger}:watermarks',
  /** hash: ledger account → microcredit */
  balances: '{ledger}:balances',
  /** stream: every entry, as its postings */
  entries: '{ledger}:entries',
  /** zset: account id by microcredit earned; a double, so it orders and the balance counts */
  standings: '{ledger}:standings',
  /** zset: account id by decayed microcredit (domain/standing.ts) */
  recent: '{ledger}:recent',
  /** hash: account id → units paid */
  unitsPaid: '{ledger}:units-paid',
} as const;

/** The ledger account of what a volunteer has earned. */
export const pendingAccount = (accountId: AccountId): string => `volunteer:${accountId}:pending`;

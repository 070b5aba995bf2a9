/**
 * What coordinators of one grid tell each other. All of it is a hint: the store has the truth, and whoever misses
 * something finds it there a little later. So it may come late, twice, or not at all.
 */
import type { AccountId, Digest, HostId, JobId, LeaseId } from '../../protocol/ids.ts';
import type { ShardId } from './shard.ts';
import type { HostRecord } from './trust/docket.ts';
import type { Reliability } from './trust/reliability.ts';

export type News =
  | { kind: 'job_submitted' | 'checks_ordered' | 'job_decided' | 'job_resumed' }
  /** There is something in the outbox, and whoever tells it is not who pays. */
  | { kind: 'pay_due' }
  | { kind: 'job_cancelled' | 'job_stopped' | 'job_paused' | 'job_removed'; jobId: JobId }
  | { kind: 'banned'; id: HostId | AccountId; reason: string }
  | { kind: 'paid'; accountIds: string[] }
  /** Somebody asks of the books: all up to now is to be in the files of their history. */
  | { kind: 'books_asked' }
  /** Something was recorded in shards that whoever tells it does not hold. */
  | { kind: 'recorded'; shards: ShardId[] }
  /** Results that were recorded name outputs that were uploaded elsewhere. */
  | { kind: 'uploads_named'; uploads: [AccountId, Digest][] }
  /** Hosts that are connected where this comes from are still at work under leases on such shards. */
  | { kind: 'renewed'; leases: [LeaseId, HostId][] }
  /** A host said hello, or its record or its account's is another: who may have what follows from them. */
  | { kind: 'known'; hosts: [HostId, HostRecord][]; accounts: [AccountId, Reliability][] };

/**
 * The store in memory: what the simulation runs over, and a second reading of the rules that the
 * scripts obey. It passes the same contract suite as the Redis store.
 */
import { concatBytes } from '../../protocol/bytes.ts';
import type { JobId } from '../../protocol/ids.ts';
import type { OutboxRecord, Payment } from '../domain/award.ts';
import type { JobFacts } from '../domain/job.ts';
import { type LateResult, lateName } from '../domain/late.ts';
import {
  firstShardOf,
  isCheck,
  type Shard,
  type ShardId,
  shardId,
  splitCount,
} from '../domain/shard.ts';
import { type Amendment, type Place, revocations } from '../domain/trust/docket.ts';
import { MemoryAccounts } from './memory-accounts.ts';
import { MemoryArchive, MemoryArchiveFiles } from './memory-archive.ts';
import { MemoryGrid } from './memory-grid.ts';
import { MemoryJobs } from './memory-jobs.ts';
import { MemoryLedger } from './memory-ledger.ts';
import { MemoryPartitions, type Partition } from './memory-partitions.ts';
import { MemoryPeers } from './memory-peers.ts';
import { MemoryRegistry } from './memory-registry.ts';
import { MemoryTrust } from './memory-trust.ts';
import {
  type AppendReply,
  assertDistinctShards,
  type CheckReply,
  type ShardAppend,
  type Store,
} from './store.ts';

export class MemoryStore implements Store {
  readonly grid = new MemoryGrid();
  readonly peers: MemoryPeers;
  protected readonly partitions = new MemoryPartitions(this.grid);
  readonly accounts = new MemoryAccounts();
  readonly registry = new MemoryRegistry();
  protected readonly files = new MemoryArchiveFiles();
  readonly jobs: MemoryJobs = new MemoryJobs(this.partitions, this.files);
  readonly trust = new MemoryTrust();
  readonly ledger = new MemoryLedger();
  readonly archive = new MemoryArchive(this.partitions, this.files);
  private readonly amended = new Set<string>();

  constructor(now: () => number = Date.now) {
    this.peers = new MemoryPeers(now);
  }

  async openShard(facts: JobFacts, shard: Shard): Promise<boolean> {
    if ('list' in shard.units) throw new Error('a split shard is a run of units');
    const job = this.partitions.jobs.get(facts.jobId);
    if (job === undefined || job.state !== 'open' || job.counts.cursor !== shard.units.from)
      return false;
    job.counts.cursor += shard.units.count;
    job.counts.shards++;
    job.counts.shardsOpen++;
    this.partitions.ofJob(job.jobId).open.set(shardId(shard), shard);
    return true;
  }

  async openShards(partition: number): Promise<Shard[]> {
    return [...this.partitions.at(partition).open.values()];
  }

  async openShardIds(partition: number): Promise<ShardId[]> {
    return [...this.partitions.at(partition).open.keys()];
  }

  async readOpenShard(shard: Pick<Shard, 'jobId' | 'number'>): Promise<Shard | null> {
    return structuredClone(this.partitions.ofJob(shard.jobId).open.get(shardId(shard)) ?? null);
  }

  async openCheck({ unitsPerShard }: JobFacts, shard: Shard): Promise<CheckReply> {
    const job = this.partitions.jobs.get(shard.jobId);
    if (job === undefined || job.state === 'cancelled' || job.finalAt !== null) return 'over';
    const { open, journals } = this.partitions.ofJob(shard.jobId);
    const id = shardId(shard);
    if (open.has(id) || journals.has(id) || this.archive.has(shard)) return 'stands';
    if (firstShardOf(shard, unitsPerShard) < job.counts.shardsFinal) return 'final';
    open.set(id, structuredClone(shard));
    const { checks } = this.partitions;
    const nth = shard.number - splitCount(job);
    checks.set(job.jobId, Math.max(nth + 1, checks.get(job.jobId) ?? 0));
    return 'opened';
  }

  async readJournal(shard: Shard, fromByte = 0): Promise<Uint8Array> {
    const journal = this.journal(this.partitions.ofJob(shard.jobId), shard);
    return (journal.length > 0 ? journal : await this.archive.read(shard)).slice(fromByte);
  }

  async append(
    number: number,
    appends: readonly ShardAppend[],
    now: number,
  ): Promise<AppendReply[]> {
    assertDistinctShards(appends);
    const partition = this.partitions.at(number);
    const replies = appends.map(({ shard, expectedLength }): AppendReply => {
      if (!partition.open.has(shardId(shard))) return { kind: 'closed' };
      const { length } = this.journal(partition, shard);
      return length === expectedLength
        ? { kind: 'written', jobDecided: false }
        : { kind: 'stale', length };
    });
    return replies.map((reply, i) => {
      const append = appends[i];
      if (append === undefined || reply.kind !== 'written') return reply;
      return { kind: 'written', jobDecided: this.write(partition, append, now) };
    });
  }

  async amend(name: string, amendment: Amendment, shard: number): Promise<void> {
    const { jobId, unit, place } = amendment;
    const job = this.partitions.jobs.get(jobId);
    if (job === undefined || shard < job.counts.shardsFinal || this.amended.has(name)) return;
    this.amended.add(name);
    const { places, revoked } = this.partitions;
    const before = places.get(jobId) ?? new Map<number, Place>();
    if (place !== null) {
      places.set(jobId, before.set(unit, place));
      revoked.set(jobId, [...(revoked.get(jobId) ?? []), unit]);
    }
    const payments = revocations(amendment);
    if (payments.length === 0) return;
    const partition = this.partitions.ofJob(jobId);
    partition.outbox.push({ number: ++partition.outboxNumber, jobId, isCheck: false, payments });
  }

  async readAmendments(jobId: JobId): Promise<Map<number, Place>> {
    if (this.partitions.jobs.has(jobId)) return new Map(this.partitions.places.get(jobId));
    return new Map((await this.archive.files.readJob(jobId))?.amendments);
  }

  async readRevoked(jobId: JobId, after: number, max: number): Promise<number[]> {
    const revoked = this.partitions.jobs.has(jobId)
      ? this.partitions.revoked.get(jobId)
      : (await this.archive.files.readJob(jobId))?.revoked;
    return (revoked ?? []).slice(after, after + max);
  }

  async noteLate(jobId: JobId, late: readonly LateResult[]): Promise<void> {
    const job = this.partitions.jobs.get(jobId);
    if (job === undefined || job.state === 'cancelled' || job.finalAt !== null) return;
    const noted = this.partitions.lateOf(jobId);
    for (const one of late) {
      const isOpen = one.shard >= job.counts.shardsFinal && !noted.has(lateName(one));
      if (isOpen) noted.set(lateName(one), structuredClone(one));
    }
  }

  async readLate(jobId: JobId): Promise<LateResult[]> {
    return structuredClone([...this.partitions.lateOf(jobId).values()]);
  }

  async readOutbox(number: number, afterNumber: number, max: number): Promise<OutboxRecord[]> {
    const { outbox } = this.partitions.at(number);
    return structuredClone(outbox.filter((record) => record.number > afterNumber).slice(0, max));
  }

  async trimOutbox(number: number, upToNumber: number): Promise<void> {
    const partition = this.partitions.at(number);
    partition.outbox = partition.outbox.filter((record) => record.number > upToNumber);
  }

  async close(): Promise<void> {}

  /** Writes one append. True when all of the job is decided now. */
  private write(partition: Partition, append: ShardAppend, now: number): boolean {
    const { shard, bytes, canonical, failed, fuel, creditMicro, pay, closes } = append;
    const job = this.partitions.jobs.get(shard.jobId);
    if (job === undefined) throw new Error(`an open shard of the unknown job ${shard.jobId}`);
    const journal = this.journal(partition, shard);
    partition.journals.set(shardId(shard), concatBytes([journal, bytes]));
    job.counts.canonical += canonical;
    job.counts.failed += failed;
    job.counts.fuel += BigInt(fuel);
    job.counts.creditMicro += BigInt(creditMicro);
    if (pay.length > 0)
      partition.outbox.push({
        number: ++partition.outboxNumber,
        jobId: shard.jobId,
        isCheck: isCheck(shard),
        payments: copy(pay),
      });
    if (!closes) return false;
    partition.open.delete(shardId(shard));
    if (isCheck(shard)) return false;
    job.counts.shardsOpen--;
    if (job.counts.shardsOpen > 0 || job.counts.cursor < job.units || job.state === 'cancelled')
      return false;
    job.decidedAt = now;
    return true;
  }

  private journal(partition: Partition, shard: Shard): Uint8Array {
    return partition.journals.get(shardId(shard)) ?? new Uint8Array(0);
  }
}

const copy = (payments: readonly Payment[]): Payment[] =>
  payments.map((payment) => structuredClone(payment));

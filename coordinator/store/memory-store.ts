/**
 * The store in memory: what the simulation runs over, and a second reading of the rules that the
 * scripts obey. It passes the same contract suite as the Redis store.
 */
import type { AccountId, HostId, JobId } from '../../protocol/ids.ts';
import type { PauseCause } from '../../protocol/job.ts';
import type { OutboxRecord, Payment } from '../domain/award.ts';
import { isOver, type Job, type JobFacts } from '../domain/job.ts';
import type { LeaseKey } from '../domain/lease.ts';
import { isCheck, type Shard, type ShardId, shardId } from '../domain/shard.ts';
import { type Amendment, type Place, revocations } from '../domain/trust/docket.ts';
import { MemoryLedger } from './memory-ledger.ts';
import { MemoryRegistry } from './memory-registry.ts';
import { MemoryTrust } from './memory-trust.ts';
import {
  type AppendReply,
  assertDistinctShards,
  type GridFacts,
  type HostFacts,
  type OpenJob,
  partitionOf,
  type ShardAppend,
  type Store,
} from './store.ts';

type Partition = {
  open: Map<ShardId, Shard>;
  journals: Map<ShardId, Uint8Array>;
  outbox: OutboxRecord[];
  outboxNumber: number;
};

export class MemoryStore implements Store {
  readonly registry = new MemoryRegistry();
  readonly ledger = new MemoryLedger();
  readonly trust = new MemoryTrust();
  private grid: GridFacts | null = null;
  private owner: string | null = null;
  private keys: LeaseKey[] = [];
  private gridKey: string | null = null;
  private readonly hosts = new Map<HostId, HostFacts>();
  private readonly displayNames = new Map<AccountId, string>();
  private readonly jobs = new Map<JobId, Job>();
  private readonly partitions = new Map<number, Partition>();
  private readonly amended = new Set<string>();
  private readonly places = new Map<JobId, Map<number, Place>>();

  async openGrid(fresh: GridFacts): Promise<GridFacts> {
    this.grid ??= fresh;
    return this.grid;
  }

  /** Ownership does not run out here: whoever simulates a death gives it free. */
  async ownGrid(coordinatorId: string): Promise<boolean> {
    this.owner ??= coordinatorId;
    return this.owner === coordinatorId;
  }

  async disownGrid(coordinatorId: string): Promise<void> {
    if (this.owner === coordinatorId) this.owner = null;
  }

  async leaseKeys(fresh: LeaseKey): Promise<[LeaseKey, ...LeaseKey[]]> {
    if (this.keys.length === 0) this.keys = [fresh];
    return [...this.keys] as [LeaseKey, ...LeaseKey[]];
  }

  async signingKey(fresh: string): Promise<string> {
    this.gridKey ??= fresh;
    return this.gridKey;
  }

  async enrolHost(host: HostFacts, remember: boolean): Promise<'known' | 'new' | 'other_account'> {
    const known = this.hosts.get(host.hostId);
    if (known !== undefined && known.accountId !== host.accountId) return 'other_account';
    if (known === undefined && !remember) return 'new';
    this.hosts.set(host.hostId, host);
    this.displayNames.set(host.accountId, host.name);
    return 'known';
  }

  async submitJob(facts: JobFacts, curated = false): Promise<void> {
    if (this.jobs.has(facts.jobId)) return;
    const counts = {
      cursor: 0,
      shards: 0,
      shardsOpen: 0,
      canonical: 0,
      failed: 0,
      fuel: 0n,
      creditMicro: 0n,
    };
    const rest = { state: 'open', counts, endedAt: null, pauses: {}, curated } as const;
    this.jobs.set(facts.jobId, { ...structuredClone(facts), ...rest });
  }

  async readJob(jobId: JobId): Promise<Job | null> {
    return structuredClone(this.jobs.get(jobId) ?? null);
  }

  async listJobs(max: number): Promise<Job[]> {
    const newestFirst = [...this.jobs.values()].sort((a, b) => b.submittedAt - a.submittedAt);
    return structuredClone(newestFirst.slice(0, max));
  }

  async openJobs(partition: number): Promise<OpenJob[]> {
    return [...this.jobs.values()]
      .filter(({ state }) => state === 'open' || state === 'paused')
      .filter(({ jobId }) => this.partitionOfJob(jobId) === this.partition(partition))
      .sort((a, b) => a.submittedAt - b.submittedAt)
      .map(({ jobId, state, counts }) => ({ jobId, state, cursor: counts.cursor }));
  }

  async cancelJob(jobId: JobId, now: number): Promise<'cancelled' | 'over' | 'unknown'> {
    const job = this.jobs.get(jobId);
    if (job === undefined) return 'unknown';
    if (isOver(job)) return 'over';
    job.state = 'cancelled';
    job.endedAt = now;
    job.counts.shardsOpen = 0;
    const { open } = this.partitionOfJob(jobId);
    for (const [id, shard] of open) if (shard.jobId === jobId) open.delete(id);
    return 'cancelled';
  }

  async pauseJob(
    jobId: JobId,
    cause: PauseCause,
    reason: string,
  ): Promise<'paused' | 'over' | 'unknown'> {
    const job = this.jobs.get(jobId);
    if (job === undefined) return 'unknown';
    if (isOver(job)) return 'over';
    job.state = 'paused';
    job.pauses[cause] = reason;
    return 'paused';
  }

  async resumeJob(
    jobId: JobId,
    causes: readonly PauseCause[],
  ): Promise<'open' | 'paused' | 'over' | 'unknown'> {
    const job = this.jobs.get(jobId);
    if (job === undefined) return 'unknown';
    if (isOver(job)) return 'over';
    for (const cause of causes) delete job.pauses[cause];
    job.state = Object.keys(job.pauses).length > 0 ? 'paused' : 'open';
    return job.state;
  }

  async isCurated(jobId: JobId): Promise<boolean> {
    return this.jobs.get(jobId)?.curated ?? false;
  }

  async curateJob(jobId: JobId, curated: boolean): Promise<boolean> {
    const job = this.jobs.get(jobId);
    if (job !== undefined) job.curated = curated;
    return job !== undefined;
  }

  async openShard(facts: JobFacts, shard: Shard): Promise<boolean> {
    if ('list' in shard.units) throw new Error('a split shard is a run of units');
    const job = this.jobs.get(facts.jobId);
    if (job === undefined || job.state !== 'open' || job.counts.cursor !== shard.units.from)
      return false;
    job.counts.cursor += shard.units.count;
    job.counts.shards++;
    job.counts.shardsOpen++;
    this.partitionOfJob(job.jobId).open.set(shardId(shard), shard);
    return true;
  }

  async openShards(partition: number): Promise<Shard[]> {
    return [...this.partition(partition).open.values()];
  }

  async openShardIds(partition: number): Promise<ShardId[]> {
    return [...this.partition(partition).open.keys()];
  }

  async readOpenShard(shard: Pick<Shard, 'jobId' | 'number'>): Promise<Shard | null> {
    return structuredClone(this.partitionOfJob(shard.jobId).open.get(shardId(shard)) ?? null);
  }

  async openCheck(shard: Shard): Promise<'opened' | 'stands' | 'over'> {
    const job = this.jobs.get(shard.jobId);
    if (job === undefined || job.state === 'cancelled') return 'over';
    const { open, journals } = this.partitionOfJob(shard.jobId);
    const id = shardId(shard);
    if (open.has(id) || journals.has(id)) return 'stands';
    open.set(id, structuredClone(shard));
    return 'opened';
  }

  async readJournal(shard: Shard, fromByte = 0): Promise<Uint8Array> {
    return this.journal(this.partitionOfJob(shard.jobId), shard).slice(fromByte);
  }

  async append(
    number: number,
    appends: readonly ShardAppend[],
    now: number,
  ): Promise<AppendReply[]> {
    assertDistinctShards(appends);
    const partition = this.partition(number);
    const replies = appends.map(({ shard, expectedLength }): AppendReply => {
      if (!partition.open.has(shardId(shard))) return { kind: 'closed' };
      const { length } = this.journal(partition, shard);
      return length === expectedLength
        ? { kind: 'written', jobEnded: false }
        : { kind: 'stale', length };
    });
    return replies.map((reply, i) => {
      const append = appends[i];
      if (append === undefined || reply.kind !== 'written') return reply;
      return { kind: 'written', jobEnded: this.write(partition, append, now) };
    });
  }

  async amend(name: string, amendment: Amendment): Promise<void> {
    const { jobId, unit, place } = amendment;
    if (this.amended.has(name)) return;
    this.amended.add(name);
    const places = this.places.get(jobId) ?? new Map<number, Place>();
    if (place !== null) this.places.set(jobId, places.set(unit, place));
    const payments = revocations(amendment);
    if (payments.length === 0) return;
    const partition = this.partitionOfJob(jobId);
    partition.outbox.push({ number: ++partition.outboxNumber, jobId, isCheck: false, payments });
  }

  async readAmendments(jobId: JobId): Promise<Map<number, Place>> {
    return new Map(this.places.get(jobId));
  }

  async readOutbox(number: number, afterNumber: number, max: number): Promise<OutboxRecord[]> {
    const { outbox } = this.partition(number);
    return structuredClone(outbox.filter((record) => record.number > afterNumber).slice(0, max));
  }

  async trimOutbox(number: number, upToNumber: number): Promise<void> {
    const partition = this.partition(number);
    partition.outbox = partition.outbox.filter((record) => record.number > upToNumber);
  }

  async names(accountIds: readonly AccountId[]): Promise<string[]> {
    return accountIds.map((accountId) => this.displayNames.get(accountId) ?? '');
  }

  async close(): Promise<void> {}

  /** Writes one append. True when it ended the job. */
  private write(partition: Partition, append: ShardAppend, now: number): boolean {
    const { shard, bytes, canonical, failed, fuel, creditMicro, pay, closes } = append;
    const job = this.jobs.get(shard.jobId);
    if (job === undefined) throw new Error(`an open shard of the unknown job ${shard.jobId}`);
    const journal = this.journal(partition, shard);
    partition.journals.set(shardId(shard), concat(journal, bytes));
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
    job.state = 'complete';
    job.endedAt = now;
    return true;
  }

  private journal(partition: Partition, shard: Shard): Uint8Array {
    return partition.journals.get(shardId(shard)) ?? new Uint8Array(0);
  }

  private partitionOfJob(jobId: JobId): Partition {
    return this.partition(partitionOf(jobId, this.grid?.partitions ?? 1));
  }

  private partition(number: number): Partition {
    let partition = this.partitions.get(number);
    if (partition === undefined) {
      partition = {
        open: new Map(),
        journals: new Map(),
        outbox: [],
        outboxNumber: 0,
      };
      this.partitions.set(number, partition);
    }
    return partition;
  }
}

const copy = (payments: readonly Payment[]): Payment[] =>
  payments.map((payment) => structuredClone(payment));

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
}

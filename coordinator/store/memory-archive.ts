/** The archive in memory: see memory-store.ts. */
import type { JobId } from '../../protocol/ids.ts';
import {
  groupBit,
  groupOf,
  hasBit,
  type KeptJob,
  type RipeGroup,
  type ShardGroup,
} from '../domain/archive-group.ts';
import { type Shard, shardId, splitCount } from '../domain/shard.ts';
import { ArchiveDamaged } from './archive-damaged.ts';
import { type ArchiveFiles, groupFile, type Journal } from './archive-files.ts';
import type { ArchiveStore } from './archive-store.ts';
import type { JobRecord } from './job-file.ts';
import type { MemoryPartitions } from './memory-partitions.ts';

export class MemoryArchiveFiles implements ArchiveFiles {
  private readonly files = new Map<string, Map<number, Uint8Array>>();
  private readonly jobs = new Map<JobId, JobRecord>();

  async writeGroup(
    jobId: JobId,
    group: ShardGroup,
    journals: AsyncIterable<Journal>,
  ): Promise<void> {
    const file = new Map<number, Uint8Array>();
    for await (const { number, bytes } of journals) file.set(number, bytes.slice());
    this.files.set(`${jobId}/${groupFile(group)}`, file);
  }

  async readJournal(jobId: JobId, group: ShardGroup, number: number): Promise<Uint8Array> {
    const path = `${jobId}/${groupFile(group)}`;
    const file = this.files.get(path);
    if (file === undefined) throw new ArchiveDamaged(`${path} is missing`);
    return file.get(number) ?? new Uint8Array(0);
  }

  async *readGroup(jobId: JobId, group: ShardGroup): AsyncGenerator<Uint8Array> {
    const path = `${jobId}/${groupFile(group)}`;
    const file = this.files.get(path);
    if (file === undefined) throw new ArchiveDamaged(`${path} is missing`);
    yield* file.values();
  }

  async *jobIds(): AsyncGenerator<JobId> {
    const paths = [...this.files.keys()].map((path) => path.split('/')[0] ?? '');
    yield* new Set([...paths, ...this.jobs.keys()]);
  }

  async has(jobId: JobId): Promise<boolean> {
    for await (const one of this.jobIds()) if (one === jobId) return true;
    return false;
  }

  async writeJob(record: JobRecord): Promise<void> {
    this.jobs.set(record.job.jobId, structuredClone(record));
  }

  async readJob(jobId: JobId): Promise<JobRecord | null> {
    return structuredClone(this.jobs.get(jobId) ?? null);
  }

  async removeJob(jobId: JobId): Promise<void> {
    this.jobs.delete(jobId);
    for (const path of this.files.keys()) if (path.startsWith(`${jobId}/`)) this.files.delete(path);
  }
}

export class MemoryArchive implements ArchiveStore {
  readonly files: ArchiveFiles;
  private readonly partitions: MemoryPartitions;
  private readonly bits = new Map<JobId, Uint8Array>();

  constructor(partitions: MemoryPartitions, files: ArchiveFiles) {
    this.partitions = partitions;
    this.files = files;
  }

  async listKept(partition: number): Promise<KeptJob[]> {
    const jobs = await Promise.all(this.idsIn(partition).map((jobId) => this.readKept(jobId)));
    return jobs.filter((job) => job !== null);
  }

  async readKept(jobId: JobId): Promise<KeptJob | null> {
    const job = this.partitions.jobs.get(jobId);
    if (job === undefined) return null;
    return {
      jobId,
      state: job.state,
      finalAt: job.finalAt,
      splits: splitCount(job),
      shards: job.counts.shards,
      checks: this.partitions.checks.get(jobId) ?? 0,
      archived: this.bitsOf(jobId).slice(),
    };
  }

  async newest(partition: number, max: number): Promise<JobId[]> {
    return this.listedIn(partition).reverse().slice(0, max);
  }

  async lengths(jobId: JobId, shards: readonly number[]): Promise<number[]> {
    const { journals } = this.partitions.ofJob(jobId);
    return shards.map((number) => journals.get(shardId({ jobId, number }))?.length ?? 0);
  }

  async letGo(jobId: JobId, group: RipeGroup, lengths: readonly number[]): Promise<boolean> {
    if (!this.partitions.jobs.has(jobId)) return false;
    const bit = groupBit(group);
    if (hasBit(this.bitsOf(jobId), bit)) return true;
    const { open, journals } = this.partitions.ofJob(jobId);
    const ids = group.shards.map((number) => shardId({ jobId, number }));
    const isSame = (id: string, i: number) => (journals.get(id)?.length ?? 0) === lengths[i];
    if (ids.some((id) => open.has(id)) || !ids.every(isSame)) return false;
    for (const id of ids) journals.delete(id);
    const bits = new Uint8Array(Math.max(this.bitsOf(jobId).length, (bit >> 3) + 1));
    bits.set(this.bitsOf(jobId));
    bits[bit >> 3] = (bits[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
    this.bits.set(jobId, bits);
    return true;
  }

  async letJobGo({ job: { jobId }, archived, revoked }: JobRecord): Promise<boolean> {
    const job = this.partitions.jobs.get(jobId);
    if (job === undefined) return true;
    const isSame =
      job.finalAt !== null &&
      Buffer.compare(this.bitsOf(jobId), archived) === 0 &&
      (this.partitions.revoked.get(jobId) ?? []).length === revoked.length;
    if (!isSame) return false;
    this.partitions.letJobGo(jobId);
    this.bits.delete(jobId);
    return true;
  }

  async unlist(jobId: JobId): Promise<void> {
    this.partitions.listed.delete(jobId);
  }

  async trimList(partition: number, max: number): Promise<void> {
    const listed = this.listedIn(partition);
    for (const jobId of listed.slice(0, Math.max(0, listed.length - max)))
      if (!this.partitions.jobs.has(jobId)) this.partitions.listed.delete(jobId);
  }

  /** Whether a shard without a journal has one in the archive. */
  has({ jobId, number }: Pick<Shard, 'jobId' | 'number'>): boolean {
    const job = this.partitions.jobs.get(jobId);
    if (job === undefined) return false;
    return hasBit(this.bitsOf(jobId), groupBit(groupOf(number, splitCount(job))));
  }

  async read({ jobId, number }: Shard): Promise<Uint8Array> {
    const here = this.partitions.jobs.get(jobId);
    const record = here === undefined ? await this.files.readJob(jobId) : null;
    const job = here ?? record?.job;
    if (job === undefined) return new Uint8Array(0);
    const group = groupOf(number, splitCount(job));
    const archived = record?.archived ?? this.bitsOf(jobId);
    return hasBit(archived, groupBit(group))
      ? await this.files.readJournal(jobId, group, number)
      : new Uint8Array(0);
  }

  private idsIn(partition: number): JobId[] {
    const ids = [...this.partitions.jobs.keys()];
    return ids.filter((id) => this.partitions.ofJob(id) === this.partitions.at(partition));
  }

  /** The oldest first. */
  private listedIn(partition: number): JobId[] {
    return [...this.partitions.listed]
      .filter(([id]) => this.partitions.ofJob(id) === this.partitions.at(partition))
      .sort(([, a], [, b]) => a - b)
      .map(([jobId]) => jobId);
  }

  private bitsOf(jobId: JobId): Uint8Array {
    return this.bits.get(jobId) ?? new Uint8Array(0);
  }
}

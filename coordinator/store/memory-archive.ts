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
import type { MemoryPartitions } from './memory-partitions.ts';

export class MemoryArchiveFiles implements ArchiveFiles {
  private readonly files = new Map<string, Map<number, Uint8Array>>();

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
    return [...this.partitions.jobs.values()]
      .filter(({ jobId }) => this.partitions.ofJob(jobId) === this.partitions.at(partition))
      .map((job) => ({
        jobId: job.jobId,
        state: job.state,
        finalAt: job.finalAt,
        splits: splitCount(job),
        shards: job.counts.shards,
        checks: this.partitions.checks.get(job.jobId) ?? 0,
        archived: this.bitsOf(job.jobId).slice(),
      }));
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

  /** Whether a shard without a journal has one in the archive. */
  has({ jobId, number }: Pick<Shard, 'jobId' | 'number'>): boolean {
    const job = this.partitions.jobs.get(jobId);
    if (job === undefined) return false;
    return hasBit(this.bitsOf(jobId), groupBit(groupOf(number, splitCount(job))));
  }

  async read({ jobId, number }: Shard): Promise<Uint8Array> {
    const job = this.partitions.jobs.get(jobId);
    if (job === undefined || !this.has({ jobId, number })) return new Uint8Array(0);
    return await this.files.readJournal(jobId, groupOf(number, splitCount(job)), number);
  }

  private bitsOf(jobId: JobId): Uint8Array {
    return this.bits.get(jobId) ?? new Uint8Array(0);
  }
}

/**
 * Marks every artifact that anything names:
 *
 *   jobs      kernel and verifier, as they were uploaded and as they were metered, and inputs
 *   journals  outputs, of every result that was ever recorded: accepted or not, first or check
 *   checks    what a verifier is to look at, from when the check is ordered until what came of it is heard
 *
 * Redis first, then the archive: what moves in between moves that way. Nothing else needs the bytes: cases and amendments
 * say where in a journal a result is, and of a late result only the digest is ever compared.
 *
 * What is named while this goes on may be missed. It is young then, because whoever names an artifact renews it.
 */
import type { Digest, JobId } from '../../../protocol/ids.ts';
import { hexOf } from '../../artifacts/artifacts.ts';
import { archivedGroups, type KeptJob, shardsInRedis } from '../../domain/archive-group.ts';
import type { JobFacts, PreparedKernel } from '../../domain/job.ts';
import { outputsNamed } from '../../domain/journal.ts';
import type { NamedArtifacts } from '../../domain/named-artifacts.ts';
import type { Shard } from '../../domain/shard.ts';
import type { Order } from '../../domain/trust/docket.ts';
import type { JobRecord } from '../../store/job-file.ts';
import { ArchiveDamaged } from '../../store/store.ts';
import type { Page } from '../../store/trust-store.ts';
import type { Context } from '../context.ts';
import type { Breath } from './breath.ts';

type MarkContext = Pick<Context, 'store' | 'grid'>;

/** There is something in the archive, or missing from it, of which nobody can say what it names. */
export class NamesUnsure extends Error {}

/** Throws NamesUnsure, or ArchiveDamaged. */
export async function markNamed(
  { store, grid }: MarkContext,
  named: NamedArtifacts,
  breath: Breath,
): Promise<void> {
  const marking = new Marking(store, named, breath);
  for (let partition = 0; partition < grid.partitions; partition++)
    await marking.inRedis(partition);
  await marking.orders();
  await marking.archive();
  for (let partition = 0; partition < grid.partitions; partition++)
    await marking.assertListed(partition);
}

class Marking {
  private readonly store: Context['store'];
  private readonly named: NamedArtifacts;
  private readonly breath: Breath;
  private readonly kept = new Set<JobId>();

  constructor(store: Context['store'], named: NamedArtifacts, breath: Breath) {
    this.store = store;
    this.named = named;
    this.breath = breath;
  }

  async inRedis(partition: number): Promise<void> {
    for (const shard of await this.store.openShards(partition)) this.check(shard);
    for (const job of await this.store.archive.listKept(partition)) await this.keptJob(job);
  }

  async orders(): Promise<void> {
    let from: string | null = '';
    while (from !== null) {
      const page: Page<Order> = await this.store.trust.page('orders', from);
      for (const shard of page.rows.values()) this.check(shard);
      from = page.next;
      await this.breath();
    }
  }

  /** Jobs of which nothing is in Redis any more. */
  async archive(): Promise<void> {
    for await (const jobId of this.store.archive.files.jobIds()) {
      if (!this.kept.has(jobId)) await this.unlessRemoved(jobId, () => this.archivedJob(jobId));
      await this.breath();
    }
  }

  /** What is listed is there. (Of older jobs nobody knows any more that they were.) */
  async assertListed(partition: number): Promise<void> {
    const { archive } = this.store;
    for (const jobId of await archive.newest(partition, Number.MAX_SAFE_INTEGER)) {
      await this.breath();
      if (this.kept.has(jobId) || (await archive.files.has(jobId))) continue;
      // Submitted since, or removed.
      if ((await archive.readKept(jobId)) !== null || !(await this.isListed(partition, jobId)))
        continue;
      throw new NamesUnsure(`${jobId} is in the list of jobs, and nothing of it is in the archive`);
    }
  }

  private async isListed(partition: number, jobId: JobId): Promise<boolean> {
    return (await this.store.archive.newest(partition, Number.MAX_SAFE_INTEGER)).includes(jobId);
  }

  private async keptJob(kept: KeptJob): Promise<void> {
    const { jobId, archived } = kept;
    const { store } = this;
    const facts = await store.jobs.read(jobId);
    // Then it was removed just now.
    if (facts === null) return;
    this.kept.add(jobId);
    this.job(facts);
    for (const number of shardsInRedis(kept)) {
      // Only its number tells which journal it is. It may be in a file by now.
      this.journal(await store.readJournal({ jobId, number, units: { list: [] } }));
      await this.breath();
    }
    await this.unlessRemoved(jobId, () => this.groups(jobId, archived));
  }

  private async archivedJob(jobId: JobId): Promise<void> {
    const { archive } = this.store;
    const record = await archive.files.readJob(jobId);
    if (record !== null) return await this.record(record);
    // Submitted since the others were read, or gone from Redis since.
    const kept = await archive.readKept(jobId);
    if (kept !== null) return await this.keptJob(kept);
    const moved = await archive.files.readJob(jobId);
    if (moved !== null) return await this.record(moved);
    throw new NamesUnsure(
      `there are files of ${jobId} in the archive, but no job.json, and Redis knows of no such job`,
    );
  }

  private async record({ job, archived }: JobRecord): Promise<void> {
    this.job(job);
    await this.groups(job.jobId, archived);
  }

  private async groups(jobId: JobId, archived: Uint8Array): Promise<void> {
    for (const group of archivedGroups(archived)) {
      for await (const journal of this.store.archive.files.readGroup(jobId, group)) {
        this.journal(journal);
        await this.breath();
      }
    }
  }

  /** Files that vanish with all of their job were not damaged. */
  private async unlessRemoved(jobId: JobId, read: () => Promise<void>): Promise<void> {
    try {
      await read();
    } catch (error) {
      const mayBeGone = error instanceof ArchiveDamaged || error instanceof NamesUnsure;
      if (!mayBeGone || (await this.isThere(jobId))) throw error;
    }
  }

  private async isThere(jobId: JobId): Promise<boolean> {
    const { archive } = this.store;
    return (await archive.files.has(jobId)) || (await archive.readKept(jobId)) !== null;
  }

  private job({ document, kernel, verifier }: JobFacts): void {
    const { stdin, files } = document.run;
    this.kernel(kernel);
    if (verifier !== undefined) this.kernel(verifier);
    if (stdin !== null) this.digest(stdin);
    for (const digest of Object.values(files)) this.digest(digest);
  }

  private kernel({ digest, meteredDigest }: PreparedKernel): void {
    this.digest(digest);
    this.digest(meteredDigest);
  }

  private check({ check }: Shard): void {
    for (const digest of check?.verify ?? []) this.digest(digest);
  }

  private journal(journal: Uint8Array): void {
    for (const digest of outputsNamed(journal)) this.named.add(digest);
  }

  private digest(digest: Digest): void {
    this.named.add(Buffer.from(hexOf(digest), 'hex'));
  }
}

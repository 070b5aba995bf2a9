/**
 * The archive as a folder: one folder a job, with a file for each group of its shards.
 *
 *   incoming/…                                    what is being written; what a crash left goes a day later
 *   jobs/j0123456789abcdef/splits-000000.journals
 *   jobs/j0123456789abcdef/job.json               when nothing of it changes any more (job-file.ts)
 *
 * A file appears under its name when it is whole and on disk: written elsewhere, fsynced, renamed, the folder
 * fsynced. Then it is read back: only after that Redis lets go of what is in it.
 */
import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, opendir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type JobId, jobIdSchema } from '../../protocol/ids.ts';
import type { ShardGroup } from '../domain/archive-group.ts';
import { ArchiveDamaged } from './archive-damaged.ts';
import { type ArchiveFiles, groupFile, type Journal } from './archive-files.ts';
import { type JobRecord, readJobFile, writeJobFile } from './job-file.ts';
import { type JournalIndex, readEntry, readIndex, writeJournals } from './journal-file.ts';
import { syncFolder } from './sync-folder.ts';

/** Whoever reads a job's results reads a file from end to end, and some read at once: 8 KiB each. */
const indexesMax = 64;
/** Whoever reads its results asks for the job with each shard. Documents may be megabytes. */
const recordsMax = 4;

export class ArchiveFolder implements ArchiveFiles {
  private readonly folder: string;
  private readonly indexes = new Map<string, JournalIndex>();
  private readonly records = new Map<string, JobRecord>();
  private readonly harmed: (error: ArchiveDamaged) => void;

  private constructor(folder: string, harmed: (error: ArchiveDamaged) => void) {
    this.folder = folder;
    this.harmed = harmed;
  }

  /** `harmed` is told of each file that turns out to be damaged: whoever reads may go on without it. */
  static async open(
    folder: string,
    harmed: (error: ArchiveDamaged) => void = () => undefined,
  ): Promise<ArchiveFolder> {
    for (const name of ['incoming', 'jobs'])
      await mkdir(join(folder, name), { recursive: true, mode: 0o700 });
    await syncFolder(folder);
    await syncFolder(dirname(folder));
    await clearIncoming(join(folder, 'incoming'));
    return new ArchiveFolder(folder, harmed);
  }

  async writeGroup(
    jobId: JobId,
    group: ShardGroup,
    journals: AsyncIterable<Journal>,
  ): Promise<void> {
    const path = this.path(jobId, group);
    await this.publish(path, (file) => writeJournals(file, jobId, journals));
    await this.readBack(path);
  }

  async readJournal(jobId: JobId, group: ShardGroup, number: number): Promise<Uint8Array> {
    const path = this.path(jobId, group);
    return await this.withFile(path, async (file) => {
      const index = this.indexes.get(path) ?? (await readIndex(file, path));
      if (index.jobId !== jobId) throw new ArchiveDamaged(`${path} is of the job ${index.jobId}`);
      keepLast(this.indexes, path, index, indexesMax);
      return await readEntry(file, path, index, number);
    });
  }

  async *readGroup(jobId: JobId, group: ShardGroup): AsyncGenerator<Uint8Array> {
    const path = this.path(jobId, group);
    const index = await this.withFile(path, (file) => readIndex(file, path));
    if (index.jobId !== jobId) throw new ArchiveDamaged(`${path} is of the job ${index.jobId}`);
    for (const { number } of index.shards)
      yield await this.withFile(path, (file) => readEntry(file, path, index, number));
  }

  async *jobIds(): AsyncGenerator<JobId> {
    for await (const { name } of await opendir(join(this.folder, 'jobs')))
      if (jobIdSchema.safeParse(name).success) yield name;
  }

  async has(jobId: JobId): Promise<boolean> {
    const found = await stat(join(this.folder, 'jobs', jobId)).catch((error) => {
      if (isMissing(error)) return null;
      throw error;
    });
    return found !== null;
  }

  async writeJob(record: JobRecord): Promise<void> {
    const { jobId } = record.job;
    const path = this.jobPath(jobId);
    await this.publish(path, (file) => file.writeFile(writeJobFile(record)));
    this.records.delete(path);
    await this.readJob(jobId);
  }

  async readJob(jobId: JobId): Promise<JobRecord | null> {
    const path = this.jobPath(jobId);
    // Another coordinator may have taken it away.
    if ((await stat(path).catch(() => null)) === null) {
      this.records.delete(path);
      return null;
    }
    const known = this.records.get(path);
    const record =
      known ??
      (await this.withFile(path, async (file) =>
        readJobFile(await file.readFile('utf8'), path, jobId),
      ));
    keepLast(this.records, path, record, recordsMax);
    return record;
  }

  async removeJob(jobId: JobId): Promise<void> {
    const path = join(this.folder, 'jobs', jobId);
    const aside = join(this.folder, 'incoming', randomBytes(12).toString('hex'));
    try {
      await rename(path, aside);
    } catch (error) {
      if (isMissing(error)) return;
      throw error;
    }
    await syncFolder(join(this.folder, 'jobs'));
    for (const kept of [this.indexes, this.records])
      for (const name of kept.keys()) if (dirname(name) === path) kept.delete(name);
    await rm(aside, { recursive: true, force: true });
  }

  private async readBack(path: string): Promise<void> {
    await this.withFile(path, async (file) => {
      const index = await readIndex(file, path);
      for (const { number } of index.shards) await readEntry(file, path, index, number);
    });
  }

  private async publish(
    path: string,
    write: (file: FileHandle) => Promise<unknown>,
  ): Promise<void> {
    const temporary = join(this.folder, 'incoming', randomBytes(12).toString('hex'));
    const file = await open(temporary, 'wx', 0o600);
    try {
      await write(file);
      await file.sync();
      await file.close();
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await rename(temporary, path);
      this.indexes.delete(path);
      await syncFolder(dirname(path));
      await syncFolder(join(this.folder, 'jobs'));
    } catch (error) {
      await file.close().catch(() => {
        // Closed already, or never usable: the file goes away next either way.
      });
      await rm(temporary, { force: true });
      throw error;
    }
  }

  private async withFile<T>(path: string, run: (file: FileHandle) => Promise<T>): Promise<T> {
    let file: FileHandle | null = null;
    try {
      file = await open(path, 'r');
      return await run(file);
    } catch (error) {
      if (isPassing(error)) throw error;
      const damaged =
        error instanceof ArchiveDamaged
          ? error
          : new ArchiveDamaged(`${path} cannot be read: ${error}`, { cause: error });
      this.harmed(damaged);
      throw damaged;
    } finally {
      await file?.close();
    }
  }

  private path(jobId: JobId, group: ShardGroup): string {
    return join(this.folder, 'jobs', jobId, groupFile(group));
  }

  private jobPath(jobId: JobId): string {
    return join(this.folder, 'jobs', jobId, 'job.json');
  }
}

function keepLast<Value>(kept: Map<string, Value>, path: string, value: Value, max: number): void {
  kept.delete(path);
  kept.set(path, value);
  const [oldest] = kept.keys();
  if (kept.size > max && oldest !== undefined) kept.delete(oldest);
}

/** A day: another coordinator that shares the folder may be writing, and none writes a file for so long. */
const incomingMsMax = 86_400_000;

/** What a crash left half-written is of no use to anybody. */
async function clearIncoming(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const found = await stat(path).catch(() => null); // it was renamed meanwhile
    if (found !== null && Date.now() - found.mtimeMs > incomingMsMax)
      await rm(path, { recursive: true, force: true });
  }
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT';

/** Too many files are open: that passes. */
const isPassing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && ['EMFILE', 'ENFILE'].includes(String(error.code));

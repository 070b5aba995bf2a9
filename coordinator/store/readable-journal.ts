/**
 * What may be in the archive, for steps that can do without: null when its file is damaged. Whatever looks after all
 * jobs goes on with the others; the archive has told the log.
 */
import type { JobId } from '../../protocol/ids.ts';
import type { Job } from '../domain/job.ts';
import type { Shard } from '../domain/shard.ts';
import type { JobStore } from './job-store.ts';
import { ArchiveDamaged, type Store } from './store.ts';

export const readableJournal = (
  store: Pick<Store, 'readJournal'>,
  shard: Shard,
): Promise<Uint8Array | null> => readable(() => store.readJournal(shard));

export const readableJob = (jobs: Pick<JobStore, 'read'>, jobId: JobId): Promise<Job | null> =>
  readable(() => jobs.read(jobId));

async function readable<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof ArchiveDamaged) return null;
    throw error;
  }
}

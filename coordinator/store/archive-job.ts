/**
 * A job and its shards into the archive, each in the order that makes a crash harmless: read from Redis; written,
 * fsynced, renamed and read back; then one script compares, notes it and deletes. Until that has run nobody looks at
 * the file, and who does it again writes the same bytes.
 */
import type { JobId } from '../../protocol/ids.ts';
import type { KeptJob, RipeGroup } from '../domain/archive-group.ts';
import type { Journal } from './archive-files.ts';
import type { Store } from './store.ts';

/** False when one of its shards may be opened yet. */
export async function archiveGroup(store: Store, jobId: JobId, group: RipeGroup): Promise<boolean> {
  const { archive } = store;
  const lengths = await archive.lengths(jobId, group.shards);
  if (!group.areOpened && lengths.includes(0)) return false;
  await archive.files.writeGroup(jobId, group, journals(store, jobId, group.shards));
  // Refused, the next one writes the file anew.
  return await archive.letGo(jobId, group, lengths);
}

/** One at a time: with outputs a journal may be a megabyte. */
async function* journals(
  store: Store,
  jobId: JobId,
  shards: readonly number[],
): AsyncGenerator<Journal> {
  // Only its number tells which journal it is.
  for (const number of shards)
    yield { number, bytes: await store.readJournal({ jobId, number, units: { list: [] } }) };
}

/** A job that is final and all of whose journals are in files. False when it is not, or is not any more. */
export async function archiveJob(store: Store, { jobId, archived }: KeptJob): Promise<boolean> {
  const job = await store.jobs.read(jobId);
  if (job === null) return false;
  const amendments = [...(await store.readAmendments(jobId))];
  const revoked = await store.readRevoked(jobId, 0, Number.MAX_SAFE_INTEGER);
  const record = { job, amendments, revoked, archived };
  await store.archive.files.writeJob(record);
  // Before the job goes: else a crash in between would leave it there for ever.
  await store.ledger.forgetStanding('job', jobId);
  return await store.archive.letJobGo(record);
}

/**
 * Which jobs have pay on its way from the outbox to the books. What is asked of a job that is over, after it was seen to
 * be: nothing of it is recorded any more, so what does not name it now never will. On a grid at work something of
 * other jobs is always on its way, and nobody waits for that.
 */
import type { JobId } from '../../protocol/ids.ts';
import type { Store } from './store.ts';

/** Some seconds of a grid at full work; the ledger takes a thousand in a step, ten times a second. */
const recordsLookedAt = 4096;

export async function unpaidJobs(
  store: Pick<Store, 'ledger' | 'readOutbox'>,
  partition: number,
): Promise<(jobId: JobId) => boolean> {
  const watermark = await store.ledger.watermark(partition);
  const records = await store.readOutbox(partition, watermark, recordsLookedAt);
  const named = new Set(records.map(({ jobId }) => jobId));
  // So far behind that it cannot be told: then anything may be.
  return (jobId) => records.length === recordsLookedAt || named.has(jobId);
}

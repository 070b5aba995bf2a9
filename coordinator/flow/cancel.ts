/** cancel: the job records nothing any more; holders drop its shards and its hosts are told. */
import { GridError } from '../../protocol/errors.ts';
import type { JobId } from '../../protocol/ids.ts';
import type { Context } from './context.ts';

/** Throws GridError `job_unknown` or `job_over`. */
export async function cancelJob(context: Context, jobId: JobId): Promise<void> {
  const reply = await context.store.cancelJob(jobId, context.now());
  if (reply === 'unknown') throw new GridError('job_unknown', jobId);
  if (reply === 'over') throw new GridError('job_over', jobId);
  context.log.info({ jobId }, 'job cancelled');
  context.happened({ kind: 'job_cancelled', jobId });
}

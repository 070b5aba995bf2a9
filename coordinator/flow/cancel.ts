/** cancel: the job records nothing any more; holders drop its shards and its hosts are told. */
import { GridError } from '../../protocol/errors.ts';
import type { JobId } from '../../protocol/ids.ts';
import { auditLine } from '../domain/audit.ts';
import { isOver } from '../domain/job.ts';
import { isOperator, type TokenFacts } from '../domain/token.ts';
import type { Context } from './context.ts';

/** Throws GridError `job_unknown` or `job_over`. What operators cancel is in the audit log. */
export async function cancelJob(
  context: Context,
  jobId: JobId,
  by: TokenFacts,
  reason: string,
): Promise<void> {
  const { store } = context;
  const job = await store.jobs.read(jobId);
  if (job !== null && isOver(job)) throw new GridError('job_over', jobId);
  if (isOperator(by)) {
    const what = { act: 'job_cancel', target: jobId, reason } as const;
    await store.registry.logAct(auditLine(by, context.now(), what));
  }
  const reply = await store.jobs.cancel(jobId, context.now());
  if (reply === 'unknown') throw new GridError('job_unknown', jobId);
  if (reply === 'over') throw new GridError('job_over', jobId);
  context.log.info({ jobId }, 'job cancelled');
  context.happened({ kind: 'job_cancelled', jobId });
}

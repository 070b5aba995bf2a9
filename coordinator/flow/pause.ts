/**
 * pause, resume, disable: a job rests until whoever paused it lets it go on. Paused by a person, what
 * is out is finished and counts; paused because its kernel is disabled, it is taken back at once.
 *
 * The job's record is the truth, and the window only remembers it: `reconcilePauses` brings both in
 * line, also with what another coordinator did, and with a kernel that was disabled halfway when we
 * died, or while a job of it was being submitted.
 */
import { GridError } from '../../protocol/errors.ts';
import type { Digest, JobId } from '../../protocol/ids.ts';
import type { PauseCause } from '../../protocol/job.ts';
import { auditLine } from '../domain/audit.ts';
import type { JobFacts } from '../domain/job.ts';
import { isOperator, type TokenFacts } from '../domain/token.ts';
import { partitionOf } from '../store/store.ts';
import { type Context, partitions } from './context.ts';

/** Throws GridError `job_unknown` or `job_over`. */
export async function pauseJob(
  context: Context,
  jobId: JobId,
  by: TokenFacts,
  reason: string,
): Promise<void> {
  const cause = await causeOf(context, jobId, by);
  await log(context, by, 'job_pause', jobId, reason);
  assertThere(jobId, await context.store.jobs.pause(jobId, cause, reason));
  context.window.pause(jobId);
  context.happened({ kind: 'job_paused', jobId });
}

/**
 * Lifts the pause of its owner, and when an operator resumes that of operators too. Another cause may
 * keep it paused. Throws GridError `job_unknown` or `job_over`.
 */
export async function resumeJob(
  context: Context,
  jobId: JobId,
  by: TokenFacts,
  reason: string,
): Promise<void> {
  await causeOf(context, jobId, by);
  await log(context, by, 'job_resume', jobId, reason);
  await lift(context, jobId, isOperator(by) ? ['owner', 'operator'] : ['owner']);
}

/** Jobs of the kernel are paused, and none can be submitted. */
export async function disableKernel(
  context: Context,
  by: TokenFacts,
  digest: Digest,
  reason: string,
): Promise<void> {
  await log(context, by, 'kernel_disable', digest, reason);
  await context.store.registry.disableKernel(digest, { reason, since: context.now() });
  for (const partition of partitions(context)) await reconcilePauses(context, partition);
}

/** False when it was not disabled. */
export async function enableKernel(
  context: Context,
  by: TokenFacts,
  digest: Digest,
  reason: string,
): Promise<boolean> {
  const { registry } = context.store;
  if (!(await registry.disabledKernels()).has(digest)) return false;
  await log(context, by, 'kernel_enable', digest, reason);
  await registry.enableKernel(digest);
  for (const partition of partitions(context)) await reconcilePauses(context, partition);
  return true;
}

export async function reconcilePauses(context: Context, partition: number): Promise<void> {
  const { store, window, jobs, grid } = context;
  const disabled = await store.registry.disabledKernels();
  const open = await store.jobs.listOpen(partition);
  for (const { jobId, state } of open) {
    if (state === 'paused') window.pause(jobId);
    else if (disabled.size > 0) {
      const job = await jobs.facts(jobId);
      const ban = job === null ? undefined : banOf(job, disabled);
      if (ban !== undefined) await stop(context, jobId, ban.reason);
    }
  }
  for (const jobId of window.pausedJobIds) {
    if (partitionOf(jobId, grid.partitions) !== partition) continue;
    // Read anew: since the list was read it may have been paused.
    const job = await store.jobs.read(jobId);
    if (job?.state !== 'paused') resumed(context, jobId);
    else if (job.pauses.kernel_disabled !== undefined && banOf(job, disabled) === undefined)
      await lift(context, jobId, ['kernel_disabled']);
  }
}

/** Disabled by the scientist's module or by what the meter made of it: volunteers see the latter. */
function banOf<Ban>(
  { kernel, verifier }: JobFacts,
  disabled: ReadonlyMap<Digest, Ban>,
): Ban | undefined {
  const kernels = verifier === undefined ? [kernel] : [kernel, verifier];
  const digests = kernels.flatMap(({ digest, meteredDigest }) => [digest, meteredDigest]);
  return digests.map((digest) => disabled.get(digest)).find((ban) => ban !== undefined);
}

async function stop(context: Context, jobId: JobId, reason: string): Promise<void> {
  if ((await context.store.jobs.pause(jobId, 'kernel_disabled', reason)) !== 'paused') return;
  context.window.pause(jobId);
  context.happened({ kind: 'job_stopped', jobId });
}

async function lift(context: Context, jobId: JobId, causes: PauseCause[]): Promise<void> {
  const state = await context.store.jobs.resume(jobId, causes);
  assertThere(jobId, state);
  if (state === 'open') resumed(context, jobId);
}

function resumed(context: Context, jobId: JobId): void {
  context.window.resume(jobId);
  context.happened({ kind: 'units_free' });
  context.happened({ kind: 'job_resumed' });
}

/** An operator who pauses their own job does so as its owner. */
async function causeOf(context: Context, jobId: JobId, by: TokenFacts): Promise<PauseCause> {
  const job = await context.jobs.facts(jobId);
  if (job === null) throw new GridError('job_unknown', jobId);
  return job.owner === by.accountId ? 'owner' : 'operator';
}

function assertThere(jobId: JobId, reply: 'open' | 'paused' | 'over' | 'unknown'): void {
  if (reply === 'unknown') throw new GridError('job_unknown', jobId);
  if (reply === 'over') throw new GridError('job_over', jobId);
}

/** What scientists do with their own jobs is nobody's to log. */
async function log(
  context: Context,
  by: TokenFacts,
  act: 'job_pause' | 'job_resume' | 'kernel_disable' | 'kernel_enable',
  target: string,
  reason: string,
): Promise<void> {
  if (!isOperator(by)) return;
  await context.store.registry.logAct(auditLine(by, context.now(), { act, target, reason }));
}

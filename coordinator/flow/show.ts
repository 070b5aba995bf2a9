/** show: how a job stands, as scientists and viewers see it. */
import { GridError } from '../../protocol/errors.ts';
import type { JobView } from '../../protocol/http.ts';
import type { JobId } from '../../protocol/ids.ts';
import { isOver, type Job, pauseOf } from '../domain/job.ts';
import { mayUse, type TokenFacts } from '../domain/token.ts';
import type { Context } from './context.ts';

export async function showJob(context: Context, jobId: JobId): Promise<JobView> {
  const job = await context.store.jobs.read(jobId);
  if (job === null) throw new GridError('job_unknown', jobId);
  return jobView(context, job);
}

/** So many times as many jobs are looked through for those that the viewer may see. */
const lookedAtMax = 64;

/** The newest first; private ones for whoever may read them. A viewer of null is anybody. */
export async function listJobs(
  context: Context,
  max: number,
  viewer: TokenFacts | null,
): Promise<JobView[]> {
  const isSeen = (job: Job) =>
    job.document.public || (viewer !== null && mayUse(viewer, job, 'read'));
  for (let lookedAt = max; ; lookedAt *= 4) {
    const jobs = await context.store.jobs.list(lookedAt);
    const seen = jobs.filter(isSeen).slice(0, max);
    if (seen.length === max || jobs.length < lookedAt || lookedAt >= max * lookedAtMax)
      return seen.map((job) => jobView(context, job));
  }
}

function jobView(context: Context, job: Job): JobView {
  const { canonical, failed, fuel, creditMicro } = job.counts;
  const left = job.units - canonical - failed;
  const running = Math.min(context.window.running(job.jobId), left);
  const pace = isOver(job) || left === 0 ? undefined : context.paces.get(job.jobId);
  return {
    jobId: job.jobId,
    name: job.document.name,
    state: job.state,
    paused: pauseOf(job),
    owner: job.owner ?? null,
    public: job.document.public,
    curated: job.curated,
    units: job.units,
    canonical,
    final: job.counts.final,
    failed,
    unchecked: job.unchecked,
    running,
    waiting: left - running,
    fuel: fuel.toString(),
    creditMicro: creditMicro.toString(),
    unitsPerSecond: pace?.unitsPerSecond(context.now()) ?? 0,
    eta: pace?.eta(left, context.now()) ?? null,
    submittedAt: new Date(job.submittedAt).toISOString(),
    decidedAt: job.decidedAt === null ? null : new Date(job.decidedAt).toISOString(),
    completedAt: job.endedAt === null ? null : new Date(job.endedAt).toISOString(),
  };
}

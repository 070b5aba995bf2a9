/** show: how a job stands, as scientists and viewers see it. */
import { GridError } from '../../protocol/errors.ts';
import type { JobView } from '../../protocol/http.ts';
import type { JobId } from '../../protocol/ids.ts';
import { isOver, type Job, pauseOf } from '../domain/job.ts';
import { Pace } from '../domain/pace.ts';
import { runningAsSeen } from '../domain/running-as-seen.ts';
import { mayUse, type TokenFacts } from '../domain/token.ts';
import type { JobPlace } from '../store/job-store.ts';
import type { Context } from './context.ts';

export async function showJob(context: Context, jobId: JobId): Promise<JobView> {
  const job = await context.store.jobs.read(jobId);
  if (job === null) throw new GridError('job_unknown', jobId);
  return jobView(context, job);
}

/** So many times as many jobs are looked through for those that the viewer may see. */
const lookedAtMax = 64;

export type JobViews = { jobs: JobView[]; more: JobPlace | null };

/**
 * Those after a place, or the first: the newest first, private ones for whoever may read them. A viewer of null is
 * anybody. `more` is where to go on; a page may have fewer all the same, where many are others' private ones.
 */
export async function listJobs(
  context: Context,
  max: number,
  viewer: TokenFacts | null,
  after: JobPlace | null = null,
): Promise<JobViews> {
  const isSeen = (job: Job) =>
    job.document.public || (viewer !== null && mayUse(viewer, job, 'read'));
  const seen: Job[] = [];
  let more = after;
  for (let pages = 0; pages < lookedAtMax; pages++) {
    const { jobs, next } = await context.store.jobs.list(max, more);
    for (const job of jobs) {
      if (isSeen(job)) seen.push(job);
      if (seen.length < max) continue;
      const isLast = next === null && job === jobs.at(-1);
      more = isLast ? null : { submittedAt: job.submittedAt, jobId: job.jobId };
      return { jobs: seen.map((each) => jobView(context, each)), more };
    }
    more = next;
    if (next === null) break;
  }
  return { jobs: seen.map((job) => jobView(context, job)), more };
}

function jobView(context: Context, job: Job): JobView {
  const { canonical, failed, fuel, creditMicro } = job.counts;
  const left = job.units - canonical - failed;
  const elsewhere = context.peers.workElsewhere(job.jobId);
  const running = runningAsSeen(context.window, context.peers, job.jobId, left);
  const isAtWork = !isOver(job) && left > 0;
  const now = context.now();
  const pace = isAtWork ? (context.paces.get(job.jobId) ?? new Pace(now)) : null;
  const more = isAtWork ? elsewhere.unitsPerSecond : 0;
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
    unitsPerSecond: (pace?.unitsPerSecond(now) ?? 0) + more,
    eta: pace?.eta(left, now, more) ?? null,
    submittedAt: new Date(job.submittedAt).toISOString(),
    decidedAt: job.decidedAt === null ? null : new Date(job.decidedAt).toISOString(),
    completedAt: job.endedAt === null ? null : new Date(job.endedAt).toISOString(),
  };
}

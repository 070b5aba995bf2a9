/** why: the one reason why a job, a unit or a host waits, with what is particular about it. */
import { GridError } from '../../protocol/errors.ts';
import type { HostId, JobId } from '../../protocol/ids.ts';
import { type WhyReason, type WhyView, whySentences } from '../../protocol/why.ts';
import type { Asker } from '../domain/asker.ts';
import { type Job, pauseOf } from '../domain/job.ts';
import { needsOf } from '../domain/machine.ts';
import { runningAsSeen } from '../domain/running-as-seen.ts';
import { positionOf, type Shard, shardId, splitShard } from '../domain/shard.ts';
import { ShardState } from '../domain/shard-state.ts';
import { isAheadOfChecks } from '../domain/trust/assurance.ts';
import { caseName, isPending } from '../domain/trust/docket.ts';
import type { Unit } from '../domain/unit.ts';
import { type JobNow, type Surroundings, whyHost, whyJob, whyUnit } from '../domain/why.ts';
import type { Context } from './context.ts';

/** A host as its session knows it; null when it has none here. */
export type SessionFacts = { isAsking: boolean; asker: Asker } | null;

/** Throws GridError `job_unknown`. */
export async function explainJob(
  context: Context,
  around: Surroundings,
  jobId: JobId,
): Promise<WhyView> {
  const job = await readJob(context, jobId);
  const now = jobNow(context, job);
  const { undecided } = now;
  const running = runningAsSeen(context.window, context.peers, jobId, undecided);
  const detail = pauseOf(job)?.reason || detailOf(job, undecided - running, running);
  return view('job', jobId, whyJob(now, around), detail);
}

function detailOf({ unchecked, state }: Job, waiting: number, running: number): string {
  if (unchecked === 1) return 'nobody was there to check anything of 1 account';
  if (unchecked > 0) return `nobody was there to check anything of ${unchecked} accounts`;
  return state === 'complete' ? '' : `${waiting} units wait, ${running} are out`;
}

/** Throws GridError `job_unknown` and `unit_unknown`. */
export async function explainUnit(
  context: Context,
  around: Surroundings,
  jobId: JobId,
  index: number,
): Promise<WhyView> {
  const job = await readJob(context, jobId);
  if (index >= job.units) throw new GridError('unit_unknown', `The job has ${job.units} units.`);
  const shard = splitShard(job, Math.floor(index / job.unitsPerShard));
  const position = positionOf(shard.units, index);
  const unit = index < job.counts.cursor ? await readUnit(context, shard, position) : untouched;
  const isOut = context.window.isOut(shardId(shard), position);
  const hasFailedOnce = unit.ends.length > 0;
  const isPending = unit.status === 'accepted' && (await isUnitPending(context, job, index));
  const reason = whyUnit(
    { status: unit.status, isPending, isOut, hasFailedOnce },
    jobNow(context, job),
    around,
  );
  const tries = unit.ends.map(({ outcome }) => outcome).join(', ');
  const detail = unit.status === 'failed' ? unit.reason : (pauseOf(job)?.reason ?? '');
  return view(
    'unit',
    `${jobId}/${index}`,
    reason,
    detail || (tries === '' ? '' : `tried: ${tries}`),
  );
}

export async function explainHost(
  context: Context,
  around: Surroundings,
  hostId: HostId,
  session: SessionFacts,
): Promise<WhyView> {
  const { window, store, knownHosts } = context;
  const now = context.now();
  const ban = await store.registry.findBan([hostId]);
  const leases = window.leasesOfHolder(hostId).length;
  const reason = whyHost(
    {
      isBanned: ban !== null,
      isConnected: session !== null,
      leases,
      isAsking: session?.isAsking ?? false,
      nothing:
        session === null
          ? null
          : window.whyNothing(
              { ...session.asker, standing: knownHosts.standingOf(hostId, now) },
              now,
            ),
    },
    around,
  );
  return view('host', hostId, reason, ban?.reason ?? (leases > 0 ? `${leases} leases` : ''));
}

async function readJob(context: Context, jobId: JobId): Promise<Job> {
  const job = await context.store.jobs.read(jobId);
  if (job === null) throw new GridError('job_unknown', jobId);
  return job;
}

async function isUnitPending({ store }: Context, job: Job, unit: number): Promise<boolean> {
  const name = caseName(job.jobId, unit);
  return isPending(job, unit, (await store.trust.read('cases', [name])).get(name));
}

function jobNow({ window, knownHosts, ordersOut, peers, now }: Context, job: Job): JobNow {
  const undecided = job.units - job.counts.canonical - job.counts.failed;
  return {
    state: job.state,
    pause: pauseOf(job)?.cause ?? null,
    undecided,
    running: Math.min(
      window.running(job.jobId) + peers.workElsewhere(job.jobId).running,
      undecided,
    ),
    needs: needsOf(job),
    free: window.freeOf(job.jobId),
    lack: knownHosts.lackFor(job.document.trust, now()),
    isAheadOfChecks: isAheadOfChecks(job.document.trust, ordersOut.get(job.jobId) ?? 0),
  };
}

const untouched: Unit = { status: 'open', ends: [] };

/**
 * As the journal says: the window knows a unit for decided while that is still on its way to disk, and knows
 * nothing of what another coordinator has decided.
 */
async function readUnit({ store }: Context, shard: Shard, position: number): Promise<Unit> {
  return ShardState.replay(shard, await store.readJournal(shard)).unit(position);
}

const view = (about: WhyView['about'], id: string, reason: WhyReason, detail: string): WhyView => ({
  about,
  id,
  reason,
  sentence: whySentences[reason],
  detail,
});

/**
 * The simulated scientist, who submits jobs, looks at them now and then, cancels some, and downloads
 * results while they come in. Asks any coordinator, and asks again with the same key when no answer
 * came: whether the first one was heard is not known.
 */

import type { TokenFacts } from '../../coordinator/domain/token.ts';
import { cancelJob } from '../../coordinator/flow/cancel.ts';
import type { Context } from '../../coordinator/flow/context.ts';
import { assertCredit } from '../../coordinator/flow/fund.ts';
import { pauseJob, resumeJob } from '../../coordinator/flow/pause.ts';
import { openResults } from '../../coordinator/flow/results.ts';
import { showJob } from '../../coordinator/flow/show.ts';
import { submitJob } from '../../coordinator/flow/submit.ts';
import { GridError } from '../../protocol/errors.ts';
import type { JobView, ResultLine } from '../../protocol/http.ts';
import type { JobId } from '../../protocol/ids.ts';
import { accountId } from '../coordinator/builders.ts';
import type { Random } from './random.ts';
import { lateMsMax } from './shaky-store.ts';
import type { SimCoordinator } from './sim-coordinator.ts';
import type { SimJob } from './sim-job.ts';
import type { World } from './world.ts';

const askAgainMs = 500;
export const scientist: TokenFacts = {
  tokenId: 'a scientist',
  name: '',
  scopes: ['submit'],
  accountId: accountId(99),
  createdAt: 0,
  expiresAt: null,
  revokedAt: null,
};
/** Each kernel is what a meter might have made of it. */
const prepareKernel = async (digest: string) => ({
  digest,
  meteredDigest: digest,
  meteredBytes: 1,
  meterVersion: 1,
});

export class Scientist {
  private readonly world: World;
  private readonly coordinators: readonly SimCoordinator[];
  private readonly random: Random;
  private hasStopped = false;
  private readonly views = new Map<JobId, JobView>();
  /** The last results seen of a job: what was decided once stays as it is. */
  private readonly lines = new Map<JobId, ResultLine[]>();

  constructor(coordinators: readonly SimCoordinator[], world: World) {
    this.world = world;
    this.coordinators = coordinators;
    this.random = world.random.fork('scientist');
  }

  /** Sets out to do it all. */
  start(): void {
    const { clock, jobs } = this.world;
    for (const job of jobs) {
      clock.after(job.submitAtMs, () => void this.submit(job));
      if (job.cancelAtMs !== null) clock.after(job.cancelAtMs, () => void this.cancel(job));
      if (job.pause !== null) clock.after(job.pause.atMs, () => void this.rest(job));
    }
    this.lookAround();
  }

  /** Downloads all results of a job from wherever they can be had. */
  async download(job: SimJob): Promise<ResultLine[]> {
    const { jobId } = job;
    if (jobId === null) return [];
    const lines = await this.untilAnswered(async (context) => {
      const found: ResultLine[] = [];
      for await (const lines of await openResults(context, jobId, 0)) found.push(...lines);
      return found;
    });
    const after = new Map(lines.map((line) => [line.unit, line]));
    for (const before of this.lines.get(jobId) ?? []) {
      this.world.violations.unless(
        isSameButFinal(before, after.get(before.unit)),
        'W1',
        () => `the result of unit ${before.unit} of ${job.name} changed after it was downloaded`,
      );
    }
    this.lines.set(jobId, lines);
    return lines;
  }

  async look(job: SimJob): Promise<JobView | null> {
    const { jobId } = job;
    if (jobId === null) return null;
    // As it was when asked: a cancellation may be acknowledged while the answer is on its way.
    const { isCancelled } = job;
    const view = await this.untilAnswered((context) => showJob(context, jobId));
    const before = this.views.get(jobId);
    const { canonical, failed, running, waiting, units } = view;
    const { violations } = this.world;
    violations.unless(
      canonical + failed + running + waiting === units && running >= 0 && waiting >= 0,
      'W1',
      () => `the counts of ${job.name} do not add up: ${JSON.stringify(view)}`,
    );
    violations.unless(
      before === undefined || (canonical >= before.canonical && failed >= before.failed),
      'W1',
      () => `${job.name} has fewer decided units than before: ${JSON.stringify([before, view])}`,
    );
    violations.unless(
      !isCancelled || view.state === 'cancelled',
      'cancel',
      () => `${job.name} was cancelled, and is ${view.state}`,
    );
    this.views.set(jobId, view);
    return view;
  }

  private async submit(job: SimJob): Promise<void> {
    const submission = { ...scientist, key: job.key, curated: false };
    const { jobId, units } = await this.untilAnswered(async (context) => {
      await assertCredit(context, scientist.accountId);
      return await submitJob(context, prepareKernel, job.document, submission);
    });
    this.world.trace('scientist', `submitted ${job.name}: ${jobId}, ${units} units`);
    job.jobId = jobId;
  }

  /** Pauses a job for a while. */
  private async rest(job: SimJob): Promise<void> {
    const { clock } = this.world;
    while (job.jobId === null) await clock.pause(askAgainMs);
    const { jobId } = job;
    await this.unlessOver((context) => pauseJob(context, jobId, scientist, ''));
    this.world.trace('scientist', `paused ${job.name}`);
    await clock.pause(job.pause?.forMs ?? 0);
    // A pause whose connection died may arrive when the job was resumed, like any letter: looks again.
    do {
      await this.unlessOver((context) => resumeJob(context, jobId, scientist, ''));
      this.world.trace('scientist', `resumed ${job.name}`);
      await clock.pause(lateMsMax);
    } while ((await this.look(job))?.state === 'paused');
  }

  private async cancel(job: SimJob): Promise<void> {
    while (job.jobId === null) await this.world.clock.pause(askAgainMs);
    const { jobId } = job;
    const isOver = await this.unlessOver((context) => cancelJob(context, jobId, scientist, ''));
    this.world.trace('scientist', `cancelled ${job.name}${isOver ? ', which was over' : ''}`);
    // It was over: by itself, or by an earlier request whose answer was lost.
    if (!isOver) job.isCancelled = true;
  }

  /** True when the job was over already. */
  private unlessOver(act: (context: Context) => Promise<void>): Promise<boolean> {
    const tells = (error: unknown) => error instanceof GridError && error.code === 'job_over';
    return this.untilAnswered((context) =>
      act(context).then(
        () => false,
        (error) => {
          if (tells(error)) return true;
          throw error;
        },
      ),
    );
  }

  /** Looks at nothing more, from when the last answer has come. */
  stop(): void {
    this.hasStopped = true;
  }

  /** Looks at one job or another, for as long as there are any. */
  private lookAround(): void {
    const { clock, jobs } = this.world;
    clock.after(this.random.between(500, 10_000), () => {
      if (this.hasStopped) return;
      const job = this.random.pick(jobs);
      const looked = this.random.chance(0.7) ? this.look(job) : this.download(job);
      void looked.then(() => this.lookAround());
    });
  }

  private async untilAnswered<T>(answer: (context: Context) => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await this.random.pick(this.coordinators).ask(answer);
      } catch (error) {
        if (error instanceof GridError) this.world.violations.report('scientist', `${error}`);
        await this.world.clock.pause(askAgainMs);
      }
    }
  }
}

/** What was accepted may be final by now, and nothing else about it may be another. */
const isSameButFinal = (before: ResultLine, after: ResultLine | undefined): boolean =>
  JSON.stringify(before) === JSON.stringify(after) ||
  (after?.verdict === 'final' &&
    JSON.stringify(before) === JSON.stringify({ ...after, verdict: 'accepted' }));

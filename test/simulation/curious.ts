/**
 * Somebody who asks why. Whatever is asked about, at any moment and in any weather, there is one reason from
 * the list, and it is so: what the reason says is compared with what others know of the same thing.
 */
import type { Context } from '../../coordinator/flow/context.ts';
import { whyNothing } from '../../coordinator/flow/grant.ts';
import { explainHost, explainJob, explainUnit } from '../../coordinator/flow/why.ts';
import { GridError } from '../../protocol/errors.ts';
import { type WhyReason, whyReasons } from '../../protocol/why.ts';
import type { HostProfile } from './host-profile.ts';
import type { Random } from './random.ts';
import type { SimCoordinator } from './sim-coordinator.ts';
import type { SimDoors } from './sim-doors.ts';
import { memoryBytes, type SimJob } from './sim-job.ts';
import type { World } from './world.ts';

const everyMs = 700;

/** Reasons that a job, a unit or a host may have; those of jobs and units are compared with their truth below. */
const ofHosts: ReadonlySet<WhyReason> = new Set([
  'banned',
  'not_connected',
  'working',
  'not_asking',
  'storage',
  'draining',
  'no_jobs',
  'nothing_left',
  'too_small',
  'tried_before',
  'enough_in_hand',
  'backing_off',
  'quarantined',
]);

export class Curious {
  private readonly world: World;
  private readonly coordinators: readonly SimCoordinator[];
  private readonly profiles: readonly HostProfile[];
  private readonly random: Random;
  private hasStopped = false;
  /** How often each reason was heard. */
  readonly heard = new Map<WhyReason, number>();

  constructor(
    world: World,
    coordinators: readonly SimCoordinator[],
    profiles: readonly HostProfile[],
  ) {
    this.world = world;
    this.coordinators = coordinators;
    this.profiles = profiles;
    this.random = world.random.fork('curious');
  }

  start(): void {
    this.world.clock.after(this.random.between(1, everyMs), () => {
      if (this.hasStopped) return;
      const asked = this.random.pick([
        () => this.askOfJob(),
        () => this.askOfUnit(),
        () => this.askOfHost(),
      ]);
      // Who gets no answer asks again another time.
      void asked()
        .catch((error) => {
          if (error instanceof GridError) this.world.violations.report('W6', `why: ${error}`);
        })
        .then(() => this.start());
    });
  }

  /** Asks nothing more, from when the last answer has come. */
  stop(): void {
    this.hasStopped = true;
  }

  /** Of every host that waits, at this very moment. */
  lookAtWaiting(): void {
    for (const { doors, context } of this.coordinators) {
      if (doors === null || context === null) continue;
      for (const asker of doors.waiting()) {
        const reason = whyNothing(context, asker);
        const { hostId, accountId } = asker;
        const { window } = context;
        const isSo = {
          tried_before: this.world.store.hasFailedAt(accountId),
          too_small: asker.memoryBytes < memoryBytes.big,
          enough_in_hand:
            window.leasesOfHolder(hostId).length + window.leasesOfHolder(accountId).length > 0,
        }[reason as string];
        this.expect(isSo !== false, `host ${hostId} waits and is told ${reason}`);
      }
    }
  }

  private async askOfJob(): Promise<void> {
    const job = this.random.pick(this.world.jobs);
    const { jobId } = job;
    if (jobId === null) return;
    const wasOver = this.world.store.isOver(job);
    const reason = await this.hear((context, doors) =>
      explainJob(context, doors.surroundings(), jobId),
    );
    this.compareJob(job, reason, wasOver);
  }

  private compareJob(job: SimJob, reason: WhyReason, wasOver: boolean): void {
    const { store } = this.world;
    const isDone = store.undecided(job).length === 0;
    const said = `${job.name} is told ${reason}`;
    const isCancelled = job.jobId !== null && store.isCancelled(job.jobId);
    if (reason === 'cancelled') this.expect(isCancelled, said);
    else if (reason === 'complete') this.expect(isDone, said);
    else if (reason === 'closing') this.expect(isDone, said);
    else if (reason === 'too_small') this.expect(job.memoryBytes === memoryBytes.big, said);
    else if (reason === 'paused') this.expect(job.pause !== null, said);
    else this.expect(!ofHosts.has(reason) || isOfAll(reason), said);
    // Over for ever: nobody may be told that it still waits for something.
    if (wasOver) this.expect(isOfTheEnd(reason), `${said}, and was over before`);
  }

  private async askOfUnit(): Promise<void> {
    const job = this.random.pick(this.world.jobs);
    const { jobId } = job;
    if (jobId === null) return;
    const unit = this.random.between(0, job.units - 1);
    const { store } = this.world;
    const wasDecided = store.isDecided(jobId, unit);
    const reason = await this.hear((context, doors) =>
      explainUnit(context, doors.surroundings(), jobId, unit),
    );
    const said = `unit ${unit} of ${job.name} is told ${reason}`;
    const decision = store.units.get(jobId)?.get(unit)?.decision?.kind ?? null;
    if (reason === 'accepted' || reason === 'failed') this.expect(decision === reason, said);
    else if (reason === 'cancelled') this.expect(store.isCancelled(jobId), said);
    else if (reason === 'too_small') this.expect(job.memoryBytes === memoryBytes.big, said);
    else if (reason === 'paused') this.expect(job.pause !== null, said);
    else this.expect(!['complete', 'all_out', 'closing', 'working'].includes(reason), said);
    if (wasDecided) this.expect(isOfTheEnd(reason), `${said}, and was decided before`);
  }

  private async askOfHost(): Promise<void> {
    const { hostId } = this.random.pick(this.profiles);
    const reason = await this.hear((context, doors) =>
      explainHost(context, doors.surroundings(), hostId, doors.session(hostId)),
    );
    this.expect(ofHosts.has(reason), `host ${hostId} is told ${reason}`);
  }

  private async hear(
    ask: (context: Context, doors: SimDoors) => Promise<{ reason: WhyReason }>,
  ): Promise<WhyReason> {
    const { reason } = await this.random.pick(this.coordinators).ask(ask);
    this.expect(whyReasons.includes(reason), `${reason} is on the list`);
    this.heard.set(reason, (this.heard.get(reason) ?? 0) + 1);
    return reason;
  }

  private expect(isSo: boolean, said: string): void {
    this.world.violations.unless(isSo, 'W6', () => `${said}, which is not so`);
  }
}

const isOfAll = (reason: WhyReason): boolean => reason === 'storage' || reason === 'draining';

/** Nothing is waited for but, at most, checks. */
const isOfTheEnd = (reason: WhyReason): boolean =>
  ['complete', 'cancelled', 'closing', 'accepted', 'failed'].includes(reason);

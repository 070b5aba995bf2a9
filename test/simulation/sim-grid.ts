/**
 * A simulated grid at play: lets time pass, event by event, and looks after each one whether a promise
 * is broken that can be seen as it happens. What can only be seen in the end is in checks.ts.
 */
import { shardId } from '../../coordinator/domain/shard.ts';
import type { AccountId } from '../../protocol/ids.ts';
import { checkAll } from './checks.ts';
import { Curious } from './curious.ts';
import { Scientist } from './scientist.ts';
import type { SimCoordinator } from './sim-coordinator.ts';
import type { SimHost } from './sim-host.ts';
import { memoryBytes } from './sim-job.ts';
import type { World } from './world.ts';

/** Longer than all that ends by itself: a rest (300 s), a lease (30 s), the longest unit (36 s). */
const stuckMs = 400_000;
/** Until an entry whose end was lost has come back as stalled (12 s) and the rounds have been by (6 s). */
const settleMs = 20_000;
/**
 * A want that could be served is served at once; a quarter of a second is for the reads of the shards
 * that are taken in together. In bad weather these reads take long, and it may fall to the round that
 * comes by every second or so.
 */
const starvingMsMax = { calm: 250, bad: 1500 };
/** To look after every event would be most of the simulation's work. */
const lookMs = 20;
/** Until the last of the bad weather is through: a recorder that still waits to try again, and a round. */
const aftermathMs = 2000;
/** A hundred times what a run usually takes. */
const eventsMax = 2_000_000;

export class SimGrid {
  readonly world: World;
  readonly coordinators: readonly SimCoordinator[];
  readonly hosts: readonly SimHost[];
  readonly scientist: Scientist;
  readonly curious: Curious;
  events = 0;
  private lookedAt = 0;
  private readonly starvingSince: (number | null)[] = [];

  constructor(world: World, coordinators: readonly SimCoordinator[], hosts: readonly SimHost[]) {
    this.world = world;
    this.coordinators = coordinators;
    this.hosts = hosts;
    this.scientist = new Scientist(coordinators, world);
    const profiles = hosts.map(({ profile }) => profile);
    this.curious = new Curious(world, coordinators, profiles);
  }

  /** Lets time pass until it is done, a promise is broken, or nothing was recorded for too long. */
  async play(isDone: () => boolean, stuckAfterMs = Number.POSITIVE_INFINITY): Promise<void> {
    const { clock, store, violations } = this.world;
    const begunAt = clock.now;
    while (violations.first === null && !isDone()) {
      await clock.step();
      this.watchWaiting();
      const quietMs = clock.now - Math.max(begunAt, store.recordedAt);
      if (quietMs > stuckAfterMs) violations.report('W6', `nothing moves: ${this.undone()}`);
      if (++this.events > eventsMax) violations.report('W6', `no end in sight: ${this.undone()}`);
    }
  }

  async playFor(ms: number): Promise<void> {
    const until = this.world.clock.now + ms;
    await this.play(() => this.world.clock.now >= until);
  }

  /** Plays until every job is over and every result has its verdict; then everything is checked. */
  async playToTheEnd(): Promise<void> {
    await this.play(() => this.isOver, stuckMs);
    await this.playFor(settleMs);
    if (this.world.violations.first !== null) return;
    let isChecked = false;
    void checkAll(this.world, this.scientist).then(() => {
      isChecked = true;
    });
    await this.play(() => isChecked);
    await this.checkLeftovers();
  }

  private get isOver(): boolean {
    const { jobs, store } = this.world;
    const isReported = this.hosts.every((host) => host.unacknowledged === 0);
    return isReported && jobs.every((job) => store.isOver(job) && store.isClosed(job));
  }

  private undone(): string {
    const { jobs, store } = this.world;
    const left = jobs.filter((job) => !store.isOver(job));
    const closing = jobs.filter((job) => store.isOver(job) && !store.isClosed(job));
    const units = left.map((job) => `${job.name}: ${store.undecided(job).join(' ')}`);
    const results = this.hosts.reduce((sum, host) => sum + host.unacknowledged, 0);
    const names = closing.map(({ name }) => name).join(', ');
    return `${units.join('; ')}; ${results} results without a verdict; ${names} not complete`;
  }

  /** [W6] No host waits while there are units that it could have. */
  private watchWaiting(): void {
    const { clock, violations, weather } = this.world;
    if (clock.now < this.lookedAt + lookMs) return;
    this.lookedAt = clock.now;
    this.curious.lookAtWaiting();
    const calmMs = weather.calmSince === null ? 0 : clock.now - weather.calmSince;
    const msMax = calmMs > aftermathMs ? starvingMsMax.calm : starvingMsMax.bad;
    for (const [i, coordinator] of this.coordinators.entries()) {
      const accountId = coordinator.starving(memoryBytes.big);
      if (accountId === null || this.mayRest(accountId)) this.starvingSince[i] = null;
      else this.starvingSince[i] ??= clock.now;
      const ms = clock.now - (this.starvingSince[i] ?? clock.now);
      const text = () => `a host waits at ${coordinator.name}, which has units to grant`;
      violations.unless(ms <= msMax, 'W6', text);
    }
  }

  /**
   * Units that an account has tried rest for a while before it gets them again. One coordinator among
   * several may let some rest that another one has seen decided.
   */
  private mayRest(accountId: AccountId): boolean {
    const { store } = this.world;
    const isOnlyOne = this.coordinators.length === 1;
    return isOnlyOne ? store.isRetrying(accountId) : store.hasFailedAt(accountId);
  }

  /**
   * When all jobs are over nothing of them is left in the queue, the open set, or a coordinator; but for
   * checks, which wait for whoever may have them and outlive their job, and for those that have just ended.
   */
  private async checkLeftovers(): Promise<void> {
    const { broker, clock, grid, store, violations } = this.world;
    const left = [...broker.entries];
    for (let partition = 0; partition < grid.partitions; partition++) {
      left.push(...(await store.openShards(partition)).map(shardId));
    }
    for (const { context } of this.coordinators) {
      left.push(...(context?.window.shardIds ?? []), ...(context?.paces.keys() ?? []));
    }
    const checks = await store.trust.readAll('orders');
    const orders = [...checks.values()].map(({ jobId }) => jobId);
    const isChecked = (id: string) =>
      checks.has(id) || orders.includes(id) || clock.now - store.checkedAt(id) < settleMs;
    const leftOver = left.filter((id) => !isChecked(id));
    violations.unless(leftOver.length === 0, 'left over', () => leftOver.join(', '));
  }
}

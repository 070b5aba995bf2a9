/**
 * finalise results: a slow round over the jobs of which not all is final. It notes how many of a job's first
 * shards are closed as each day ends, and, a week and more later, goes over those shards in their order: one
 * whose results are all beyond their hold is final. So what is final of a job is a number of first shards,
 * which only grows; it is kept with the job, and what amends a unit looks at it in the same step.
 *
 *      shards   0 ········ final ········ closed by a mark ········ open or not split
 *                        ▲ shardsFinal        ▲ marks, by day
 *
 * Results of accounts that left before anybody knew them are checked again: as a sweep does it.
 */
import type { AccountId, HostId, JobId } from '../../protocol/ids.ts';
import { digestOf } from '../artifacts/artifacts.ts';
import { dayOf } from '../domain/day.ts';
import { acceptedFrom } from '../domain/decided-units.ts';
import { finalBy, finalFrom, markDay } from '../domain/hold.ts';
import { factsOf, isOver, type JobFacts } from '../domain/job.ts';
import type { LateResult } from '../domain/late.ts';
import type { Holder } from '../domain/lease.ts';
import { parseShardId, positionOf, splitShard, unitAt } from '../domain/shard.ts';
import { isEachChecked } from '../domain/trust/assurance.ts';
import { caseName, type Place } from '../domain/trust/docket.ts';
import { type AccountHold, type HeldUnit, unitState } from '../domain/trust/finality.ts';
import { patienceMsMax } from '../domain/trust/policy.ts';
import { isMature } from '../domain/trust/repute.ts';
import { AccountHolds } from '../store/account-holds.ts';
import { eachByItself } from '../store/each-by-itself.ts';
import { forgetTable } from '../store/forget-table.ts';
import type { HeldJob } from '../store/job-store.ts';
import { latePay } from '../store/late-pay.ts';
import { readableJournal } from '../store/readable-journal.ts';
import { talliesOf } from '../store/trust-store.ts';
import type { Context } from './context.ts';

type FinaliseContext = Pick<Context, 'store' | 'jobs' | 'knownHosts' | 'now' | 'log'>;

/** Shards between two writes: what a crash makes the next round look at again. */
const shardsPerStep = 64;
/** A look at a shard costs about a millisecond; of a thousand jobs that is some seconds in ten minutes. */
const shardsAhead = 16;
/** As often as the round comes by (queue/rounds.ts). */
const lookEveryMs = 600_000;

export async function finaliseResults(context: FinaliseContext, partition: number): Promise<void> {
  const { store, now } = context;
  const holds = await AccountHolds.open(store.trust, now());
  const amended = [...(await store.trust.readAll('amendments')).values()];
  const all = await store.jobs.listHeld(partition);
  // What is about to be amended is looked at when it is.
  const held = all.filter(({ jobId }) => amended.every((one) => one.jobId !== jobId));
  const moveOn = async ([one]: readonly HeldJob[]): Promise<void> => {
    const job = one === undefined ? null : await factsOfHeld(context, one.jobId);
    if (one !== undefined && job !== null)
      await new JobHold(context, job, holds).moveOn(one, partition);
  };
  await eachByItself(
    held.map((one) => [one]),
    moveOn,
    ({ jobId }, err) => context.log.error({ err, jobId }, 'what is final of a job is not known'),
  );
}

/** Not kept: the jobs of a month would drive out of memory those that are worked on. */
async function factsOfHeld(
  { jobs, store }: FinaliseContext,
  jobId: JobId,
): Promise<JobFacts | null> {
  const known = jobs.known(jobId);
  if (known !== null) return known;
  const job = await store.jobs.read(jobId);
  return job === null ? null : factsOf(job);
}

class JobHold {
  private readonly context: FinaliseContext;
  private readonly job: JobFacts;
  private readonly holds: AccountHolds;
  private readonly toVerify = new Set<HostId>();
  private places: Map<number, Place> | null = null;

  constructor(context: FinaliseContext, job: JobFacts, holds: AccountHolds) {
    this.context = context;
    this.job = job;
    this.holds = holds;
  }

  async moveOn(held: HeldJob, partition: number): Promise<void> {
    const { store, now, log } = this.context;
    const { jobId } = this.job;
    // Whom a job was still to check nobody asks once it is over, however that came.
    if (isOver(held)) await forgetTable(store.trust, talliesOf(jobId));
    const closed = await this.closed(held, partition);
    for (let from = held; ; ) {
      const marks = markDay(from.marks, closed, dayOf(now()));
      const { shardsFinal, final, isDone } = await this.look({ ...from, marks });
      const to = { marks: marks.filter(([, shards]) => shards > shardsFinal), shardsFinal, final };
      const isMoved = JSON.stringify(from.marks) !== JSON.stringify(to.marks);
      // Should another coordinator have moved it, or the reply be lost, the next round looks again.
      if (isMoved || shardsFinal > from.shardsFinal) {
        if (!(await store.jobs.moveHold(from, to, null))) return;
      }
      const at = { ...from, ...to };
      const waiting = await this.settleLate(at);
      if (waiting === null) return;
      if (waiting.length === 0) at.shardsSettled = shardsFinal;
      const isEnded =
        isDone &&
        isOver(at) &&
        this.isAllSaid(to, at) &&
        !(await this.isHeardSoon(waiting, partition));
      if (isEnded) {
        if (!(await store.jobs.moveHold(at, to, now()))) return;
        log.info({ jobId, final }, 'all that could become final is');
      }
      if (isDone) {
        if (!isEnded) await this.lookAhead(to);
        break;
      }
      from = at;
    }
    await this.verify(held);
  }

  /**
   * Late results are settled once their shard is final, not with it: what is final is checked no more, so an account
   * that has been paid for a check by then has been heard, or is about to be. Returns those that wait for that; null when
   * somebody else settled some.
   */
  private async settleLate({
    shardsFinal,
    shardsSettled,
  }: HeldJob): Promise<readonly LateResult[] | null> {
    if (shardsSettled >= shardsFinal) return [];
    const { store } = this.context;
    const { jobId } = this.job;
    const late = (await store.readLate(jobId)).filter(({ shard }) => shard < shardsFinal);
    const places = await store.readAmendments(jobId);
    const { pay, gone, waiting } = await latePay(store, this.job, late, places, digestOf);
    const settled = waiting.length === 0 ? shardsFinal : shardsSettled;
    const isSettled = await store.jobs.settleLate(jobId, settled, { pay, gone });
    return isSettled ? waiting : null;
  }

  /**
   * Whether a check that a late result waits for is heard soon: it has ended, or was opened lately. One that nobody has
   * taken in all the time that a check is kept for anybody goes with the job, and what waits for it is not paid.
   */
  private async isHeardSoon(waiting: readonly LateResult[], partition: number): Promise<boolean> {
    if (waiting.length === 0) return false;
    const open = await this.context.store.openShards(partition);
    const ours = open.filter(({ jobId }) => jobId === this.job.jobId);
    const longAgo = this.context.now() - patienceMsMax;
    const stuck = ours.filter(({ check }) => check !== undefined && check.since < longAgo);
    return waiting.some(({ unit }) => stuck.every(({ units }) => positionOf(units, unit) < 0));
  }

  /** How many of its first shards take no result any more. */
  private async closed(held: HeldJob, partition: number): Promise<number> {
    if (isOver(held)) return held.shards;
    // Read after the number of shards: so one that was split meanwhile is none of them.
    const open = await this.context.store.openShardIds(partition);
    const ours = open.filter((id) => id.startsWith(`${held.jobId}-`));
    return Math.min(held.shards, ...ours.map((id) => parseShardId(id).number));
  }

  /** Looks at the shards that may be final, up to one that is held. */
  private async look({
    marks,
    shardsFinal,
    final,
  }: HeldJob): Promise<{ shardsFinal: number; final: number; isDone: boolean }> {
    const last = shardsFinal + shardsPerStep;
    for (const [day, shards] of marks) {
      if (this.context.now() < finalFrom(day)) break;
      for (; shardsFinal < shards; shardsFinal++) {
        if (shardsFinal === last) return { shardsFinal, final, isDone: false };
        const accepted = await this.acceptedIfFinal(shardsFinal, day);
        if (accepted === null) return { shardsFinal, final, isDone: true };
        final += accepted;
      }
    }
    return { shardsFinal, final, isDone: true };
  }

  /**
   * Behind a shard that is held others may wait for whoever left unknown: that is looked for in some of them, in
   * others each time, so that all are checked again long before it is their turn.
   */
  private async lookAhead({ marks, shardsFinal }: Pick<HeldJob, 'marks' | 'shardsFinal'>) {
    const now = this.context.now();
    const due = marks.filter(([day]) => now >= finalFrom(day));
    const from = shardsFinal + 1;
    const count = (due.at(-1)?.[1] ?? 0) - from;
    for (let i = 0; i < Math.min(count, shardsAhead); i++) {
      const number = from + ((Math.floor(now / lookEveryMs) * shardsAhead + i) % count);
      const [day = 0] = due.find(([, shards]) => number < shards) ?? [];
      await this.acceptedIfFinal(number, day);
    }
  }

  /** How many accepted units a shard has, if it is final. */
  private async acceptedIfFinal(number: number, day: number): Promise<number | null> {
    const { store, now } = this.context;
    const { trust } = this.job.document;
    const shard = splitShard(this.job, number);
    const journal = await readableJournal(store, shard);
    // Whose results they are is not known: what can be said of them is said after two months.
    if (journal === null) return null;
    const accepted = acceptedFrom(journal);
    const units = [...accepted].map(([position, holder]): [number, Holder] => [
      unitAt(shard.units, position),
      holder,
    ]);
    const canonical = await this.amended(units);
    const holds = await this.holds.of(
      [...canonical.values()].map(({ accountId }) => accountId),
      day,
    );
    // Whether one is an anchor matters only of an account that is not mature.
    const young = [...canonical.values()].filter(({ accountId }) => !isMatureIn(holds, accountId));
    const hosts = await store.trust.read(
      'hosts',
      young.map(({ hostId }) => hostId),
    );
    const names = new Map(units.map(([unit]) => [unit, caseName(this.job.jobId, unit)]));
    const cases = await store.trust.read('cases', names.values());
    const sight = { isEachChecked: isEachChecked(trust), day, now: now() };
    let isFinal = true;
    for (const [unit, { hostId, accountId }] of canonical) {
      const hold = holds.get(accountId);
      if (hold === undefined) throw new Error(`nothing is known of the hold of ${accountId}`);
      const about = cases.get(names.get(unit) ?? '');
      const isAnchor = hosts.get(hostId)?.isAnchor ?? false;
      const held: HeldUnit = { hostId, isAnchor, about };
      const state = unitState(held, hold, sight);
      if (state !== 'final') isFinal = false;
      if (state === 'verify') this.toVerify.add(hostId);
    }
    return isFinal ? accepted.size : null;
  }

  /** Whose result is canonical now. One that proved another wrong was confirmed by that, and is held as long as it was. */
  private async amended(units: readonly [number, Holder][]): Promise<Map<number, Holder>> {
    const { store } = this.context;
    this.places ??= await store.readAmendments(this.job.jobId);
    const canonical = new Map(units);
    for (const unit of canonical.keys()) {
      const place = this.places.get(unit);
      if (place === undefined) continue;
      const host = (await store.trust.read('hosts', [place.hostId])).get(place.hostId);
      if (host !== undefined)
        canonical.set(unit, { hostId: place.hostId, accountId: host.accountId });
    }
    return canonical;
  }

  /** All of it is final, or never will be: what could not be settled in two months is not. */
  private isAllSaid({ marks, shardsFinal }: Pick<HeldJob, 'marks' | 'shardsFinal'>, job: HeldJob) {
    if (shardsFinal === job.shards) return true;
    const [day = Number.POSITIVE_INFINITY] = marks.at(-1) ?? [];
    return this.context.now() >= finalBy(day);
  }

  /** Asks for a sweep of whoever left unknown, while somebody is here who could check. */
  private async verify({ state }: HeldJob): Promise<void> {
    const { store, knownHosts } = this.context;
    if (this.toVerify.size === 0 || state === 'cancelled' || knownHosts.accountsUpTo(2) < 2) return;
    const version = await store.trust.version();
    const sweeps = await store.trust.read('sweeps', this.toVerify);
    const asked = [...this.toVerify].filter((hostId) => !sweeps.has(hostId));
    await store.trust.write(
      version,
      asked.map((field) => ({ table: 'sweeps', field, value: 'unconfirmed' })),
    );
  }
}

const isMatureIn = (holds: ReadonlyMap<AccountId, AccountHold>, accountId: AccountId): boolean => {
  const hold = holds.get(accountId);
  return hold !== undefined && isMature(hold.account);
};

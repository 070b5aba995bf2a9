/**
 * close: a job of which every unit is decided is complete when every account with results in it has passed a
 * check there. Of an account that has not, one more result is checked; and when nobody is there who could check it the job is complete all the same, and says of
 * how many accounts nothing was checked.
 */
import type { HostId, JobId } from '../../protocol/ids.ts';
import { isOver, type JobFacts } from '../domain/job.ts';
import { fromRuns, shardId, toRuns } from '../domain/shard.ts';
import { isEachChecked } from '../domain/trust/assurance.ts';
import { canBeChecked, type Present, unprovenAccounts, waitsMs } from '../domain/trust/closing.ts';
import { caseName, newCase, RecordBook, toCase, type UnitCase } from '../domain/trust/docket.ts';
import { judge } from '../domain/trust/judge.ts';
import { toOrders, type WantedCheck } from '../domain/trust/orders.ts';
import { withoutBefore } from '../domain/unit-runs.ts';
import { forgetTable } from '../store/forget-table.ts';
import type { OpenJob } from '../store/job-store.ts';
import { openResults } from '../store/open-results.ts';
import { type TrustChange, talliesOf } from '../store/trust-store.ts';
import type { Context } from './context.ts';

/** Where a result of the account is looked for: the last shards it worked on. */
const shardsLookedAt = 4;

type CloseContext = Pick<
  Context,
  | 'store'
  | 'jobs'
  | 'ordersOut'
  | 'knownHosts'
  | 'window'
  | 'now'
  | 'randomBytes'
  | 'log'
  | 'happened'
>;

export type Decided = OpenJob & { decidedAt: number };

/** To be listed before the draw: then every result of theirs has been looked at when they are closed. */
export const decidedJobs = async (
  { store }: Pick<Context, 'store'>,
  partition: number,
): Promise<Decided[]> =>
  (await store.jobs.listOpen(partition)).filter((job): job is Decided => job.decidedAt !== null);

export async function closeJobs(
  context: CloseContext,
  decided: readonly Decided[],
  present: () => readonly Present[],
): Promise<void> {
  await finishEndings(context);
  for (const { jobId, decidedAt, shardsFinal } of decided) {
    const job = await context.jobs.facts(jobId);
    if (job === null || isAwaited(context, job)) continue;
    // Should the machine's clock have been set back, nobody waits until it has caught up.
    const since = decidedAt <= context.now() ? decidedAt : Number.NEGATIVE_INFINITY;
    const { waiting, unchecked } = await look(context, job, { since, shardsFinal }, present());
    if (waiting === 0) await complete(context, jobId, unchecked);
  }
}

/** What a level promises of every result is waited for, however long. */
const isAwaited = ({ ordersOut }: CloseContext, { jobId, document }: JobFacts): boolean =>
  isEachChecked(document.trust) && (ordersOut.get(jobId) ?? 0) > 0;

/** Orders what is still to be ordered. How many accounts are waited for, and how many are not any more. */
async function look(
  context: CloseContext,
  job: JobFacts,
  { since, shardsFinal }: { since: number; shardsFinal: number },
  present: readonly Present[],
): Promise<{ waiting: number; unchecked: number }> {
  const { store, window } = context;
  const { trust } = store;
  const now = context.now();
  const version = await trust.version();
  const tallies = await trust.readAll(talliesOf(job.jobId));
  const wanted: WantedCheck[] = [];
  let [waiting, unchecked] = [0, 0];
  for (const accountId of unprovenAccounts(tallies)) {
    const hostIds = tallies.get(accountId)?.hosts ?? [];
    const prospect = await prospectOf(context, job, shardsFinal, hostIds);
    if (prospect === null) continue;
    const { unit, about, hostId, book } = prospect;
    const isCheckable = canBeChecked(job, about, present);
    const isAtWork = window.isBeingChecked(job.jobId, unit);
    if (!isAtWork && now - since >= waitsMs(isCheckable)) {
      unchecked++;
      continue;
    }
    waiting++;
    if (about.isOut || !isCheckable) continue;
    about.wanted = 2;
    const judgement = judge(toCase(about), hostId, book, now);
    if (judgement.kind !== 'check') continue;
    about.isOut = true;
    wanted.push({ job, unit, needs: judgement.needs, about });
  }
  if (wanted.length > 0) await order(context, version, job.jobId, wanted);
  return { waiting, unchecked };
}

/** Should somebody have written meanwhile, the next round orders. */
async function order(
  { store, now }: CloseContext,
  version: number,
  jobId: JobId,
  wanted: readonly WantedCheck[],
): Promise<void> {
  const numbers = await store.trust.read('numbers', [jobId]);
  const orders = toOrders(wanted, numbers, now());
  await store.trust.write(version, [
    ...wanted.map(({ unit, about }): TrustChange => {
      return { table: 'cases', field: caseName(jobId, unit), value: about };
    }),
    ...orders.map((shard): TrustChange => {
      return { table: 'orders', field: shardId(shard), value: shard };
    }),
    ...[...numbers].map(([field, value]): TrustChange => ({ table: 'numbers', field, value })),
  ]);
}

type Prospect = { unit: number; about: UnitCase; hostId: HostId; book: RecordBook };

/**
 * A result of the account that a check is out of, or any other that nobody has looked at. Null when there is
 * none, or its hosts are anchors: who would check them?
 */
async function prospectOf(
  { store, now, randomBytes }: CloseContext,
  job: JobFacts,
  shardsFinal: number,
  hostIds: readonly HostId[],
): Promise<Prospect | null> {
  const { trust } = store;
  const { jobId } = job;
  const hosts = await trust.read('hosts', hostIds);
  if ([...hosts.values()].every(({ isAnchor }) => isAnchor)) return null;
  const accountIds = [...hosts.values()].map(({ accountId }) => accountId);
  const book = new RecordBook(hosts, await trust.read('accounts', accountIds), now());
  const work = await trust.read('work', hosts.keys());
  const amended = await store.readAmendments(jobId);
  const open = new Map<number, HostId>();
  for (const hostId of hosts.keys()) {
    const held = withoutBefore(work.get(hostId)?.[jobId] ?? [], shardsFinal);
    const shards = toRuns([...fromRuns(held)].slice(-shardsLookedAt));
    for await (const unit of openResults(store, job, hostId, shards)) {
      if (!amended.has(unit)) open.set(unit, hostId);
    }
  }
  const cases = await trust.read(
    'cases',
    [...open.keys()].map((unit) => caseName(jobId, unit)),
  );
  const fresh: [number, HostId][] = [];
  for (const [unit, hostId] of open) {
    const about = cases.get(caseName(jobId, unit));
    if (about?.isOut === true) return { unit, about, hostId, book };
    if (about === undefined) fresh.push([unit, hostId]);
  }
  const drawn = Buffer.from(randomBytes(4)).readUInt32LE() % Math.max(fresh.length, 1);
  const [unit, hostId] = fresh[drawn] ?? [];
  if (unit === undefined || hostId === undefined) return null;
  const about = newCase(book.host(hostId), hostId, job.document.trust);
  return { unit, about, hostId, book };
}

/**
 * Its tallies go last: without them it would look as if nobody had to be checked. That they are to go is written
 * down first: a job that is complete is looked at no more, and a crash would leave them for ever.
 */
async function complete(
  { store, now, log, happened }: CloseContext,
  jobId: JobId,
  unchecked: number,
): Promise<void> {
  await write(store, [{ table: 'endings', field: jobId, value: unchecked }]);
  const isEnded = await store.jobs.complete(jobId, unchecked, now());
  if (isEnded) happened({ kind: 'job_ended', jobId });
  if (isEnded && unchecked > 0)
    log.info({ jobId, unchecked }, 'complete, though nobody was there to check all');
  await forgetTallies(store, jobId);
}

/** What a crash has left of others. */
async function finishEndings({ store }: CloseContext): Promise<void> {
  for (const jobId of await store.trust.fields('endings')) {
    const job = await store.jobs.read(jobId);
    if (job === null || isOver(job)) await forgetTallies(store, jobId);
  }
}

async function forgetTallies(store: CloseContext['store'], jobId: JobId): Promise<void> {
  await forgetTable(store.trust, talliesOf(jobId));
  await write(store, [{ table: 'endings', field: jobId, value: null }]);
}

/** What is true whoever wrote meanwhile. */
async function write(
  { trust }: CloseContext['store'],
  changes: readonly TrustChange[],
): Promise<void> {
  while (!(await trust.write(await trust.version(), changes)));
}

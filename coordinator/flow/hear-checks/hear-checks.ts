/**
 * hear: what came of the checks that were ordered. An order whose shard was never opened is opened; when
 * the shard is closed, its journal is read, the answers are compared with what was accepted at first, and
 * each case is judged: settled, or checked once more.
 *
 * Orders, cases and records change in one step. A crash in between leaves the order, and it is heard again.
 */
import type { AccountId, JobId } from '../../../protocol/ids.ts';
import { isHostOutcome } from '../../../protocol/outcome.ts';
import { checkResults } from '../../domain/check-results.ts';
import { isFinal, type Job } from '../../domain/job.ts';
import type { Ended } from '../../domain/journal.ts';
import { parseShardId, type Shard, type ShardId, shardId } from '../../domain/shard.ts';
import { Court } from '../../domain/trust/court.ts';
import { caseName, RecordBook, type UnitCase } from '../../domain/trust/docket.ts';
import { toOrders } from '../../domain/trust/orders.ts';
import { replicasMax } from '../../domain/unit.ts';
import { bookChanges } from '../../store/book-changes.ts';
import { eachByItself } from '../../store/each-by-itself.ts';
import { readableJob, readableJournal } from '../../store/readable-journal.ts';
import { partitionOf } from '../../store/store.ts';
import { type TrustChange, type TrustStore, talliesOf } from '../../store/trust-store.ts';
import { auditDraws } from '../../tokens/audit-draw.ts';
import type { Context } from '../context.ts';
import { Statements } from './statements.ts';

/**
 * A step reads their journals and those they are compared with, and nothing else is done meanwhile: some
 * hundred checks at a time. With 32 the coordinator took 60 MiB more.
 */
const ordersPerStep = 4;

type HearContext = Pick<
  Context,
  | 'store'
  | 'grid'
  | 'jobs'
  | 'artifacts'
  | 'knownHosts'
  | 'auditSecret'
  | 'now'
  | 'log'
  | 'happened'
  | 'ordersOut'
> & { queue: Pick<Context['queue'], 'add'> };

export async function hearChecks(context: HearContext, partition: number): Promise<void> {
  const { store, queue } = context;
  // The open set is read after the orders: a shard that is in neither has closed, or never opened.
  const ids = await countOrders(context, partition);
  if (ids.length === 0) return;
  const open = new Set(await store.openShardIds(partition));
  const others = ids.filter((id) => !open.has(id));
  const orders = (await store.trust.read('orders', others)).values();
  const opened: string[] = [];
  const done: Done[] = [];
  for (const order of orders) {
    const job = await context.jobs.facts(order.jobId);
    const reply =
      job === null ? 'over' : await store.openCheck(job, await withInputs(context, order));
    if (reply === 'opened') {
      opened.push(shardId(order));
      continue;
    }
    // Of a shard that is open no more, or never was, all has been said.
    const isOver = reply !== 'stands';
    const journal = await readableJournal(store, order);
    const ended = journal === null ? null : checkResults(order, journal, isOver);
    const left = isOver ? await readableJob(store.jobs, order.jobId) : null;
    if (ended !== null || journal === null)
      done.push({ order, ended, ...(isOver ? { left } : {}) });
  }
  if (opened.length > 0) {
    await queue.add(partition, opened);
    context.happened({ kind: 'checks_ordered' });
  }
  const groups = Array.from({ length: Math.ceil(done.length / ordersPerStep) }, (_, i) =>
    done.slice(i * ordersPerStep, (i + 1) * ordersPerStep),
  );
  const hearAll = async (group: readonly Done[]): Promise<void> => {
    while (!(await hear(context, group)));
  };
  await eachByItself(groups, hearAll, ({ order }, err) =>
    context.log.error({ err, order: shardId(order) }, 'what came of a check cannot be heard'),
  );
}

/** An order for a verifier names what it is to look at when it is opened: then hosts may ask for it. */
async function withInputs(context: HearContext, order: Shard): Promise<Shard> {
  const { check, jobId } = order;
  const job = check?.verify === undefined ? null : await context.jobs.facts(jobId);
  if (check === undefined || job === null) return order;
  const units = unitsOf(order);
  const names = units.map((unit) => caseName(jobId, unit));
  const cases = await context.store.trust.read('cases', names);
  const inputs = await new Statements(context).toVerify(job, units, cases);
  return { ...order, check: { ...check, ...inputs } };
}

/** Which are out. How many they are of each job is for every coordinator to know, also for one that hears none. */
export async function countOrders(
  { ordersOut, grid, store }: Pick<Context, 'ordersOut' | 'grid' | 'store'>,
  partition: number,
): Promise<ShardId[]> {
  const ids = (await store.trust.fields('orders')).filter(
    (id) => partitionOf(parseShardId(id).jobId, grid.partitions) === partition,
  );
  for (const jobId of ordersOut.keys())
    if (partitionOf(jobId, grid.partitions) === partition) ordersOut.delete(jobId);
  for (const id of ids) {
    const { jobId } = parseShardId(id);
    ordersOut.set(jobId, (ordersOut.get(jobId) ?? 0) + 1);
  }
  return ids;
}

/**
 * What was said, by position; null when that is lost. `left` is the job as it stands, null when there is none any
 * more, where the order was refused or broken off: because of what is final, or because the job was cancelled. Then
 * nobody will be asked again of some of its units.
 */
type Done = { order: Shard; ended: Ended[][] | null; left?: Job | null };

const isHeardLast = ({ left }: Done, unit: number): boolean =>
  left !== undefined && (left === null || left.state === 'cancelled' || isFinal(left, unit));

/** False when somebody else wrote meanwhile. */
async function hear(context: HearContext, over: readonly Done[]): Promise<boolean> {
  const { store, jobs, knownHosts, auditSecret, log } = context;
  const { trust } = store;
  const now = context.now();
  const version = await trust.version();
  // Another coordinator may have heard some of them: to hear them again would order again what they led to.
  const standing = await trust.read(
    'orders',
    over.map(({ order }) => shardId(order)),
  );
  const done = over.filter(({ order }) => standing.has(shardId(order)));
  const names = done.flatMap(({ order }) => unitsOf(order).map((u) => caseName(order.jobId, u)));
  const cases = await trust.read('cases', names);
  const book = await openBook(context, cases, done);
  const statements = new Statements(context);
  const court = new Court(
    book,
    (jobId, hostId, unit) => auditDraws(auditSecret, `${jobId} ${unit} by ${hostId}`)(),
    knownHosts.accountsUpTo(3) === 3,
    now,
  );
  for (const one of done) {
    const { order, ended, left } = one;
    const job = await jobs.facts(order.jobId);
    const isGone = job === null || left === null || (left?.finalAt ?? null) !== null;
    for (const [position, unit] of unitsOf(order).entries()) {
      const name = caseName(order.jobId, unit);
      const about = cases.get(name);
      if (about === undefined || isGone || ended === null) cases.delete(name);
      else {
        const accepted = await statements.accepted(job, unit);
        if (accepted === 'lost') {
          cases.delete(name);
          continue;
        }
        const said = testimoniesIn(ended[position] ?? [], order);
        const known =
          accepted === null ? [] : await statements.among(job, about, accepted, said, order);
        const when = { since: order.check?.since ?? now, isLast: isHeardLast(one, unit) };
        court.hear(job, unit, about, accepted, known, when);
      }
    }
  }
  const { findings } = court;
  const passes = await passesIn(trust, cases);
  const numbers = await trust.read(
    'numbers',
    findings.wanted.map(({ job }) => job.jobId),
  );
  const orders = toOrders(findings.wanted, numbers, now);
  const isWritten = await trust.write(version, [
    ...names.map((field): TrustChange => {
      return { table: 'cases', field, value: cases.get(field) ?? null };
    }),
    ...done.map(({ order }): TrustChange => {
      return { table: 'orders', field: shardId(order), value: null };
    }),
    ...orders.map((order): TrustChange => {
      return { table: 'orders', field: shardId(order), value: order };
    }),
    ...[...numbers].map(([field, value]): TrustChange => ({ table: 'numbers', field, value })),
    ...passes,
    ...[...findings.sweeps].map(
      ([field, value]): TrustChange => ({ table: 'sweeps', field, value }),
    ),
    ...[...findings.amendments].map(([field, value]): TrustChange => {
      return { table: 'amendments', field, value };
    }),
    ...bookChanges(book),
  ]);
  if (!isWritten) return false;
  knownHosts.tell(book.changedHosts, book.changedAccounts);
  for (const [name, { revoked }] of findings.amendments)
    log.warn({ case: name, revoked }, 'results were proven wrong');
  for (const incident of findings.incidents)
    log.error(incident, 'two anchors differ: the kernel or its runtime is not deterministic');
  for (const refusal of findings.refusals)
    log.error(
      refusal,
      'the verifier refuses what the kernel says, whoever runs it; nobody is blamed',
    );
  return true;
}

/** Who has passed a check in a job for the first time: what the closing rule asks. */
async function passesIn(
  trust: TrustStore,
  cases: ReadonlyMap<string, UnitCase>,
): Promise<TrustChange[]> {
  const passed = new Map<JobId, Set<AccountId>>();
  for (const [name, { testimonies }] of cases) {
    const [jobId = ''] = name.split(' ');
    const accounts = passed.get(jobId) ?? new Set();
    for (const { accountId, status } of testimonies)
      if (status === 'passed') accounts.add(accountId);
    passed.set(jobId, accounts);
  }
  const changes: TrustChange[] = [];
  for (const [jobId, accountIds] of passed) {
    const table = talliesOf(jobId);
    for (const [field, { hosts, hasPassed }] of await trust.read(table, accountIds)) {
      if (!hasPassed) changes.push({ table, field, value: { hosts, hasPassed: true } });
    }
  }
  return changes;
}

/** The records of everybody who has testified, then or now. */
async function openBook(
  { store, knownHosts, now }: HearContext,
  cases: ReadonlyMap<string, UnitCase>,
  done: readonly Done[],
): Promise<RecordBook> {
  const ended = done.flatMap((order) => order.ended?.flat() ?? []);
  const before = [...cases.values()].flatMap(({ testimonies, rejected = [] }) => [
    ...testimonies,
    ...rejected,
  ]);
  const all = [...before, ...ended];
  const hosts = await store.trust.read(
    'hosts',
    all.map(({ hostId }) => hostId),
  );
  for (const { hostId, accountId } of all) {
    if (!hosts.has(hostId)) hosts.set(hostId, knownHosts.newcomer(hostId, accountId, now()));
  }
  const accounts = await store.trust.read(
    'accounts',
    [...hosts.values()].map(({ accountId }) => accountId),
  );
  return new RecordBook(hosts, accounts, now());
}

const unitsOf = ({ units }: Shard): readonly number[] => ('list' in units ? units.list : []);

/**
 * What a broken host reports is no testimony. But a verifier that never ends would be run for ever: when nobody saw the
 * end of it, in as many tries as a unit gets, that is a no.
 */
function testimoniesIn(ended: readonly Ended[], { check }: Shard): readonly Ended[] {
  const isUnended = ended.every(({ result }) => result.outcome === 'time_exceeded');
  if (check?.verify !== undefined && isUnended && ended.length >= replicasMax)
    return ended.slice(-1);
  return ended.filter(({ result }) => !isHostOutcome(result.outcome));
}

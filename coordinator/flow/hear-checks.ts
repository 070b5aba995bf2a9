/**
 * hear: what came of the checks that were ordered. An order whose shard was never opened is opened; when
 * the shard is closed, its journal is read, the answers are compared with what was accepted at first, and
 * each case is judged: settled, or checked once more.
 *
 * Orders, cases and records change in one step. A crash in between leaves the order, and it is heard again.
 */
import { createHash } from 'node:crypto';
import type { HostId, JobId } from '../../protocol/ids.ts';
import { isHostOutcome } from '../../protocol/outcome.ts';
import { decidedUnits, type Ended, resultsRecorded } from '../domain/decided-units.ts';
import type { JobFacts } from '../domain/job.ts';
import type { RecordedResult } from '../domain/journal.ts';
import { type Shard, shardId, splitShard, unitAt } from '../domain/shard.ts';
import { ShardState } from '../domain/shard-state.ts';
import { isAuditAudited } from '../domain/trust/audit.ts';
import type { Testimony } from '../domain/trust/case.ts';
import { caseName, RecordBook, toCase, type UnitCase } from '../domain/trust/docket.ts';
import { judge } from '../domain/trust/judge.ts';
import { toOrders, type WantedCheck } from '../domain/trust/orders.ts';
import { recorded } from '../domain/trust/reliability.ts';
import { partitionOf } from '../store/store.ts';
import type { TrustChange } from '../store/trust-store.ts';
import { auditDraws } from '../tokens/audit-draw.ts';
import type { Context } from './context.ts';

/** A step reads their journals and those they are compared with: some megabytes. */
const ordersPerStep = 32;

type HearContext = Pick<
  Context,
  'store' | 'grid' | 'jobs' | 'knownHosts' | 'auditSecret' | 'now' | 'log' | 'happened'
> & { queue: Pick<Context['queue'], 'add'> };

export async function hearChecks(context: HearContext, partition: number): Promise<void> {
  const { store, queue, grid } = context;
  // The open set is read after the orders: a shard that is in neither has closed, or never opened.
  const all = [...(await store.trust.readAll('orders')).values()];
  const orders = all.filter(({ jobId }) => partitionOf(jobId, grid.partitions) === partition);
  if (orders.length === 0) return;
  const open = new Set((await store.openShards(partition)).map(shardId));
  const opened: string[] = [];
  const done: Done[] = [];
  for (const order of orders) {
    const id = shardId(order);
    if (open.has(id)) continue;
    const reply = await store.openCheck(order);
    if (reply === 'opened') opened.push(id);
    else if (reply === 'over') done.push({ order, ended: null });
    else {
      const journal = await store.readJournal(order);
      if (ShardState.replay(order, journal).isClosed)
        done.push({ order, ended: resultsRecorded(journal) });
    }
  }
  if (opened.length > 0) {
    await queue.add(partition, opened);
    context.happened({ kind: 'checks_ordered' });
  }
  for (let from = 0; from < done.length; from += ordersPerStep) {
    while (!(await hear(context, done.slice(from, from + ordersPerStep))));
  }
}

/** `ended` is null when the job was cancelled: then nobody will ever ask. */
type Done = { order: Shard; ended: Ended[] | null };

/** False when somebody else wrote meanwhile. */
async function hear(context: HearContext, done: readonly Done[]): Promise<boolean> {
  const { trust } = context.store;
  const version = await trust.version();
  const units = done.flatMap(({ order }) =>
    unitsOf(order).map((unit) => caseName(order.jobId, unit)),
  );
  const cases = await trust.read('cases', units);
  const ended = done.flatMap((order) => order.ended ?? []);
  const known = [...cases.values()].flatMap(({ testimonies }) => testimonies);
  const hosts = await trust.read(
    'hosts',
    [...known, ...ended].map(({ hostId }) => hostId),
  );
  for (const { hostId, accountId } of ended) {
    if (!hosts.has(hostId))
      hosts.set(hostId, context.knownHosts.newcomer(hostId, accountId, context.now()));
  }
  const accounts = await trust.read(
    'accounts',
    [...hosts.values()].map(({ accountId }) => accountId),
  );
  const book = new RecordBook(hosts, accounts, context.now());
  const court = new Court(context, book);
  for (const { order, ended } of done) {
    const job = await context.jobs.facts(order.jobId);
    if (job === null || ended === null) continue;
    for (const [position, unit] of unitsOf(order).entries()) {
      const about = cases.get(caseName(job.jobId, unit));
      const said = ended.filter(({ result }) => result.position === position);
      if (about !== undefined) await court.hear(job, unit, about, said);
    }
  }
  const numbers = await trust.read(
    'numbers',
    court.wanted.map(({ job }) => job.jobId),
  );
  const orders = toOrders(court.wanted, numbers, context.now());
  const isWritten = await trust.write(version, [
    ...done.map(({ order }): TrustChange => {
      return { table: 'orders', field: shardId(order), value: null };
    }),
    ...orders.map((order): TrustChange => {
      return { table: 'orders', field: shardId(order), value: order };
    }),
    ...[...numbers].map(([field, value]): TrustChange => ({ table: 'numbers', field, value })),
    ...[...cases].map(([field, value]): TrustChange => ({ table: 'cases', field, value })),
    ...[...book.changedHosts].map(
      ([field, value]): TrustChange => ({ table: 'hosts', field, value }),
    ),
    ...[...book.changedAccounts].map(([field, value]): TrustChange => {
      return { table: 'accounts', field, value };
    }),
  ]);
  if (isWritten) context.knownHosts.tell(book.changedHosts, book.changedAccounts);
  return isWritten;
}

const unitsOf = ({ units }: Shard): readonly number[] => ('list' in units ? units.list : []);

/** Hears cases one after the other, and remembers the journals it has read. */
class Court {
  readonly wanted: WantedCheck[] = [];
  private readonly context: HearContext;
  private readonly book: RecordBook;
  private readonly accepted = new Map<string, Map<number, RecordedResult>>();

  constructor(context: HearContext, book: RecordBook) {
    this.context = context;
    this.book = book;
  }

  async hear(job: JobFacts, unit: number, about: UnitCase, said: readonly Ended[]): Promise<void> {
    const now = this.context.now();
    const first = about.testimonies[0];
    if (first !== undefined && first.answer === '')
      first.answer = await this.acceptedAnswer(job, unit);
    let last = about.testimonies.at(-1)?.hostId;
    for (const { hostId, accountId, result } of said) {
      // What a broken host reports is no testimony, and one account speaks once.
      if (isHostOutcome(result.outcome)) continue;
      if (about.testimonies.some((heard) => heard.accountId === accountId)) continue;
      this.testify(job, unit, about, hostId, answerOf(result));
      last = hostId;
    }
    if (last === undefined) return;
    const judgement = judge(toCase(about), last, this.book, now);
    if (judgement.kind === 'check') this.wanted.push({ job, unit, needs: judgement.needs, about });
    else this.tell(job.jobId, unit, judgement);
  }

  private testify(
    job: JobFacts,
    unit: number,
    about: UnitCase,
    hostId: HostId,
    answer: string,
  ): void {
    const now = this.context.now();
    const { accountId, network, isAnchor } = this.book.host(hostId);
    const { host, account } = this.book.identityOf(hostId);
    this.book.keep(hostId, {
      isAnchor,
      host: recorded(host, true, now),
      account: recorded(account, true, now),
    });
    const [draw = 1] = auditDraws(this.context.auditSecret, `${job.jobId} ${hostId} check`, [unit]);
    // An audit is drawn as well; what is beyond the audit of an audit is not.
    if (about.wanted === 2 && about.testimonies.length === 1 && isAuditAudited(draw))
      about.wanted = 3;
    const testimony: Testimony = { hostId, accountId, network, isAnchor, answer, status: 'heard' };
    about.testimonies.push(testimony);
  }

  private tell(
    jobId: JobId,
    unit: number,
    judgement: Exclude<ReturnType<typeof judge>, { kind: 'check' }>,
  ): void {
    const { log } = this.context;
    if (judgement.kind === 'incident')
      log.error(
        { jobId, unit },
        'two anchors differ: the kernel or its runtime is not deterministic',
      );
    else if (judgement.convicted.length > 0)
      log.warn({ jobId, unit, convicted: judgement.convicted }, 'results were proven wrong');
  }

  /** The answer that the unit was accepted with. */
  private async acceptedAnswer(job: JobFacts, unit: number): Promise<string> {
    const shard = splitShard(job, Math.floor(unit / job.unitsPerShard));
    const id = shardId(shard);
    let results = this.accepted.get(id);
    if (results === undefined) {
      const decided = decidedUnits(await this.context.store.readJournal(shard));
      results = new Map(
        decided.map(({ position, result }) => [unitAt(shard.units, position), result]),
      );
      this.accepted.set(id, results);
    }
    const result = results.get(unit);
    if (result === undefined)
      throw new Error(`unit ${unit} of ${job.jobId} was paid and not accepted`);
    return answerOf(result);
  }
}

/** Equal for results that agree exactly: same outcome, same fuel, same output. */
function answerOf({ outcome, exitCode, fuel, output, digest }: RecordedResult): string {
  const bytes = output === null ? digest : createHash('sha256').update(output).digest();
  return `${outcome} ${exitCode} ${fuel} ${Buffer.from(bytes ?? []).toString('base64url')}`;
}

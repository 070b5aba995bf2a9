/**
 * draw: which of the results that were just paid are audited. It reads the outbox, as the ledger does,
 * with a watermark of its own, so a crash loses no draw and takes none twice: the watermark, the records
 * of the hosts and the orders change in one step, upon the version they were read at.
 *
 * It is off the path of a report: a host has its verdict before this looks at what it sent.
 */
import type { AccountId, HostId, JobId } from '../../protocol/ids.ts';
import type { OutboxRecord, Payment } from '../domain/award.ts';
import type { JobFacts } from '../domain/job.ts';
import { fromRuns, runsSize, shardId } from '../domain/shard.ts';
import { assurances, isEachChecked } from '../domain/trust/assurance.ts';
import { accountsWanted, isWatched } from '../domain/trust/audit.ts';
import { caseName, RecordBook, toCase, type UnitCase, type Work } from '../domain/trust/docket.ts';
import { judge } from '../domain/trust/judge.ts';
import { toOrders, type WantedCheck } from '../domain/trust/orders.ts';
import { recorded } from '../domain/trust/reliability.ts';
import { addRun, keepLast } from '../domain/unit-runs.ts';
import { bookChanges } from '../store/book-changes.ts';
import { type TrustChange, talliesOf } from '../store/trust-store.ts';
import { auditDraws } from '../tokens/audit-draw.ts';
import type { Context } from './context.ts';

/** What is read and written of each host is the same for few of its results and for many. */
const recordsPerStep = 1024;
/** Of jobs each of whose results is checked: as many cases are written in one step, two megabytes. */
const casesPerStep = 4096;
/** Checks out at once are a few megabytes; beyond that there are more audits than auditors. */
const ordersMax = 256;
/** Of a host in a job. Ten thousand results, the hold, lie in fewer; what is older stands. */
const shardsRememberedMax = 4096;
/** Of an account in a job: enough to find a result of it that can be checked. */
const hostsTalliedMax = 8;

type DrawContext = Pick<
  Context,
  'store' | 'jobs' | 'knownHosts' | 'capacities' | 'auditSecret' | 'now'
>;

export async function drawAudits(context: DrawContext, partition: number): Promise<void> {
  const { store } = context;
  const field = `g${partition}`;
  for (;;) {
    const version = await store.trust.version();
    const watermark = (await store.trust.read('watermarks', [field])).get(field) ?? 0;
    const read = await store.readOutbox(partition, watermark, recordsPerStep);
    const records = await firstFew(context, read);
    const last = records.at(-1);
    if (last === undefined) return;
    const book = await openBook(context, records);
    const changes = await draw(context, book, records);
    changes.push({ table: 'watermarks', field, value: last.number });
    if (!(await store.trust.write(version, changes))) continue;
    context.knownHosts.tell(book.changedHosts, book.changedAccounts);
    if (records.length < recordsPerStep && records.length === read.length) return;
  }
}

/** As many as one step can write; at least one. */
async function firstFew(
  { jobs }: DrawContext,
  records: readonly OutboxRecord[],
): Promise<readonly OutboxRecord[]> {
  let cases = 0;
  for (const [i, record] of records.entries()) {
    const job = await jobs.facts(record.jobId);
    if (job === null || !isEachChecked(job.document.trust)) continue;
    for (const { units } of firstResults(record)) cases += runsSize(units);
    if (cases > casesPerStep) return records.slice(0, Math.max(i, 1));
  }
  return records;
}

/** The records of everybody whose first results these are. */
async function openBook(
  context: DrawContext,
  records: readonly OutboxRecord[],
): Promise<RecordBook> {
  const { trust } = context.store;
  const paid = records.flatMap(firstResults);
  const now = context.now();
  const hosts = await trust.read('hosts', new Set(paid.map(({ hostId }) => hostId)));
  const accounts = await trust.read('accounts', new Set(paid.map(({ accountId }) => accountId)));
  for (const { hostId, accountId } of paid) {
    if (!hosts.has(hostId)) hosts.set(hostId, context.knownHosts.newcomer(hostId, accountId, now));
  }
  return new RecordBook(hosts, accounts, now);
}

/** Checks are paid too, but what came of them is heard from their journals. */
const firstResults = ({ isCheck, payments }: OutboxRecord): Payment[] =>
  isCheck ? [] : payments.filter(({ kind }) => kind === 'grant');

async function draw(
  context: DrawContext,
  book: RecordBook,
  records: readonly OutboxRecord[],
): Promise<TrustChange[]> {
  const { store, jobs, knownHosts } = context;
  const { trust } = store;
  // In a grid of one account nobody may check anybody: nothing is ordered that would wait for ever.
  const canCheck = knownHosts.accountsUpTo(2) === 2 && (await trust.count('orders')) < ordersMax;
  const drawn: WantedCheck[] = [];
  for (const record of records) {
    const job = await jobs.facts(record.jobId);
    if (job === null) continue;
    for (const payment of firstResults(record)) {
      const isDrawn = canCheck || isEachChecked(job.document.trust);
      drawn.push(...drawOne(context, book, job, payment, isDrawn));
    }
  }
  // A sweep may have come first: it finds results in the journals, and two checks of a unit at once would
  // have one host paid for both.
  const nameOf = ({ job, unit }: WantedCheck) => caseName(job.jobId, unit);
  const known = await trust.read('cases', drawn.map(nameOf));
  const wanted = drawn.filter((check) => !known.has(nameOf(check)));
  const work = await workDone(context, records);
  const tallies = await tallied(context, records);
  const numbers = await trust.read('numbers', new Set(wanted.map(({ job }) => job.jobId)));
  const orders = toOrders(wanted, numbers, context.now());
  return [
    ...wanted.map((check): TrustChange => {
      return { table: 'cases', field: nameOf(check), value: check.about };
    }),
    ...orders.map((order): TrustChange => {
      return { table: 'orders', field: shardId(order), value: order };
    }),
    ...[...numbers].map(([field, value]): TrustChange => ({ table: 'numbers', field, value })),
    ...[...work].map(([field, value]): TrustChange => ({ table: 'work', field, value })),
    ...tallies,
    ...bookChanges(book),
  ];
}

/** Where hosts have results, these included: a sweep has to find them. */
async function workDone(
  { store, jobs }: DrawContext,
  records: readonly OutboxRecord[],
): Promise<Map<HostId, Work>> {
  const paid = records.flatMap(firstResults);
  const work = await store.trust.read('work', new Set(paid.map(({ hostId }) => hostId)));
  for (const record of records) {
    const job = await jobs.facts(record.jobId);
    if (job === null) continue;
    for (const { hostId, units } of firstResults(record)) {
      const known = work.get(hostId) ?? {};
      const shards = known[job.jobId] ?? [];
      for (const run of units) {
        const from = run[0];
        const count = run[1];
        const last = Math.floor((from + count - 1) / job.unitsPerShard);
        for (let n = Math.floor(from / job.unitsPerShard); n <= last; n++) addRun(shards, [n, 1]);
      }
      keepLast(shards, shardsRememberedMax);
      known[job.jobId] = shards;
      work.set(hostId, known);
    }
  }
  return work;
}

/** Whose results each job has, for the closing rule. Written when a host is new in a job, and then never. */
async function tallied(
  { store }: DrawContext,
  records: readonly OutboxRecord[],
): Promise<TrustChange[]> {
  const paid = new Map<JobId, Map<AccountId, Set<HostId>>>();
  for (const record of records) {
    const accounts = paid.get(record.jobId) ?? new Map<AccountId, Set<HostId>>();
    for (const { hostId, accountId } of firstResults(record)) {
      accounts.set(accountId, (accounts.get(accountId) ?? new Set()).add(hostId));
    }
    paid.set(record.jobId, accounts);
  }
  const changes: TrustChange[] = [];
  for (const [jobId, accounts] of paid) {
    const table = talliesOf(jobId);
    const known = await store.trust.read(table, accounts.keys());
    for (const [field, hostIds] of accounts) {
      const { hosts, hasPassed } = known.get(field) ?? { hosts: [], hasPassed: false };
      const all = [...new Set([...hosts, ...hostIds])].slice(0, hostsTalliedMax);
      if (all.length > hosts.length) {
        changes.push({ table, field, value: { hosts: all, hasPassed } });
      }
    }
  }
  return changes;
}

/** Draws for the units that a host was paid for, one after the other. */
function drawOne(
  context: DrawContext,
  book: RecordBook,
  job: JobFacts,
  { hostId, accountId, units }: Payment,
  isDrawn: boolean,
): WantedCheck[] {
  const now = context.now();
  const { trust } = job.document;
  const { network, isAnchor } = book.host(hostId);
  const told = { answer: '', status: 'heard', micro: 0, place: null } as const;
  const testimony = { hostId, accountId, network, isAnchor, ...told };
  const draw = auditDraws(context.auditSecret, `${job.jobId} ${hostId} ${units[0]?.[0]}`);
  let identity = book.identityOf(hostId);
  let [results, checks] = [0, 0];
  const count = () => {
    const host = recorded(identity.host, checks, now, results);
    identity = { isAnchor, host, account: recorded(identity.account, checks, now, results) };
    [results, checks] = [0, 0];
  };
  const wanted: WantedCheck[] = [];
  for (const unit of fromRuns(units)) {
    results++;
    if (!isDrawn) continue;
    const accounts = accountsWanted(identity, assurances[trust], draw(), now);
    if (accounts > 1) {
      checks++;
      const about: UnitCase = {
        trust,
        wanted: accounts,
        testimonies: [testimony],
        isOut: true,
        canonical: '',
      };
      const judgement = judge(toCase(about), hostId, book, now);
      if (judgement.kind === 'check') wanted.push({ job, unit, needs: judgement.needs, about });
    }
    // As long as what is due of the next result depends on how many there were, they are counted singly.
    if (isWatched(identity)) count();
  }
  count();
  book.keep(hostId, identity);
  const speed = context.capacities.find(hostId)?.speed ?? null;
  if (speed !== null) book.keepSpeed(hostId, speed);
  return wanted;
}

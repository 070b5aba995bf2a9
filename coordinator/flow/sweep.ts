/**
 * sweep: the open results of a host that was proven wrong are checked again: some of them after the first
 * proof, all of them after another. What it said in them backs nothing any more, so each is a case that
 * wants somebody else's word. So are those of a host that left before anybody knew it (finalise-results.ts).
 *
 * A sweep stands in the tables until its cases and orders do, so a crash in between repeats it.
 */
import type { HostId } from '../../protocol/ids.ts';
import type { JobFacts } from '../domain/job.ts';
import { shardId } from '../domain/shard.ts';
import { discount } from '../domain/trust/case.ts';
import { toVerifyAgain } from '../domain/trust/conviction.ts';
import {
  caseName,
  newCase,
  RecordBook,
  toCase,
  type UnitCase,
  type Work,
} from '../domain/trust/docket.ts';
import { isConfirmedBy } from '../domain/trust/finality.ts';
import { judge } from '../domain/trust/judge.ts';
import { toOrders, type WantedCheck } from '../domain/trust/orders.ts';
import { withoutBefore } from '../domain/unit-runs.ts';
import { openResults } from '../store/open-results.ts';
import { readableJob } from '../store/readable-journal.ts';
import type { TrustChange } from '../store/trust-store.ts';
import type { Context } from './context.ts';

type SweepContext = Pick<Context, 'store' | 'jobs' | 'knownHosts' | 'now' | 'randomBytes'>;
type Open = { job: JobFacts; unit: number };

export async function sweepConvicted(context: SweepContext): Promise<void> {
  for (const hostId of (await context.store.trust.readAll('sweeps')).keys()) {
    while (!(await sweep(context, hostId)));
  }
}

/** False when somebody else wrote meanwhile. */
async function sweep(context: SweepContext, convicted: HostId): Promise<boolean> {
  const { trust } = context.store;
  const version = await trust.version();
  const reach = (await trust.read('sweeps', [convicted])).get(convicted);
  if (reach === undefined) return true;
  const wanted: WantedCheck[] = [];
  const cases = new Map<string, UnitCase>();
  const book = await bookOf(context, convicted, reach === 'account');
  for (const hostId of book.hostIds) {
    const work = (await trust.read('work', [hostId])).get(hostId) ?? {};
    const open = await allOpen(context, hostId, work);
    for (const { job, unit } of toVerifyAgain(open, reach, below(context))) {
      const name = caseName(job.jobId, unit);
      const about =
        (await trust.read('cases', [name])).get(name) ??
        newCase(book.host(hostId), hostId, job.document.trust);
      if (reach === 'unconfirmed' && isConfirmedBy(about, hostId)) continue;
      if (!discount(toCase(about), hostId)) continue;
      cases.set(name, about);
      if (about.isOut) continue;
      const judgement = judge(toCase(about), hostId, book, context.now());
      about.isOut = judgement.kind === 'check';
      if (judgement.kind === 'check') wanted.push({ job, unit, needs: judgement.needs, about });
    }
  }
  const numbers = await trust.read(
    'numbers',
    wanted.map(({ job }) => job.jobId),
  );
  const orders = toOrders(wanted, numbers, context.now());
  return await trust.write(version, [
    { table: 'sweeps', field: convicted, value: null },
    ...[...cases].map(([field, value]): TrustChange => ({ table: 'cases', field, value })),
    ...orders.map((order): TrustChange => {
      return { table: 'orders', field: shardId(order), value: order };
    }),
    ...[...numbers].map(([field, value]): TrustChange => ({ table: 'numbers', field, value })),
  ]);
}

/** The host, or all hosts of its account. */
async function bookOf(
  { store, now }: SweepContext,
  convicted: HostId,
  isAccount: boolean,
): Promise<RecordBook> {
  const { trust } = store;
  const hosts = await (isAccount ? trust.readAll('hosts') : trust.read('hosts', [convicted]));
  const accountId = hosts.get(convicted)?.accountId;
  for (const [hostId, host] of hosts) if (host.accountId !== accountId) hosts.delete(hostId);
  const accounts = await trust.read('accounts', accountId === undefined ? [] : [accountId]);
  return new RecordBook(hosts, accounts, now());
}

/** In the shards that the host has worked on; what is final is open no more. */
async function allOpen({ store, jobs }: SweepContext, hostId: HostId, work: Work): Promise<Open[]> {
  const open: Open[] = [];
  for (const [jobId, shards] of Object.entries(work)) {
    const held = await readableJob(store.jobs, jobId);
    if (held === null || held.finalAt !== null) continue;
    const job = await jobs.facts(jobId);
    if (job === null) continue;
    const left = withoutBefore(shards, held.counts.shardsFinal);
    for await (const unit of openResults(store, job, hostId, left)) open.push({ job, unit });
  }
  return open;
}

/** 32 bits of chance are plenty for a sample of thirty. */
const below =
  ({ randomBytes }: SweepContext) =>
  (count: number): number =>
    Math.floor((Buffer.from(randomBytes(4)).readUInt32LE() / 2 ** 32) * count);

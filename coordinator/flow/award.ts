/**
 * award: pays the outbox of a partition into the ledger, in order and exactly once. The watermark moves
 * with the entry that pays, and an entry is added upon the one it was made for, so two coordinators that
 * award at once pay once. Trimming stays behind the watermark: what was applied may still be looked into.
 */
import type { Logger } from 'pino';
import type { AccountId, HostId, JobId } from '../../protocol/ids.ts';
import {
  type AwardFacts,
  awardDraft,
  type EscrowPayer,
  type LeftOut,
  type OutboxRecord,
  type Payment,
} from '../domain/award.ts';
import { dayOf } from '../domain/day.ts';
import { escrowAccount, scientistAccount } from '../domain/funding.ts';
import { availableAccount, type LedgerHead, type PendingChange } from '../domain/ledger.ts';
import { postEntry } from '../store/posting.ts';
import type { Context, JobCache } from './context.ts';

/** What an entry costs beside its grants is shared by all: with 256 records a grant cost twice as much. */
const recordsPerStep = 1024;
/** An entry is one script, and what it costs is by the hosts it pays: some ten milliseconds for so many. */
const hostsPerStep = 1024;
/** Applied records kept in the outbox, for looking into what just happened. */
const recordsKept = 1000;
/** A clock that is set right by less than this is no news. */
const clockBackMsMax = 60_000;

type LedgerContext = Pick<Context, 'store' | 'now' | 'log'> & { jobs: Pick<JobCache, 'facts'> };

/** Applies all that waits. Returns the accounts that were paid. */
export async function award(context: LedgerContext, partition: number): Promise<Set<string>> {
  const { ledger } = context.store;
  const paid = new Set<string>();
  for (;;) {
    let isAll = false;
    let leftOut: readonly LeftOut[] = [];
    const draft = await postEntry(ledger, context.now, async (head) => {
      tellOfClock(context, head);
      const waiting = await nextRecords(context, partition);
      const records = firstFew(waiting);
      isAll = records.length === waiting.length && waiting.length < recordsPerStep;
      const [first, last] = [records[0], records.at(-1)];
      if (first === undefined || last === undefined) return null;
      const source = { partition, from: first.number, to: last.number };
      const day = dayOf(Math.max(context.now(), head.at));
      const award = awardDraft(source, records, await factsOf(context, records, day));
      leftOut = award.leftOut;
      return award.draft;
    });
    if (draft === null) return paid;
    for (const one of leftOut)
      context.log.error({ ...one, partition }, 'a unit was about to be paid twice: left out');
    for (const { accountId } of draft.grants) paid.add(accountId);
    const last = draft.source?.to ?? 0;
    const seen = await drawnUpTo(context, partition);
    const trimmed = Math.min(last - recordsKept, seen);
    if (trimmed > 0) await context.store.trimOutbox(partition, trimmed);
    if (isAll) return paid;
  }
}

/** As many as pay no more hosts than one step may; at least one. */
function firstFew(records: readonly OutboxRecord[]): readonly OutboxRecord[] {
  const hostIds = new Set<HostId>();
  for (const [i, { payments }] of records.entries()) {
    for (const { hostId } of payments) hostIds.add(hostId);
    if (hostIds.size > hostsPerStep) return records.slice(0, Math.max(i, 1));
  }
  return records;
}

/** Trust reads the outbox too (flow/draw-audits.ts): what it has not seen stays. */
async function drawnUpTo({ store }: LedgerContext, partition: number): Promise<number> {
  const field = `g${partition}`;
  return (await store.trust.read('watermarks', [field])).get(field) ?? 0;
}

/** Throws when one is missing: to pay on would lose it for good. */
async function nextRecords({ store }: LedgerContext, partition: number): Promise<OutboxRecord[]> {
  const watermark = await store.ledger.watermark(partition);
  const records = await store.readOutbox(partition, watermark, recordsPerStep);
  for (const [i, { number }] of records.entries()) {
    const expected = watermark + 1 + i;
    if (number === expected) continue;
    throw new Error(
      `outbox g${partition} has a gap: record ${expected} is missing before ${number}`,
    );
  }
  return records;
}

/** What the records ask of the ledger: who pays, and what a revocation can be taken from. */
async function factsOf(
  context: LedgerContext,
  records: readonly OutboxRecord[],
  day: number,
): Promise<AwardFacts> {
  const { ledger } = context.store;
  const payers = await payersOf(context, records);
  const pending = new Map<string, PendingChange[]>();
  const [accounts, hosts] = [new Set<AccountId>(), new Set<HostId>()];
  const revoked: (Payment & { jobId: JobId })[] = [];
  for (const { jobId, payments } of records) {
    for (const payment of payments) {
      accounts.add(payment.accountId);
      hosts.add(payment.hostId);
      if (payment.kind === 'revoke') revoked.push({ ...payment, jobId });
    }
  }
  const [accountIds, hostIds] = [[...accounts], [...hosts]];
  const teams = await context.store.accounts.teamsOf(accountIds);
  const countries = await context.store.accounts.countriesOf(hostIds);
  const countryOf = new Map(hostIds.map((hostId, i) => [hostId, countries[i] ?? null]));
  const teamOf = new Map(accountIds.map((accountId, i) => [accountId, teams[i] ?? null]));
  const available = new Map<string, bigint>();
  const [feeAccount] = await ledger.balances(['fee'] as const);
  const days = revoked.length > 0 ? (await ledger.pendingDays()).reverse() : [];
  for (const { accountId, hostId, jobId } of revoked) {
    // A host that was proven wrong has many, and to look through its days takes longest of all.
    if (pending.has(`${hostId} ${jobId}`)) continue;
    const held = await ledger.pendingOfHost({ accountId, hostId, jobId }, days);
    pending.set(`${hostId} ${jobId}`, held);
    const [micro] = await ledger.balances([availableAccount(accountId)] as const);
    available.set(accountId, micro);
  }
  return {
    day,
    feeAccount,
    teamOf: (accountId) => teamOf.get(accountId) ?? null,
    countryOf: (hostId) => countryOf.get(hostId) ?? null,
    payerOf: (jobId) => payers.get(jobId) ?? null,
    pendingOf: ({ hostId, jobId }) => pending.get(`${hostId} ${jobId}`) ?? [],
    availableOf: (accountId) => available.get(accountId) ?? 0n,
  };
}

/** Of the jobs that are not curated. */
async function payersOf(
  { store, jobs }: LedgerContext,
  records: readonly OutboxRecord[],
): Promise<Map<JobId, EscrowPayer>> {
  const payers = new Map<JobId, EscrowPayer>();
  const jobIds = [...new Set(records.map(({ jobId }) => jobId))];
  await Promise.all(
    jobIds.map(async (jobId) => {
      const [job, isCurated] = await Promise.all([jobs.facts(jobId), store.jobs.isCurated(jobId)]);
      if (job === null || isCurated) return;
      const { owner } = job;
      const accounts = [escrowAccount(jobId), scientistAccount(owner), availableAccount(owner)];
      const [escrow = 0n, scientist = 0n, available = 0n] = await store.ledger.balances(accounts);
      const owed = await store.ledger.owed(owner);
      payers.set(jobId, { job, escrow, purse: { scientist, available, owed } });
    }),
  );
  return payers;
}

function tellOfClock({ log, now }: LedgerContext, { at }: LedgerHead): void {
  const backMs = at - now();
  // Once for each time it was set back: until it has caught up, all entries bear that same time.
  if (backMs <= clockBackMsMax || told.get(log) === at) return;
  told.set(log, at);
  log.error(
    { backMs },
    'the clock of this machine is behind the last entry of the ledger: entries bear that one’s time until it has caught up',
  );
}
/** The time of the ledger's last entry when somebody was told, by whose log it was. */
const told = new WeakMap<Logger, number>();

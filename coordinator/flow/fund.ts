/**
 * fund: a scientist's allowance at their first job; jobs whose credit is spent are paused and go on when
 * there is some again; and what is left in an escrow goes back when its job is over.
 */
import { GridError } from '../../protocol/errors.ts';
import type { AccountId, JobId } from '../../protocol/ids.ts';
import { dayOf } from '../domain/day.ts';
import {
  allowanceDraft,
  escrowAccount,
  isSolvent,
  type Purse,
  refundDraft,
  scientistAccount,
} from '../domain/funding.ts';
import { isOver } from '../domain/job.ts';
import { availableAccount } from '../domain/ledger.ts';
import { postEntry } from '../store/posting.ts';
import { readableJob } from '../store/readable-journal.ts';
import { partitionOf } from '../store/store.ts';
import { unpaidJobs } from '../store/unpaid-jobs.ts';
import type { Context } from './context.ts';

/** Before a job is taken on. Throws GridError `credit_insufficient` when its owner has nothing to pay with. */
export async function assertCredit(context: Context, owner: AccountId): Promise<void> {
  const { ledger, registry } = context.store;
  await postEntry(ledger, context.now, async () => {
    if (await ledger.isAllowed(owner)) return null;
    return allowanceDraft(owner, (await registry.settings()).allowanceMicro);
  });
  const purse = await purseOf(context, owner);
  if (isSolvent(purse)) return;
  throw new GridError(
    'credit_insufficient',
    purse.owed === 0n
      ? `Account ${owner} has spent its allowance and has no credit available.`
      : `Account ${owner} owes ${purse.owed} microcredit for what was computed when its credit had ended.`,
  );
}

/** Brings the pauses of a partition's jobs, and what their priority weighs, in line with who pays for them. */
export async function reconcileFunds(context: Context, partition: number): Promise<void> {
  const { store, window, jobs, splitTurns } = context;
  const isMintSpent = await mintIsSpent(context);
  for (const { jobId, state, decidedAt } of await store.jobs.listOpen(partition)) {
    const job = await jobs.facts(jobId);
    if (job === null) continue;
    const isDecided = decidedAt !== null;
    const isCurated = await store.jobs.isCurated(jobId);
    for (const turns of [window, splitTurns]) turns.setPaid(job, !isCurated);
    const lack = isCurated
      ? isMintSpent && 'the mint has given what it may today'
      : !(await hasCredit(context, job.owner, jobId)) && 'its owner has no credit left';
    // What is left of a decided job is a few checks: pausing it would keep it from being complete.
    if (lack !== false && state === 'open' && !isDecided) {
      await store.jobs.pause(jobId, 'credit_spent', lack);
      window.pause(jobId);
    } else if ((lack === false || isDecided) && state === 'paused') {
      if ((await store.jobs.resume(jobId, ['credit_spent'])) !== 'open') continue;
      window.resume(jobId);
      context.happened({ kind: 'units_free' });
      context.happened({ kind: 'job_resumed' });
    }
  }
}

/** Escrows of jobs that are over, once everything of them is paid. */
export async function refundEscrows(context: Context): Promise<void> {
  const { store, grid } = context;
  for (const jobId of await store.ledger.escrows()) {
    const job = await readableJob(store.jobs, jobId);
    if (job === null || !isOver(job)) continue;
    const isUnpaid = await unpaidJobs(store, partitionOf(jobId, grid.partitions));
    if (isUnpaid(jobId)) continue;
    await postEntry(store.ledger, context.now, async () => {
      const [left] = await store.ledger.balances([escrowAccount(jobId)] as const);
      if (left === 0n) return null;
      return refundDraft(job.owner, jobId, left, await store.ledger.owed(job.owner));
    });
  }
}

async function mintIsSpent({ store, now }: Context): Promise<boolean> {
  const { mintDailyMicro } = await store.registry.settings();
  if (mintDailyMicro === null) return false;
  return (await store.ledger.minted(dayOf(now()))) >= mintDailyMicro;
}

async function hasCredit(context: Context, owner: AccountId, jobId: JobId): Promise<boolean> {
  const [escrow] = await context.store.ledger.balances([escrowAccount(jobId)] as const);
  return escrow > 0n || isSolvent(await purseOf(context, owner));
}

async function purseOf({ store }: Context, owner: AccountId): Promise<Purse> {
  const accounts = [scientistAccount(owner), availableAccount(owner)] as const;
  const [scientist, available] = await store.ledger.balances(accounts);
  return { scientist, available, owed: await store.ledger.owed(owner) };
}

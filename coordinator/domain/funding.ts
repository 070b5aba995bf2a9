/**
 * Who pays for a job. Curated ones are paid by the mint, within its daily budget; all others by their
 * owner: from an escrow of the job, which is filled again from what the owner has, first as a scientist,
 * then as a volunteer. So credit earned by computing is spent on one's own jobs without a further step.
 *
 *   mint ─ allowance ─► scientist:<owner> ─┐
 *   volunteer:<owner>:available ───────────┴─ fund ─► escrow:<job> ─ grant ─► a volunteer's pending
 *                                                          └───────── fee ──► fee
 *
 * What was computed is paid in any case. When an escrow and its owner have nothing left, what is still
 * out is lent by bad debt, and the job is paused until there is more credit than is owed.
 */
import type { AccountId, JobId } from '../../protocol/ids.ts';
import type { JobFacts } from './job.ts';
import {
  availableAccount,
  type EntryDraft,
  emptyDraft,
  type LedgerAccount,
  least,
  lend,
  move,
} from './ledger.ts';

export const scientistAccount = (accountId: AccountId): LedgerAccount => `scientist:${accountId}`;
export const escrowAccount = (jobId: JobId): LedgerAccount => `escrow:${jobId}`;

/** 2 %: to pay oneself round in a circle costs something, and nobody gets it. */
const feePercent = 2n;

/**
 * What an escrow pays beside the work. Priority is bought: each step of it is one more credit for each
 * credit of work, and weighs in fair share as much as one more scientist without any (turns.ts). The volunteer gets what the fuel is
 * worth, whatever was offered; what is beside it is burned.
 */
export const feeOf = (micro: bigint, { document }: JobFacts): bigint =>
  (micro * (feePercent + 100n * BigInt(document.priority))) / 100n;

/** Ten credits: some minutes of a dozen cores, so that an escrow is not filled with every entry. */
export const escrowAheadMicro = 10_000_000n;

/** What an owner has, and where; and what they owe of it. */
export type Purse = { scientist: bigint; available: bigint; owed: bigint };

/** Whether they can pay for anything. */
export const isSolvent = ({ scientist, available, owed }: Purse): boolean =>
  scientist + available > owed;

/** Moves up to an amount into a job's escrow. Returns how much could not be had. */
export function fillEscrow(
  draft: EntryDraft,
  { owner, jobId }: { owner: AccountId; jobId: JobId },
  wanted: bigint,
  { scientist, available }: Omit<Purse, 'owed'>,
): bigint {
  let left = wanted;
  for (const [account, has] of [
    [scientistAccount(owner), scientist],
    [availableAccount(owner), available],
  ] as const) {
    const taken = least(has, left);
    if (taken <= 0n) continue;
    move(draft, account, escrowAccount(jobId), taken);
    left -= taken;
  }
  return left;
}

/** A scientist's first job: the mint gives an allowance, once. */
export function allowanceDraft(owner: AccountId, micro: bigint): EntryDraft {
  const draft = emptyDraft('allow');
  move(draft, 'mint', scientistAccount(owner), micro);
  draft.allowed = owner;
  return draft;
}

/** The job is over: what is left goes back, less what its owner owes. */
export function refundDraft(
  owner: AccountId,
  jobId: JobId,
  micro: bigint,
  owed: bigint,
): EntryDraft {
  const draft = emptyDraft('refund');
  const escrow = escrowAccount(jobId);
  const repaid = least(micro, owed);
  lend(draft, owner, escrow, -repaid);
  move(draft, escrow, scientistAccount(owner), micro - repaid);
  return draft;
}

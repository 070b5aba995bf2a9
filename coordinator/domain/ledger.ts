/**
 * The ledger: accounts, and entries that move credit between them. Double entry: each entry sums to
 * zero, so does the ledger. Entries are added and never changed; what turned out wrong is reversed by
 * another entry. Each names the hash of the one before it (protocol/ledger.ts has the form).
 *
 * A draft is an entry before it has a number: what one of the steps (domain/award.ts, domain/final.ts)
 * wants to happen, and with it what follows for pending credit and standings. The store writes all of
 * it in one step, or nothing.
 */
import type { AccountId, HostId, JobId, TeamId } from '../../protocol/ids.ts';
import type { EntryKind, EntryLine, GrantLine } from '../../protocol/ledger.ts';
import type { UnitRuns } from '../../protocol/messages.ts';
import type { StandingChange } from './standing.ts';

export type LedgerAccount = string;

export const pendingAccount = (accountId: AccountId): LedgerAccount =>
  `volunteer:${accountId}:pending`;
export const availableAccount = (accountId: AccountId): LedgerAccount =>
  `volunteer:${accountId}:available`;

/** Only these may be below zero: the one is where credit comes from, the other what is owed of it. */
export const mayBeNegative = (account: LedgerAccount): boolean =>
  account === 'mint' || account === 'baddebt';

/** What the next entry has to name. */
export type LedgerHead = { number: number; hash: string; at: number };

export type Grant = {
  kind: GrantLine['kind'];
  accountId: AccountId;
  hostId: HostId;
  jobId: JobId;
  units: UnitRuns;
  /** For looking at others' results of these units; an account may do that more than once. */
  isVerdict?: true;
  micro: bigint;
  payer: LedgerAccount;
  fee: bigint;
};

/** Pending credit is kept by host, job, team at the time, and day of the grant. */
export type Bucket = {
  accountId: AccountId;
  hostId: HostId;
  jobId: JobId;
  teamId: TeamId | null;
  day: number;
};
/** Whose pending credit, whatever its team and day. */
export type Holder = Pick<Bucket, 'accountId' | 'hostId' | 'jobId'>;
export type PendingChange = Bucket & { micro: bigint };

export type EntryDraft = {
  kind: EntryKind;
  source: EntryLine['source'];
  postings: Map<LedgerAccount, bigint>;
  grants: Grant[];
  pending: PendingChange[];
  standings: StandingChange[];
  /** A scientist who gets their allowance by this entry, and never again. */
  allowed: AccountId | null;
  /** What accounts owe after it, and did not before: bad debt has paid it for them; less than zero when they have paid. */
  owed: Map<AccountId, bigint>;
};

export const emptyDraft = (kind: EntryKind): EntryDraft => ({
  kind,
  source: null,
  postings: new Map(),
  grants: [],
  pending: [],
  standings: [],
  allowed: null,
  owed: new Map(),
});

/** Moves credit in a draft. */
export function move(
  draft: EntryDraft,
  from: LedgerAccount,
  to: LedgerAccount,
  micro: bigint,
): void {
  if (micro === 0n) return;
  const { postings } = draft;
  postings.set(from, (postings.get(from) ?? 0n) - micro);
  postings.set(to, (postings.get(to) ?? 0n) + micro);
}

/** Bad debt pays into an account what somebody else owes, who is to pay it back before they spend anything again. */
export function lend(draft: EntryDraft, debtor: AccountId, to: LedgerAccount, micro: bigint): void {
  if (micro === 0n) return;
  move(draft, 'baddebt', to, micro);
  draft.owed.set(debtor, (draft.owed.get(debtor) ?? 0n) + micro);
}

/**
 * The entry's line, without its end: what is hashed and what is stored are these very bytes. Time never
 * runs backwards in the ledger, whatever the machine's clock does.
 */
export function entryLine(draft: EntryDraft, head: LedgerHead, now: number): EntryLine {
  const postings = [...draft.postings].filter(([, micro]) => micro !== 0n);
  const sum = postings.reduce((total, [, micro]) => total + micro, 0n);
  if (sum !== 0n) throw new Error(`an entry sums to ${sum}: ${draft.kind} after ${head.number}`);
  return {
    number: head.number + 1,
    at: Math.max(now, head.at),
    kind: draft.kind,
    prev: head.hash,
    source: draft.source,
    postings: postings.map(([account, micro]) => [account, micro.toString()]),
    grants: draft.grants.map((grant) => ({
      ...grant,
      micro: grant.micro.toString(),
      fee: grant.fee.toString(),
    })),
    pending: draft.pending.map(({ accountId, hostId, jobId, teamId, day, micro }) => [
      accountId,
      hostId,
      jobId,
      teamId,
      day,
      micro.toString(),
    ]),
  };
}

export const least = (a: bigint, b: bigint): bigint => {
  if (a < b) return a;
  return b;
};

/**
 * The ledger as the store keeps it: balances, pending credit, standings, and the entries that are not
 * yet in the files of its history. Everything changes by `post` alone, one entry at a time, so whoever
 * read the head first and posts upon it knows that nothing changed in between.
 */
import type { AccountId, JobId } from '../../protocol/ids.ts';
import { type EntryLine, noHash } from '../../protocol/ledger.ts';
import type { Bucket, Holder, LedgerAccount, LedgerHead, PendingChange } from '../domain/ledger.ts';
import type { StandingChange, StandingKind } from '../domain/standing.ts';
import {
  type Address,
  type Place,
  type SegmentEnds,
  segmentName,
  startOfHistory,
} from './history.ts';

/** One entry, and all that follows from it. */
export type LedgerStep = {
  /** Upon which entry it was decided. */
  head: LedgerHead;
  /** The entry that it adds, its bytes, and their SHA-256. */
  entry: EntryLine;
  line: string;
  hash: string;
  postings: ReadonlyMap<LedgerAccount, bigint>;
  pending: readonly PendingChange[];
  standings: readonly StandingChange[];
  allowed: AccountId | null;
  owed: ReadonlyMap<AccountId, bigint>;
};

/** A row of the standings. `recent` is as domain/standing.ts stores it. */
export type StandingRow = {
  id: string;
  creditMicro: bigint;
  recent: number | null;
  units: number;
};
export type StandingOrder = 'total' | 'recent';

/**
 * How far the files of the history go; what is behind it may be gone from Redis. `term` counts how often somebody
 * made the history theirs to write (store/history.ts); grids of before that have none.
 */
export type ArchiveMark = { number: number; entries: Place; receipts: Place; term?: number };
export const firstMark: ArchiveMark = {
  number: 0,
  entries: startOfHistory,
  receipts: startOfHistory,
};

/** The mark as it is for whoever writes from now on, in files that nobody has written to; and how those end that are left. */
export function nextTerm(from: ArchiveMark): { to: ArchiveMark; ends: [string, number][] } {
  const { number, entries, receipts, term = 0 } = from;
  const next = ({ segment }: Place) => ({ segment: segment + 1, bytes: 0 });
  if (number === 0 && term === 0) return { to: { ...firstMark, term: 1 }, ends: [] };
  return {
    to: { number, entries: next(entries), receipts: next(receipts), term: term + 1 },
    ends: [
      [segmentName('entries', entries.segment), entries.bytes],
      [segmentName('receipts', receipts.segment), receipts.bytes],
    ],
  };
}

/** An account's last receipt: what the next one has to name, and where it is. */
export type ReceiptTail = { number: number; hash: string; address: Address };

export const firstHead: LedgerHead = { number: 0, hash: noHash, at: 0 };

/** Each bucket that stays is in one of a day's pages; where the next one begins is null after the last. */
export type PendingPage = { buckets: PendingChange[]; next: string | null };

export interface LedgerStore {
  head(): Promise<LedgerHead>;
  /** The last outbox record of the partition that the ledger has applied. */
  watermark(partition: number): Promise<number>;
  /** False when another entry came first. Throws `Overdrawn` when an account has not got that much. */
  post(step: LedgerStep): Promise<boolean>;

  /** Zero for an account that nothing was ever posted to. */
  balances<Names extends readonly LedgerAccount[]>(
    accounts: Names,
  ): Promise<{ [name in keyof Names]: bigint }>;
  /** Every account that is not at zero, as it stands after the entry of the head. */
  allBalances(): Promise<{ head: LedgerHead; balances: Map<LedgerAccount, bigint> }>;

  /** Jobs whose escrow is not empty. */
  escrows(): Promise<JobId[]>;
  isAllowed(accountId: AccountId): Promise<boolean>;
  /** What bad debt has paid for an account, and was not paid back. */
  owed(accountId: AccountId): Promise<bigint>;
  /** What the mint gave for curated jobs on a day, less what it got back. */
  minted(day: number): Promise<bigint>;

  /** Days with pending credit, oldest first. */
  pendingDays(): Promise<number[]>;
  /** Some of what is pending of a day, from where the last page ended ('' at first). */
  pendingPage(day: number, from: string): Promise<PendingPage>;
  /** What a host has pending in a job, by team and day. */
  pendingOfHost(holder: Holder, days: readonly number[]): Promise<PendingChange[]>;

  /** Entries that Redis still has. */
  readEntries(afterNumber: number, max: number): Promise<{ number: number; line: string }[]>;
  archived(): Promise<ArchiveMark>;
  /** Makes the history the caller's to write, from a mark on. Null when it stands elsewhere, or another has begun a term. */
  beginTerm(from: ArchiveMark): Promise<ArchiveMark | null>;
  segmentEnds(): Promise<SegmentEnds>;
  /**
   * Moves the mark on, with the receipts that were made, and lets go of the entries up to it. False when it stands
   * elsewhere, or somebody else has begun a term: then nothing happened.
   */
  moveArchive(
    from: ArchiveMark,
    to: ArchiveMark,
    tails: ReadonlyMap<AccountId, ReceiptTail>,
  ): Promise<boolean>;
  /** Of those that have any. */
  receiptTails(accountIds: readonly AccountId[]): Promise<Map<AccountId, ReceiptTail>>;

  /** Best first. */
  standings(
    kind: StandingKind,
    order: StandingOrder,
    from: number,
    max: number,
  ): Promise<StandingRow[]>;
  /** Of those that have units, in the order asked for. */
  standingsOf(kind: StandingKind, ids: readonly string[]): Promise<StandingRow[]>;
  /** Null when it has no units. */
  standing(kind: StandingKind, id: string): Promise<StandingRow | null>;
  /** Takes its row away. What it was stays in the entries. */
  forgetStanding(kind: StandingKind, id: string): Promise<void>;
  /** Counted from 1; null when it is not in the standings. */
  rank(kind: StandingKind, order: StandingOrder, id: string): Promise<number | null>;
  /** What was earned on each of the days, as far as they are kept. */
  earnedByDay(kind: StandingKind, id: string, days: readonly number[]): Promise<bigint[]>;
}

/** A posting would bring an account below zero. Nothing was written. */
export class Overdrawn extends Error {
  readonly account: LedgerAccount;

  constructor(account: LedgerAccount) {
    super(`${account} has not got that much`);
    this.account = account;
  }
}

/** Days that standings are kept of by day: a month, for charts. The files of the history have them all. */
export const daysKept = 31;

/** What the fields of all its buckets begin with. */
export const holderPrefix = ({ accountId, hostId, jobId }: Holder): string =>
  `${hostId} ${jobId} ${accountId} `;

export const bucketField = (bucket: Bucket): string =>
  `${holderPrefix(bucket)}${bucket.teamId ?? '-'}`;

export function parseBucket(field: string, day: number): Bucket {
  const [hostId = '', jobId = '', accountId = '', team = ''] = field.split(' ');
  return { accountId, hostId, jobId, teamId: team === '-' ? null : team, day };
}

/** What the mint gives by an entry for curated jobs. An allowance is not of its daily budget. */
export function mintedBy({ kind, postings }: EntryLine): bigint {
  if (kind !== 'award') return 0n;
  return -BigInt(postings.find(([account]) => account === 'mint')?.[1] ?? 0);
}

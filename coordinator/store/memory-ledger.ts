/** The ledger in memory: a second reading of what post-entry.lua does. */
import type { AccountId, JobId } from '../../protocol/ids.ts';
import { dayOf } from '../domain/day.ts';
import {
  type Holder,
  type LedgerAccount,
  type LedgerHead,
  mayBeNegative,
  type PendingChange,
} from '../domain/ledger.ts';
import { addRecent, type StandingChange, type StandingKind } from '../domain/standing.ts';
import type { SegmentEnds } from './history.ts';
import {
  type ArchiveMark,
  bucketField,
  daysKept,
  firstHead,
  firstMark,
  holderPrefix,
  type LedgerStep,
  type LedgerStore,
  mintedBy,
  nextTerm,
  Overdrawn,
  type PendingPage,
  parseBucket,
  type ReceiptTail,
  type StandingOrder,
  type StandingRow,
} from './ledger-store.ts';

export class MemoryLedger implements LedgerStore {
  private lastEntry: LedgerHead = firstHead;
  private lines: { number: number; line: string }[] = [];
  private archive: ArchiveMark = firstMark;
  private readonly ends = new Map<string, number>();
  private readonly receipts = new Map<AccountId, ReceiptTail>();
  private readonly watermarks = new Map<number, number>();
  private readonly accounts = new Map<LedgerAccount, bigint>();
  private readonly pending = new Map<number, Map<string, bigint>>();
  private readonly rows = new Map<StandingKind, Map<string, StandingRow>>();
  private readonly days = new Map<string, bigint>();
  private readonly allowed = new Set<AccountId>();
  private readonly owing = new Map<AccountId, bigint>();
  private readonly mintedOn = new Map<number, bigint>();

  async head(): Promise<LedgerHead> {
    return this.lastEntry;
  }

  async watermark(partition: number): Promise<number> {
    return this.watermarks.get(partition) ?? 0;
  }

  async post({ head, entry, line, hash, ...changes }: LedgerStep): Promise<boolean> {
    if (head.number !== this.lastEntry.number) return false;
    for (const [account, micro] of changes.postings) {
      const after = (this.accounts.get(account) ?? 0n) + micro;
      if (micro < 0n && after < 0n && !mayBeNegative(account)) throw new Overdrawn(account);
    }
    for (const [account, micro] of changes.postings) addTo(this.accounts, account, micro);
    if (changes.allowed !== null) this.allowed.add(changes.allowed);
    for (const [accountId, micro] of changes.owed) addTo(this.owing, accountId, micro);
    addTo(this.mintedOn, dayOf(entry.at), mintedBy(entry));
    this.lastEntry = { number: entry.number, hash, at: entry.at };
    this.lines.push({ number: entry.number, line });
    if (entry.source !== null) this.watermarks.set(entry.source.partition, entry.source.to);
    for (const change of changes.pending) {
      const ofDay = this.pending.get(change.day) ?? new Map<string, bigint>();
      addTo(ofDay, bucketField(change), change.micro);
      if (ofDay.size > 0) this.pending.set(change.day, ofDay);
      else this.pending.delete(change.day);
    }
    for (const change of changes.standings) this.stand(change, dayOf(entry.at));
    return true;
  }

  async balances<Names extends readonly LedgerAccount[]>(
    accounts: Names,
  ): Promise<{ [name in keyof Names]: bigint }> {
    const found = accounts.map((account) => this.accounts.get(account) ?? 0n);
    return found as { [name in keyof Names]: bigint };
  }

  async allBalances(): Promise<{ head: LedgerHead; balances: Map<LedgerAccount, bigint> }> {
    return { head: this.lastEntry, balances: new Map(this.accounts) };
  }

  async escrows(): Promise<JobId[]> {
    const names = [...this.accounts.keys()].filter((account) => account.startsWith('escrow:'));
    return names.map((account) => account.slice('escrow:'.length));
  }

  async isAllowed(accountId: AccountId): Promise<boolean> {
    return this.allowed.has(accountId);
  }

  async owed(accountId: AccountId): Promise<bigint> {
    return this.owing.get(accountId) ?? 0n;
  }

  async minted(day: number): Promise<bigint> {
    return this.mintedOn.get(day) ?? 0n;
  }

  async pendingDays(): Promise<number[]> {
    return [...this.pending.keys()].sort((a, b) => a - b);
  }

  async pendingPage(day: number): Promise<PendingPage> {
    const fields = [...(this.pending.get(day) ?? [])];
    const buckets = fields.map(([field, micro]) => ({ ...parseBucket(field, day), micro }));
    return { buckets, next: null };
  }

  async pendingOfHost(holder: Holder, days: readonly number[]): Promise<PendingChange[]> {
    return days.flatMap((day) =>
      [...(this.pending.get(day) ?? [])]
        .filter(([field]) => field.startsWith(holderPrefix(holder)))
        .map(([field, micro]) => ({ ...parseBucket(field, day), micro })),
    );
  }

  async readEntries(afterNumber: number, max: number): Promise<{ number: number; line: string }[]> {
    return this.lines.filter(({ number }) => number > afterNumber).slice(0, max);
  }

  async archived(): Promise<ArchiveMark> {
    return this.archive;
  }

  async beginTerm(from: ArchiveMark): Promise<ArchiveMark | null> {
    if (!this.isMark(from)) return null;
    const { to, ends } = nextTerm(from);
    for (const [name, bytes] of ends) this.ends.set(name, bytes);
    this.archive = to;
    return to;
  }

  async segmentEnds(): Promise<SegmentEnds> {
    return new Map(this.ends);
  }

  async moveArchive(
    from: ArchiveMark,
    to: ArchiveMark,
    tails: ReadonlyMap<AccountId, ReceiptTail>,
  ): Promise<boolean> {
    if (!this.isMark(from)) return false;
    this.archive = to;
    this.lines = this.lines.filter(({ number }) => number > to.number);
    for (const [accountId, tail] of tails) this.receipts.set(accountId, tail);
    return true;
  }

  private isMark({ number, term = 0 }: ArchiveMark): boolean {
    return this.archive.number === number && (this.archive.term ?? 0) === term;
  }

  async receiptTails(accountIds: readonly AccountId[]): Promise<Map<AccountId, ReceiptTail>> {
    return new Map([...this.receipts].filter(([accountId]) => accountIds.includes(accountId)));
  }

  async standings(
    kind: StandingKind,
    order: StandingOrder,
    from: number,
    max: number,
  ): Promise<StandingRow[]> {
    return this.ordered(kind, order).slice(from, from + max);
  }

  async standingsOf(kind: StandingKind, ids: readonly string[]): Promise<StandingRow[]> {
    const rows = ids.flatMap((id) => this.rows.get(kind)?.get(id) ?? []);
    return rows.filter(({ units }) => units > 0);
  }

  async standing(kind: StandingKind, id: string): Promise<StandingRow | null> {
    return (await this.standingsOf(kind, [id]))[0] ?? null;
  }

  async forgetStanding(kind: StandingKind, id: string): Promise<void> {
    this.rows.get(kind)?.delete(id);
  }

  async rank(kind: StandingKind, order: StandingOrder, id: string): Promise<number | null> {
    const at = this.ordered(kind, order).findIndex((row) => row.id === id);
    return at < 0 ? null : at + 1;
  }

  async earnedByDay(kind: StandingKind, id: string, days: readonly number[]): Promise<bigint[]> {
    return days.map((day) => this.days.get(`${kind} ${day} ${id}`) ?? 0n);
  }

  private stand({ kind, id, day, micro, units, recentMicro }: StandingChange, today: number): void {
    const rows = this.rows.get(kind) ?? new Map<string, StandingRow>();
    this.rows.set(kind, rows);
    const row = rows.get(id) ?? { id, creditMicro: 0n, recent: null, units: 0 };
    const after = {
      id,
      creditMicro: row.creditMicro + micro,
      recent: addRecent(row.recent, Number(recentMicro), day),
      units: row.units + units,
    };
    if (after.units === 0) rows.delete(id);
    else rows.set(id, after);
    if (today - day < daysKept) addTo(this.days, `${kind} ${day} ${id}`, micro);
  }

  private ordered(kind: StandingKind, order: StandingOrder): StandingRow[] {
    const rows = [...(this.rows.get(kind)?.values() ?? [])];
    const value = ({ creditMicro, recent }: StandingRow) =>
      order === 'total' ? Number(creditMicro) : recent;
    return rows
      .filter((row) => value(row) !== null)
      .sort((a, b) => Number(value(b)) - Number(value(a)) || (a.id < b.id ? 1 : -1));
  }
}

function addTo<Key>(sums: Map<Key, bigint>, key: Key, micro: bigint): void {
  const sum = (sums.get(key) ?? 0n) + micro;
  if (sum === 0n) sums.delete(key);
  else sums.set(key, sum);
}

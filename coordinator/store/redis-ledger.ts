/** The ledger over Redis: all of it in the slot {ledger}, every change one run of post-entry.lua. */
import type { AccountId, JobId } from '../../protocol/ids.ts';
import { dayOf } from '../domain/day.ts';
import {
  type Holder,
  type LedgerAccount,
  type LedgerHead,
  mayBeNegative,
  type PendingChange,
} from '../domain/ledger.ts';
import { type StandingChange, type StandingKind, weightOfDay } from '../domain/standing.ts';
import type { SegmentEnds } from './history.ts';
import { keys } from './keys.ts';
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
import { RedisPart } from './redis-part.ts';
import { Script, type ScriptArg } from './script.ts';

const postEntry = new Script('post-entry');
const beginTerm = new Script('begin-term');
const moveArchive = new Script('move-archive');
const ledgerSnapshot = new Script('ledger-snapshot');
const forgetStanding = new Script('forget-standing');
const secondsPerDay = 86_400;
/** An entry of these is some 50 KB, and a millisecond of Redis. */
const bucketsPerPage = 500;

export class RedisLedger extends RedisPart implements LedgerStore {
  async head(): Promise<LedgerHead> {
    const fields = await this.step((redis) => redis.hmget(keys.ledgerHead, 'number', 'hash', 'at'));
    return readHead(fields);
  }

  async watermark(partition: number): Promise<number> {
    return Number(await this.step((redis) => redis.hget(keys.watermarks, source(partition))));
  }

  async post({ head, entry, line, hash, ...changes }: LedgerStep): Promise<boolean> {
    const named = [
      keys.ledgerHead,
      keys.balances,
      keys.entries,
      keys.watermarks,
      keys.pendingDays,
      keys.escrows,
      keys.allowed,
      keys.minted,
      keys.owed,
    ];
    const postings = [...changes.postings];
    const pending = groupBy(changes.pending, ({ day }) => `${day}`);
    const standings = groupBy(changes.standings, ({ kind, day }) => `${kind} ${day}`);
    const args: ScriptArg[] = [
      head.number,
      entry.number,
      entry.at,
      hash,
      line,
      entry.source === null ? '' : source(entry.source.partition),
      entry.source?.to ?? '',
      changes.allowed ?? '',
      dayOf(entry.at),
      mintedBy(entry).toString(),
      postings.length,
      pending.length,
      standings.length,
      changes.owed.size,
    ];
    for (const [account, micro] of postings) {
      args.push(account, micro.toString(), mayBeNegative(account) ? 1 : 0);
    }
    for (const [accountId, micro] of changes.owed) args.push(accountId, micro.toString());
    for (const group of pending) pushPending(named, args, group);
    for (const group of standings) pushStandings(named, args, group, dayOf(entry.at));
    const reply = await this.run(postEntry, named, args);
    if (reply === 'posted') return true;
    if (reply === 'stale') return false;
    throw new Overdrawn(String(reply));
  }

  async balances<Names extends readonly LedgerAccount[]>(
    accounts: Names,
  ): Promise<{ [name in keyof Names]: bigint }> {
    const found =
      accounts.length === 0
        ? []
        : await this.step((redis) => redis.hmget(keys.balances, ...accounts));
    return found.map((micro) => BigInt(micro ?? 0)) as { [name in keyof Names]: bigint };
  }

  async allBalances(): Promise<{ head: LedgerHead; balances: Map<LedgerAccount, bigint> }> {
    const reply = await this.run(ledgerSnapshot, [keys.ledgerHead, keys.balances], []);
    const [fields, flat] = reply as [(string | null)[], string[]];
    const balances = new Map<LedgerAccount, bigint>();
    for (let i = 0; i + 1 < flat.length; i += 2) {
      balances.set(flat[i] ?? '', BigInt(flat[i + 1] ?? 0));
    }
    return { head: readHead(fields), balances };
  }

  async escrows(): Promise<JobId[]> {
    return await this.step((redis) => redis.smembers(keys.escrows));
  }

  async isAllowed(accountId: AccountId): Promise<boolean> {
    return (await this.step((redis) => redis.sismember(keys.allowed, accountId))) === 1;
  }

  async owed(accountId: AccountId): Promise<bigint> {
    return BigInt((await this.step((redis) => redis.hget(keys.owed, accountId))) ?? 0);
  }

  async minted(day: number): Promise<bigint> {
    return BigInt((await this.step((redis) => redis.hget(keys.minted, `${day}`))) ?? 0);
  }

  async pendingDays(): Promise<number[]> {
    const days = await this.step((redis) => redis.zrange(keys.pendingDays, '0', '-1'));
    return days.map(Number);
  }

  async pendingPage(day: number, from: string): Promise<PendingPage> {
    const [next, flat] = await this.step((redis) =>
      redis.hscan(keys.pending(day), from === '' ? '0' : from, 'COUNT', bucketsPerPage),
    );
    // Each once: a scan may tell of one twice.
    const found = new Map<string, bigint>();
    for (let i = 0; i + 1 < flat.length; i += 2) {
      found.set(flat[i] ?? '', BigInt(flat[i + 1] ?? 0));
    }
    const buckets = [...found].map(([field, micro]) => ({ ...parseBucket(field, day), micro }));
    return { buckets, next: next === '0' ? null : next };
  }

  /** Looks through the days: revocations are rare, and a day has a line for each host and job. */
  async pendingOfHost(holder: Holder, days: readonly number[]): Promise<PendingChange[]> {
    const found = new Map<string, PendingChange>();
    for (const day of days) {
      let cursor = '0';
      do {
        const [next, flat] = await this.step((redis) =>
          redis.hscan(
            keys.pending(day),
            cursor,
            'MATCH',
            `${holderPrefix(holder)}*`,
            'COUNT',
            1000,
          ),
        );
        cursor = next;
        for (let i = 0; i + 1 < flat.length; i += 2) {
          const bucket = parseBucket(flat[i] ?? '', day);
          found.set(`${day} ${flat[i]}`, { ...bucket, micro: BigInt(flat[i + 1] ?? 0) });
        }
      } while (cursor !== '0');
    }
    return [...found.values()];
  }

  async readEntries(afterNumber: number, max: number): Promise<{ number: number; line: string }[]> {
    const entries = await this.step((redis) =>
      redis.xrange(keys.entries, `${afterNumber + 1}-0`, '+', 'COUNT', max),
    );
    return entries.map(([id, fields]) => ({
      number: Number(id.split('-')[0]),
      line: fields[1] ?? '',
    }));
  }

  async archived(): Promise<ArchiveMark> {
    const text = await this.step((redis) => redis.hget(keys.archive, 'mark'));
    return text === null ? firstMark : (JSON.parse(text) as ArchiveMark);
  }

  async beginTerm(from: ArchiveMark): Promise<ArchiveMark | null> {
    const { to, ends } = nextTerm(from);
    const { number, term = 0 } = from;
    const args: ScriptArg[] = [number, term, to.term ?? 0, JSON.stringify(to)];
    for (const [name, bytes] of ends) args.push(`end ${name}`, bytes);
    return (await this.run(beginTerm, [keys.archive], args)) === 1 ? to : null;
  }

  async segmentEnds(): Promise<SegmentEnds> {
    const fields = await this.step((redis) => redis.hgetall(keys.archive));
    const ends = Object.entries(fields).filter(([field]) => field.startsWith('end '));
    return new Map(ends.map(([field, bytes]) => [field.slice('end '.length), Number(bytes)]));
  }

  async moveArchive(
    { number, term = 0 }: ArchiveMark,
    to: ArchiveMark,
    tails: ReadonlyMap<AccountId, ReceiptTail>,
  ): Promise<boolean> {
    const args: ScriptArg[] = [number, term, to.number, JSON.stringify(to), tails.size];
    for (const [accountId, tail] of tails) args.push(accountId, JSON.stringify(tail));
    const keysOf = [keys.archive, keys.entries, keys.receipts];
    return (await this.run(moveArchive, keysOf, args)) === 1;
  }

  async receiptTails(accountIds: readonly AccountId[]): Promise<Map<AccountId, ReceiptTail>> {
    if (accountIds.length === 0) return new Map();
    const found = await this.step((redis) => redis.hmget(keys.receipts, ...accountIds));
    const tails = new Map<AccountId, ReceiptTail>();
    for (const [i, accountId] of accountIds.entries()) {
      const text = found[i] ?? null;
      if (text !== null) tails.set(accountId, JSON.parse(text) as ReceiptTail);
    }
    return tails;
  }

  async standings(
    kind: StandingKind,
    order: StandingOrder,
    from: number,
    max: number,
  ): Promise<StandingRow[]> {
    const key = order === 'total' ? keys.total(kind) : keys.recent(kind);
    const ids = await this.step((redis) => redis.zrevrange(key, from, from + max - 1));
    return await this.rows(kind, ids);
  }

  async standingsOf(kind: StandingKind, ids: readonly string[]): Promise<StandingRow[]> {
    return (await this.rows(kind, ids)).filter(({ units }) => units > 0);
  }

  async standing(kind: StandingKind, id: string): Promise<StandingRow | null> {
    return (await this.standingsOf(kind, [id]))[0] ?? null;
  }

  async rank(kind: StandingKind, order: StandingOrder, id: string): Promise<number | null> {
    const key = order === 'total' ? keys.total(kind) : keys.recent(kind);
    const rank = await this.step((redis) => redis.zrevrank(key, id));
    return rank === null ? null : rank + 1;
  }

  async forgetStanding(kind: StandingKind, id: string): Promise<void> {
    const rows = [keys.earned(kind), keys.total(kind), keys.recent(kind), keys.unitsPaid(kind)];
    await this.run(forgetStanding, rows, [id]);
  }

  async earnedByDay(kind: StandingKind, id: string, days: readonly number[]): Promise<bigint[]> {
    const found = await Promise.all(
      days.map((day) => this.step((redis) => redis.hget(keys.earnedOn(kind, day), id))),
    );
    return found.map((micro) => BigInt(micro ?? 0));
  }

  private async rows(kind: StandingKind, ids: readonly string[]): Promise<StandingRow[]> {
    if (ids.length === 0) return [];
    // The zsets give the order only: as doubles they round beyond 2^53, `earned` does not.
    const [earned, recent, units] = await Promise.all([
      this.step((redis) => redis.hmget(keys.earned(kind), ...ids)),
      this.step((redis) => redis.zmscore(keys.recent(kind), ...ids)),
      this.step((redis) => redis.hmget(keys.unitsPaid(kind), ...ids)),
    ]);
    return ids.map((id, i) => {
      const found = recent[i] ?? null;
      return {
        id,
        creditMicro: BigInt(earned[i] ?? 0),
        recent: found === null ? null : Number(found),
        units: Number(units[i] ?? 0),
      };
    });
  }
}

const source = (partition: number): string => `g${partition}`;

const readHead = ([number, hash, at]: (string | null)[]): LedgerHead =>
  number === null || number === undefined
    ? firstHead
    : { number: Number(number), hash: hash ?? '', at: Number(at) };

function pushPending(named: string[], args: ScriptArg[], group: readonly PendingChange[]): void {
  const [{ day }] = group as [PendingChange];
  named.push(keys.pending(day));
  args.push(day, group.length);
  for (const change of group) args.push(bucketField(change), change.micro.toString());
}

function pushStandings(
  named: string[],
  args: ScriptArg[],
  group: readonly StandingChange[],
  today: number,
): void {
  const [{ kind, day }] = group as [StandingChange];
  named.push(keys.earned(kind), keys.total(kind), keys.recent(kind), keys.unitsPaid(kind));
  named.push(keys.earnedOn(kind, day));
  const keepSeconds = Math.max(0, (day + daysKept - today) * secondsPerDay);
  args.push(weightOfDay(day), keepSeconds, group.length);
  for (const { id, micro, units, recentMicro } of group) {
    args.push(id, micro.toString(), units, recentMicro.toString());
  }
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return [...groups.values()];
}

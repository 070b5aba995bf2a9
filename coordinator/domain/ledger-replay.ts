/**
 * The ledger replayed from its entries, by other code than the one that wrote it: whether each stands
 * upon the one before, sums to zero, overdraws nobody, pays no unit to an account twice, takes back only
 * what was given, follows the outboxes without a gap, and keeps the hold. Then the balances are what they
 * add up to. It needs some 40 bytes for each run of units that an account was paid for.
 */
import { type EntryLine, type LedgerEnd, noHash } from '../../protocol/ledger.ts';
import type { UnitRuns } from '../../protocol/messages.ts';
import { finalFrom } from './hold.ts';
import { mayBeNegative, pendingAccount } from './ledger.ts';
import { addRun, hasRun } from './unit-runs.ts';

/** Something in the ledger is not as it must be. */
export class LedgerFlaw extends Error {}

export class LedgerReplay {
  number = 0;
  hash = noHash;
  /** Units granted to accounts, less those revoked; not counting verdicts on others' results. */
  units = 0;
  private at = 0;
  private readonly balances = new Map<string, bigint>();
  private readonly pending = new Map<string, bigint>();
  private readonly watermarks = new Map<number, number>();
  private readonly granted = new Map<string, UnitRuns>();
  private readonly revoked = new Map<string, UnitRuns>();

  /** `hash` is the SHA-256 of the entry's line. Throws LedgerFlaw. */
  add(entry: EntryLine, hash: string): void {
    const { number, prev, at } = entry;
    this.check(number === this.number + 1, `it should be entry ${this.number + 1}`);
    this.number = number;
    this.check(prev === this.hash, 'it does not name the hash of the entry before');
    this.check(at >= this.at, 'its time is before that of the entry before');
    this.hash = hash;
    this.at = at;
    this.addSource(entry);
    this.addPostings(entry);
    for (const grant of entry.grants) this.addGrant(grant);
    this.addPending(entry);
  }

  /** Whether the accounts stand as they should after the last entry. Throws LedgerFlaw. */
  finish({ end }: LedgerEnd): void {
    this.check(end.number === this.number, `entry ${end.number} should be the last`);
    this.check(end.hash === this.hash, 'it does not have the hash that the last entry should have');
    const named = new Set([...this.balances.keys(), ...Object.keys(end.balances)]);
    for (const account of named) {
      const [is, adds] = [BigInt(end.balances[account] ?? 0), this.balances.get(account) ?? 0n];
      this.check(is === adds, `${account} has ${is}, and its postings add up to ${adds}`);
    }
  }

  private addSource({ source }: EntryLine): void {
    if (source === null) return;
    const { partition, from, to } = source;
    const expected = (this.watermarks.get(partition) ?? 0) + 1;
    const isNext = from === expected && to >= from;
    this.check(isNext, `it pays outbox record ${from} of partition ${partition}, not ${expected}`);
    this.watermarks.set(partition, to);
  }

  private addPostings({ postings }: EntryLine): void {
    let sum = 0n;
    for (const [account, micro] of postings) {
      const after = (this.balances.get(account) ?? 0n) + BigInt(micro);
      this.check(after >= 0n || mayBeNegative(account), `it brings ${account} to ${after}`);
      this.balances.set(account, after);
      sum += BigInt(micro);
    }
    this.check(sum === 0n, `it sums to ${sum}`);
  }

  private addGrant({
    kind,
    accountId,
    jobId,
    units,
    isVerdict,
  }: EntryLine['grants'][number]): void {
    if (isVerdict === true) return;
    const key = `${jobId} ${accountId}`;
    const granted = setOf(this.granted, key);
    const set = kind === 'grant' ? granted : setOf(this.revoked, key);
    for (const run of units) {
      const [from, count] = run;
      const isGranted = kind === 'grant' || hasRun(granted, run);
      this.check(isGranted, `it revokes units from ${from} of ${jobId}, which were never granted`);
      const twice = addRun(set, [from, count]);
      this.check(twice === null, `unit ${twice} of ${jobId}: a second ${kind} to ${accountId}`);
      this.units += kind === 'grant' ? count : -count;
    }
  }

  /** What is pending of each account is what its days add up to; it leaves by the end of the hold. */
  private addPending({ kind, at, pending, postings, grants }: EntryLine): void {
    const changes = new Map<string, bigint>();
    const given = new Map<string, bigint>();
    for (const [accountId, hostId, jobId, teamId, day, micro] of pending) {
      const key = `${hostId} ${jobId} ${teamId} ${day}`;
      const after = (this.pending.get(key) ?? 0n) + BigInt(micro);
      this.check(after >= 0n, `it takes more than is pending of ${hostId} in ${jobId}`);
      if (after === 0n) this.pending.delete(key);
      else this.pending.set(key, after);
      const account = pendingAccount(accountId);
      changes.set(account, (changes.get(account) ?? 0n) + BigInt(micro));
      if (BigInt(micro) > 0n) given.set(account, (given.get(account) ?? 0n) + BigInt(micro));
      this.check(
        kind !== 'final' || finalFrom(day) <= at,
        `it ends a hold of day ${day} too early`,
      );
    }
    for (const [account, micro] of postings) {
      if (!account.endsWith(':pending')) continue;
      const change = changes.get(account) ?? 0n;
      this.check(change === BigInt(micro), `${account} gets ${micro}, its days ${change}`);
    }
    for (const { kind, accountId, micro } of grants) {
      const account = pendingAccount(accountId);
      if (kind === 'grant') given.set(account, (given.get(account) ?? 0n) - BigInt(micro));
    }
    for (const [account, rest] of given) {
      this.check(rest === 0n, `${account} gets ${rest} more than it was granted`);
    }
  }

  private check(holds: boolean, text: string): void {
    if (!holds) throw new LedgerFlaw(`entry ${this.number}: ${text}`);
  }
}

function setOf(sets: Map<string, UnitRuns>, key: string): UnitRuns {
  const set = sets.get(key) ?? [];
  sets.set(key, set);
  return set;
}

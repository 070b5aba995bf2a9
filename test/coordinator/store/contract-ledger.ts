/** What every store promises of the ledger: entries upon each other that sum to zero, and pending credit by day. */
import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { dayMs, dayOf } from '../../../coordinator/domain/day.ts';
import {
  type EntryDraft,
  emptyDraft,
  entryLine,
  type LedgerHead,
  lend,
  move,
} from '../../../coordinator/domain/ledger.ts';
import { splitShard } from '../../../coordinator/domain/shard.ts';
import { stranger } from '../../../coordinator/domain/trust/reliability.ts';
import { finaliseCredit } from '../../../coordinator/flow/finalise-credit.ts';
import { type LedgerStep, Overdrawn } from '../../../coordinator/store/ledger-store.ts';
import { marksOf } from '../../../coordinator/store/trust-store.ts';
import { accountId, aJob, hostId } from '../builders.ts';
import {
  anAppend,
  aPayment,
  applied,
  gridFacts,
  jobIdIn,
  type OpenStore,
  paid,
  revoked,
  withStore,
} from './arrange.ts';

const now = gridFacts.createdAt;
const today = dayOf(now);

function stepOf(draft: EntryDraft, head: LedgerHead): LedgerStep {
  const entry = entryLine(draft, head, now);
  const line = JSON.stringify(entry);
  const hash = createHash('sha256').update(line).digest('hex');
  return { ...draft, head, entry, line, hash };
}

function transfer(from: string, to: string, micro: bigint): EntryDraft {
  const draft = emptyDraft('final');
  move(draft, from, to, micro);
  return draft;
}

export function ledgerContract(open: OpenStore): void {
  entryContract(open);
  pendingContract(open);
}

function entryContract(open: OpenStore): void {
  it(
    'an entry is added upon the one it was made for, or not at all',
    withStore(open, async ({ ledger }) => {
      const first = stepOf(transfer('mint', 'fee', 5n), await ledger.head());
      expect(await ledger.post(first)).toBe(true);
      expect(await ledger.post(first)).toBe(false);
      expect(await ledger.head()).toEqual({ number: 1, hash: first.hash, at: now });
      expect(await ledger.readEntries(0, 9)).toEqual([{ number: 1, line: first.line }]);
      expect(await ledger.balances(['mint', 'fee', 'baddebt'])).toEqual([-5n, 5n, 0n]);
    }),
  );

  it(
    'what bad debt has lent an account is known until it is paid back',
    withStore(open, async ({ ledger }) => {
      const debtor = accountId(1);
      for (const [micro, owed] of [
        [7n, 7n],
        [-3n, 4n],
        [-4n, 0n],
      ] as const) {
        const draft = emptyDraft('award');
        lend(draft, debtor, 'fee', micro);
        await ledger.post(stepOf(draft, await ledger.head()));
        expect(await ledger.owed(debtor)).toBe(owed);
        expect(await ledger.balances(['baddebt'])).toEqual([-owed]);
      }
    }),
  );

  it(
    '[C1] no account but mint and baddebt goes below zero, to the last microcredit that 64 bits hold',
    withStore(open, async ({ ledger }) => {
      const most = 2n ** 62n + 1n;
      const post = async (draft: EntryDraft) => ledger.post(stepOf(draft, await ledger.head()));
      await post(transfer('mint', 'fee', most));
      await expect(post(transfer('fee', 'escrow:j1', most + 1n))).rejects.toThrow(Overdrawn);
      await expect(post(transfer('escrow:j1', 'fee', 1n))).rejects.toThrow(/escrow:j1/);
      expect((await ledger.head()).number).toBe(1);
      await post(transfer('fee', 'escrow:j1', most));
      await post(transfer('baddebt', 'fee', 7n));
      expect(Object.fromEntries((await ledger.allBalances()).balances)).toEqual({
        mint: -most,
        'escrow:j1': most,
        baddebt: -7n,
        fee: 7n,
      });
    }),
  );

  it(
    'entries bear a time that never runs backwards, whatever the clock says',
    withStore(open, async (store) => {
      await paid(store, 0, [[aPayment(1, 1, [[0, 1]])]]);
      await applied(store, 0, now);
      await paid(store, 0, [[aPayment(1, 1, [[0, 1]])]], 1);
      await applied(store, 0, now - 2 * dayMs);
      expect(await store.ledger.head()).toMatchObject({ number: 2, at: now });
      expect(await store.ledger.pendingDays()).toEqual([today]);
    }),
  );

  it(
    'entries in the files of the history leave Redis, and nothing else does',
    withStore(open, async ({ ledger }) => {
      for (const micro of [1n, 2n, 3n]) {
        await ledger.post(stepOf(transfer('mint', 'fee', micro), await ledger.head()));
      }
      expect((await ledger.archived()).number).toBe(0);
      const place = { segment: 1, bytes: 99 };
      const [first, mark] = [
        await ledger.archived(),
        { number: 2, entries: place, receipts: place, term: 0 },
      ];
      const tail = { number: 1, hash: 'x', address: { segment: 1, offset: 0, bytes: 99 } };
      const tails = new Map([[accountId(1), tail]]);
      expect(await ledger.moveArchive(first, mark, tails)).toBe(true);
      expect(await ledger.moveArchive(first, { ...mark, number: 3 }, new Map())).toBe(false);
      expect(await ledger.archived()).toEqual(mark);
      expect(await ledger.receiptTails([accountId(1), accountId(2)])).toEqual(tails);
      expect((await ledger.readEntries(0, 9)).map(({ number }) => number)).toEqual([3]);
      expect(await ledger.balances(['fee'])).toEqual([6n]);
    }),
  );

  it(
    'whoever begins a term writes into files of its own, and whoever had one before moves nothing',
    withStore(open, async ({ ledger }) => {
      const first = await ledger.beginTerm(await ledger.archived());
      if (first === null) throw new Error('nobody else begins one');
      expect(first.entries).toEqual({ segment: 1, bytes: 0 });
      const moved = { ...first, number: 2, entries: { segment: 1, bytes: 70 } };
      expect(await ledger.moveArchive(first, moved, new Map())).toBe(true);
      const second = await ledger.beginTerm(moved);
      expect(second?.entries).toEqual({ segment: 2, bytes: 0 });
      expect(second?.number).toBe(2);
      expect((await ledger.segmentEnds()).get('entries 1')).toBe(70);
      expect(await ledger.beginTerm(moved)).toBeNull();
      expect(await ledger.moveArchive(moved, { ...moved, number: 3 }, new Map())).toBe(false);
      expect(await ledger.archived()).toEqual(second);
    }),
  );
}

function pendingContract(open: OpenStore): void {
  it(
    '[C3] credit is pending by host, job and day until its hold is over, then available',
    withStore(open, async (store) => {
      const { ledger } = store;
      const { jobId } = await paid(store, 0, [
        [aPayment(1, 5, [[0, 1]]), aPayment(2, 9, [[1, 1]])],
      ]);
      await applied(store, 0, now);
      await paid(store, 0, [[aPayment(1, 20, [[0, 1]])]], 1);
      await applied(store, 0, now + dayMs);
      expect(await ledger.pendingDays()).toEqual([today, today + 1]);
      const bucket = { accountId: accountId(1), hostId: hostId(1), jobId };
      expect(await ledger.pendingOfHost(bucket, [today, today + 1])).toEqual([
        { ...bucket, teamId: null, day: today, micro: 5n },
      ]);
      const held = await ledger.pendingPage(today, '');
      expect(held.next).toBeNull();
      expect(held.buckets.map(({ micro }) => micro).sort()).toEqual([5n, 9n]);

      const finalise = (at: number) => finaliseCredit({ store, now: () => at });
      expect(await finalise((today + 31) * dayMs - 1)).toEqual(new Set());
      expect(await finalise((today + 31) * dayMs)).toEqual(new Set([accountId(1), accountId(2)]));
      expect(await finalise((today + 31) * dayMs)).toEqual(new Set());
      const { balances } = await ledger.allBalances();
      expect(Object.fromEntries(balances)).toEqual({
        mint: -34n,
        [`volunteer:${accountId(1)}:available`]: 5n,
        [`volunteer:${accountId(1)}:pending`]: 20n,
        [`volunteer:${accountId(2)}:available`]: 9n,
      });
      expect(await ledger.pendingDays()).toEqual([today + 1]);
    }),
  );

  it(
    '[C3] credit of a mature account is available after a week, once it has made ten thousand results since',
    withStore(open, async (store) => {
      const { ledger, trust } = store;
      await paid(store, 0, [[aPayment(1, 5, [[0, 1]]), aPayment(2, 9, [[1, 1]])]]);
      await applied(store, 0, now);
      const known = { ...stranger(now), lastSeenAt: now + 8 * dayMs };
      await trust.write(0, [
        { table: 'accounts', field: accountId(1), value: { ...known, results: 10_400 } },
        { table: 'accounts', field: accountId(2), value: { ...known, results: 10_399 } },
        // One worked on that day, the other on the day after: since when is reckoned from that.
        { table: marksOf(today), field: accountId(1), value: 400 },
        { table: marksOf(today + 1), field: accountId(2), value: 400 },
      ]);
      const finalise = (at: number) => finaliseCredit({ store, now: () => at });
      expect(await finalise((today + 8) * dayMs - 1)).toEqual(new Set());
      expect(await finalise((today + 8) * dayMs)).toEqual(new Set([accountId(1)]));
      expect(await finalise((today + 31) * dayMs - 1)).toEqual(new Set());
      expect(await finalise((today + 31) * dayMs)).toEqual(new Set([accountId(2)]));
      expect(await ledger.pendingDays()).toEqual([]);
    }),
  );

  it(
    '[C3] what is revoked goes back to who paid it, and the standings forget it',
    withStore(open, async (store) => {
      const { ledger } = store;
      const payment = aPayment(1, 5, [[0, 3]]);
      const lie = aPayment(2, 9, [[3, 1]]);
      await paid(store, 0, [[payment, lie], [revoked(lie)]]);
      await applied(store, 0);
      expect(await ledger.balances(['mint'])).toEqual([-5n]);
      expect(await ledger.standing('volunteer', accountId(2))).toBeNull();
      expect(await ledger.rank('volunteer', 'recent', accountId(2))).toBeNull();
      expect(await ledger.earnedByDay('volunteer', accountId(2), [today])).toEqual([0n]);
      expect((await ledger.standings('volunteer', 'total', 0, 9)).map(({ id }) => id)).toEqual([
        accountId(1),
      ]);
    }),
  );

  it(
    '[C3] what is revoked after it was final comes from what is available, and the rest is bad debt',
    withStore(open, async (store) => {
      const { ledger } = store;
      const lie = aPayment(1, 9, [[3, 1]]);
      await paid(store, 0, [[lie]]);
      await applied(store, 0);
      await finaliseCredit({ store, now: () => now + 32 * dayMs });
      const spent = transfer(`volunteer:${accountId(1)}:available`, 'fee', 6n);
      await ledger.post(stepOf(spent, await ledger.head()));
      const { jobId } = aJob({ jobId: jobIdIn(0) });
      const shard = splitShard({ jobId, units: 1, unitsPerShard: 1 }, 0);
      await store.append(0, [anAppend(shard, 1, 'y', { pay: [revoked(lie)] })], 1);
      await applied(store, 0, now + 32 * dayMs);
      const { balances } = await ledger.allBalances();
      expect(Object.fromEntries(balances)).toEqual({ fee: 6n, baddebt: -6n });
      expect(await ledger.standing('host', hostId(1))).toBeNull();
    }),
  );
}

/**
 * What every store promises of the ledger: an outbox numbered without a gap and paid once in order;
 * entries upon each other that sum to zero; pending credit by day; standings that are a recount.
 */
import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import type { Payment } from '../../../coordinator/domain/award.ts';
import { dayMs, dayOf } from '../../../coordinator/domain/day.ts';
import type { JobFacts } from '../../../coordinator/domain/job.ts';
import {
  type EntryDraft,
  emptyDraft,
  entryLine,
  type LedgerHead,
  move,
} from '../../../coordinator/domain/ledger.ts';
import { splitShard } from '../../../coordinator/domain/shard.ts';
import { finaliseCredit } from '../../../coordinator/flow/finalise.ts';
import { type LedgerStep, Overdrawn } from '../../../coordinator/store/ledger-store.ts';
import type { Store } from '../../../coordinator/store/store.ts';
import { accountId, aJob, hostId } from '../builders.ts';
import {
  aHost,
  anAppend,
  aPayment,
  applied,
  gridFacts,
  jobIdIn,
  type OpenStore,
  withStore,
} from './arrange.ts';

const now = gridFacts.createdAt;
const today = dayOf(now);

/** Puts one outbox record for each list of payments into the partition. */
async function paid(
  store: Store,
  partition: number,
  lists: Payment[][],
  nth = 0,
): Promise<JobFacts> {
  const job = aJob({ jobId: jobIdIn(partition, nth), units: lists.length, unitsPerShard: 1 });
  await store.jobs.submit(job, true);
  for (const [number, payments] of lists.entries()) {
    const shard = splitShard(job, number);
    await store.openShard(job, shard);
    await store.append(partition, [anAppend(shard, 0, 'x', { canonical: 1, pay: payments })], 1);
  }
  return job;
}

const revoked = (payment: Payment): Payment => ({ ...payment, kind: 'revoke' });

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
  outboxContract(open);
  entryContract(open);
  pendingContract(open);
  standingContract(open);
}

function outboxContract(open: OpenStore): void {
  it(
    'each partition numbers its outbox from 1 without a gap; an append that pays nobody takes no number',
    withStore(open, async (store) => {
      const [one, two] = [
        aPayment(1, 5, [[0, 1]]),
        aPayment(2, 0, [
          [3, 2],
          [9, 1],
        ]),
      ];
      const { jobId } = await paid(store, 0, [[one], [], [one, revoked(two)], [two]]);
      const other = await paid(store, 1, [[two]]);
      expect(await store.readOutbox(0, 0, 10)).toEqual([
        { number: 1, jobId, isCheck: false, payments: [one] },
        { number: 2, jobId, isCheck: false, payments: [one, revoked(two)] },
        { number: 3, jobId, isCheck: false, payments: [two] },
      ]);
      expect(await store.readOutbox(0, 1, 1)).toHaveLength(1);
      expect(await store.readOutbox(1, 0, 10)).toEqual([
        { number: 1, jobId: other.jobId, isCheck: false, payments: [two] },
      ]);
      expect(await store.readOutbox(2, 0, 10)).toEqual([]);
    }),
  );

  it(
    '[C2] an outbox record is paid once, whoever applies it and how often',
    withStore(open, async (store) => {
      await paid(store, 0, [[aPayment(1, 5, [[0, 2]])], [aPayment(1, 6, [[2, 1]])]]);
      await Promise.all([1, 2, 3].map(() => applied(store, 0)));
      expect(await applied(store, 0)).toEqual(new Set());
      expect(await store.ledger.watermark(0)).toBe(2);
      expect(await store.ledger.standing('volunteer', accountId(1))).toMatchObject({
        creditMicro: 11n,
        units: 3,
      });
      expect((await store.ledger.head()).number).toBe(1);
    }),
  );

  it(
    '[C2] a unit that is in the outbox twice for one host stops the ledger, and nothing is paid',
    withStore(open, async (store) => {
      await paid(store, 0, [[aPayment(1, 5, [[0, 4]])], [aPayment(1, 6, [[3, 1]])]]);
      await expect(applied(store, 0)).rejects.toThrow(/unit 3 .* twice/);
      expect((await store.ledger.allBalances()).balances).toEqual(new Map());
    }),
  );

  it(
    'a record that is missing is an alarm: what comes after it is not paid',
    withStore(open, async (store) => {
      await paid(store, 0, [[aPayment(1, 5, [[0, 1]])], [aPayment(1, 6, [[1, 1]])]]);
      await store.trimOutbox(0, 1);
      await expect(applied(store, 0)).rejects.toThrow(/gap: record 1 is missing/);
      expect((await store.ledger.head()).number).toBe(0);
    }),
  );

  it(
    'partitions are paid apart from each other, into one account',
    withStore(open, async (store) => {
      for (const partition of [0, 1, 2]) {
        await paid(store, partition, [[aPayment(1, 10 ** partition, [[0, 1]])]]);
        await applied(store, partition);
        expect(await store.ledger.watermark(partition)).toBe(1);
      }
      const row = await store.ledger.standing('volunteer', accountId(1));
      expect(row).toMatchObject({ creditMicro: 111n, units: 3 });
    }),
  );

  it(
    'trimming takes away what is named and no more; numbers go on from where they were',
    withStore(open, async (store) => {
      const pay = [aPayment(1, 1, [[0, 1]])];
      const job = await paid(store, 0, [pay, pay, pay]);
      const numbers = async () => (await store.readOutbox(0, 0, 10)).map(({ number }) => number);
      await store.trimOutbox(0, 2);
      expect(await numbers()).toEqual([3]);
      await store.trimOutbox(0, 3);
      expect(await numbers()).toEqual([]);
      await store.append(0, [anAppend(splitShard(job, 0), 1, 'y', { pay })], 1);
      expect(await numbers()).toEqual([4]);
    }),
  );
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
      const mark = { number: 2, entries: place, receipts: place };
      const tail = { number: 1, hash: 'x', address: { segment: 1, offset: 0, bytes: 99 } };
      const tails = new Map([[accountId(1), tail]]);
      await ledger.moveArchive(0, mark, tails);
      await ledger.moveArchive(0, { ...mark, number: 3 }, new Map());
      expect(await ledger.archived()).toEqual(mark);
      expect(await ledger.receiptTails([accountId(1), accountId(2)])).toEqual(tails);
      expect((await ledger.readEntries(0, 9)).map(({ number }) => number)).toEqual([3]);
      expect(await ledger.balances(['fee'])).toEqual([6n]);
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
      const held = await ledger.pendingOfDay(today, 9);
      expect(held.map(({ micro }) => micro).sort()).toEqual([5n, 9n]);

      const finalise = (at: number) => finaliseCredit({ store, now: () => at });
      expect(await finalise((today + 8) * dayMs - 1)).toEqual(new Set());
      expect(await finalise((today + 8) * dayMs)).toEqual(new Set([accountId(1), accountId(2)]));
      expect(await finalise((today + 8) * dayMs)).toEqual(new Set());
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
      await finaliseCredit({ store, now: () => now + 30 * dayMs });
      const spent = transfer(`volunteer:${accountId(1)}:available`, 'fee', 6n);
      await ledger.post(stepOf(spent, await ledger.head()));
      const { jobId } = aJob({ jobId: jobIdIn(0) });
      const shard = splitShard({ jobId, units: 1, unitsPerShard: 1 }, 0);
      await store.append(0, [anAppend(shard, 1, 'y', { pay: [revoked(lie)] })], 1);
      await applied(store, 0, now + 30 * dayMs);
      const { balances } = await ledger.allBalances();
      expect(Object.fromEntries(balances)).toEqual({ fee: 6n, baddebt: -6n });
      expect(await ledger.standing('host', hostId(1))).toBeNull();
    }),
  );
}

function standingContract(open: OpenStore): void {
  it(
    '[C6] credit stays with the team where it was earned, and leaves it when it is revoked',
    withStore(open, async (store) => {
      const { ledger, accounts } = store;
      const team = (teamId: string, founder: number) =>
        accounts.foundTeam(
          { teamId, name: teamId, founder: accountId(founder), foundedAt: 1 },
          teamId,
          5,
        );
      await team('t1', 1);
      await team('t2', 2);
      const early = aPayment(1, 5, [[0, 1]]);
      await paid(store, 0, [[early, aPayment(2, 7, [[1, 1]]), aPayment(3, 9, [[2, 1]])]]);
      await applied(store, 0);
      await accounts.moveToTeam(accountId(1), 't2');
      const late = aPayment(1, 11, [[0, 1]]);
      const { jobId } = await paid(store, 0, [[late]], 1);
      await applied(store, 0);
      const sums = async () =>
        (await ledger.standings('team', 'total', 0, 9)).map(({ id, creditMicro, units }) => [
          id,
          creditMicro,
          units,
        ]);
      expect(await sums()).toEqual([
        ['t2', 18n, 2],
        ['t1', 5n, 1],
      ]);
      expect(await ledger.rank('team', 'recent', 't1')).toBe(2);
      expect(await accounts.teamNames(['t1', 't3'])).toEqual(['t1', null]);

      await accounts.moveToTeam(accountId(1), null);
      const shard = splitShard({ jobId, units: 1, unitsPerShard: 1 }, 0);
      await store.append(0, [anAppend(shard, 1, 'y', { pay: [revoked(late)] })], 1);
      await applied(store, 0);
      expect(await sums()).toEqual([
        ['t2', 7n, 1],
        ['t1', 5n, 1],
      ]);
    }),
  );

  it(
    'standings are ordered by credit, of volunteers, of hosts and of jobs',
    withStore(open, async (store) => {
      const { ledger } = store;
      await store.accounts.enrolHost(aHost(1, 1, 'old name'), true);
      await store.accounts.enrolHost(aHost(2, 1, 'between'), true);
      await store.accounts.enrolHost(aHost(1, 1, 'new name'), true);
      const { jobId } = await paid(store, 0, [
        [aPayment(1, 5, [[0, 1]]), aPayment(2, 9, [[1, 2]])],
        [aPayment(3, 7, [[4, 1]]), { ...aPayment(4, 3, [[3, 1]]), accountId: accountId(1) }],
      ]);
      await applied(store, 0);
      const volunteers = await ledger.standings('volunteer', 'total', 0, 10);
      expect(volunteers.map(({ id, creditMicro, units }) => [id, creditMicro, units])).toEqual([
        [accountId(2), 9n, 2],
        [accountId(1), 8n, 2],
        [accountId(3), 7n, 1],
      ]);
      expect(await ledger.standings('volunteer', 'recent', 1, 1)).toEqual([volunteers[1]]);
      const hosts = await ledger.standings('host', 'total', 0, 10);
      expect(hosts.map(({ id }) => id)).toEqual([2, 3, 1, 4].map(hostId));
      expect(await ledger.standing('job', jobId)).toMatchObject({ creditMicro: 24n, units: 5 });
      expect(await ledger.rank('host', 'total', hostId(4))).toBe(4);
      expect(await ledger.rank('host', 'recent', hostId(4))).toBe(4);
      expect(await ledger.rank('host', 'total', hostId(5))).toBeNull();
      expect(await store.accounts.names([accountId(1), accountId(2)])).toEqual(['new name', '']);
    }),
  );

  it(
    'what was earned is kept by day for a month',
    withStore(open, async (store) => {
      const { ledger } = store;
      for (const after of [0, 1, 40]) {
        await paid(store, 0, [[aPayment(1, 10 + after, [[0, 1]])]], after);
        await applied(store, 0, now + after * dayMs);
      }
      const days = [today, today + 1, today + 2, today + 40];
      const earned = await ledger.earnedByDay('volunteer', accountId(1), days);
      expect(earned.slice(2)).toEqual([0n, 50n]);
      expect(earned.slice(0, 2)).toEqual([10n, 11n]);
    }),
  );

  it(
    'a payment of nothing counts its units, and leaves the ledger in order',
    withStore(open, async (store) => {
      await paid(store, 0, [[aPayment(1, 0, [[0, 3]])]]);
      await applied(store, 0);
      const row = { id: accountId(1), creditMicro: 0n, recent: null, units: 3 };
      expect(await store.ledger.standing('volunteer', accountId(1))).toEqual(row);
      expect(await store.ledger.standings('volunteer', 'total', 0, 9)).toEqual([row]);
      expect((await store.ledger.allBalances()).balances).toEqual(new Map());
    }),
  );

  it(
    '[C1] credit stays exact where it passes what a double holds',
    withStore(open, async (store) => {
      const most = Number.MAX_SAFE_INTEGER;
      await paid(
        store,
        0,
        Array.from({ length: 20 }, (_, unit) => [aPayment(1, most, [[unit, 1]])]),
      );
      await applied(store, 0);
      await paid(store, 0, [[aPayment(1, 3, [[0, 1]])]], 1);
      await applied(store, 0);
      const sum = 20n * BigInt(most) + 3n;
      expect(await store.ledger.standing('volunteer', accountId(1))).toMatchObject({
        creditMicro: sum,
      });
      expect(await store.ledger.balances(['mint'])).toEqual([-sum]);
    }),
  );
}

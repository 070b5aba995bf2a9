/** What every store promises of payments: numbered without a gap, paid once, in order, summing to zero. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { JobFacts } from '../../../coordinator/domain/job.ts';
import { splitShard } from '../../../coordinator/domain/shard.ts';
import type { OutboxRecord, Payment, Store } from '../../../coordinator/store/store.ts';
import { accountId, aJob, hostId } from '../builders.ts';
import { aHost, anAppend, jobIdIn, type OpenStore, withStore } from './arrange.ts';

const pay = (account: number, micro: number, units = 1): Payment => ({
  accountId: accountId(account),
  hostId: hostId(account),
  micro,
  units,
});

/** Puts one outbox record for each list of payments into the partition. */
async function paid(store: Store, partition: number, lists: Payment[][]): Promise<JobFacts> {
  const job = aJob({ jobId: jobIdIn(partition), units: lists.length, unitsPerShard: 1 });
  await store.submitJob(job);
  for (const [number, payments] of lists.entries()) {
    const shard = splitShard(job, number);
    await store.openShard(job, shard);
    await store.append(partition, [anAppend(shard, 0, 'x', { canonical: 1, pay: payments })], 1);
  }
  return job;
}

export function ledgerContract(open: OpenStore): void {
  it(
    'each partition numbers its outbox from 1 without a gap; an append that pays nobody takes no number',
    withStore(open, async (store) => {
      await paid(store, 0, [[pay(1, 5)], [], [pay(1, 6), pay(2, 7)], [pay(2, 0)]]);
      await paid(store, 1, [[pay(3, 8)]]);
      expect(await store.readOutbox(0, 0, 10)).toEqual([
        { number: 1, payments: [pay(1, 5)] },
        { number: 2, payments: [pay(1, 6), pay(2, 7)] },
        { number: 3, payments: [pay(2, 0)] },
      ]);
      expect(await store.readOutbox(0, 1, 1)).toEqual([
        { number: 2, payments: [pay(1, 6), pay(2, 7)] },
      ]);
      expect(await store.readOutbox(1, 0, 10)).toEqual([{ number: 1, payments: [pay(3, 8)] }]);
      expect(await store.readOutbox(2, 0, 10)).toEqual([]);
    }),
  );

  it(
    '[C2] an outbox record is paid once, whoever applies it and how often',
    withStore(open, async (store) => {
      await paid(store, 0, [[pay(1, 5, 2)], [pay(1, 6)]]);
      const records = await store.readOutbox(0, 0, 10);
      const applied = await Promise.all([1, 2, 3].map(() => store.applyOutbox(0, records, 1)));
      expect(applied.filter((isApplied) => isApplied)).toHaveLength(1);
      expect(await store.applyOutbox(0, records.slice(0, 1), 1)).toBe(false);
      expect(await store.watermark(0)).toBe(2);
      expect(await store.accountTotals(accountId(1))).toEqual({ creditMicro: 11n, units: 3 });
    }),
  );

  it(
    'records are paid in order: what overlaps is refused, what leaves a gap is an alarm',
    withStore(open, async (store) => {
      await paid(store, 0, [[pay(1, 1)], [pay(1, 2)], [pay(1, 4)], [pay(1, 8)]]);
      const [one, two, three, four] = (await store.readOutbox(0, 0, 10)) as [
        OutboxRecord,
        OutboxRecord,
        OutboxRecord,
        OutboxRecord,
      ];
      await expect(store.applyOutbox(0, [two], 1)).rejects.toThrow(/gap/);
      await expect(store.applyOutbox(0, [one, three], 1)).rejects.toThrow(/gap/);
      await expect(store.applyOutbox(0, [one, one, three], 1)).rejects.toThrow(/gap/);
      expect(await store.balances()).toEqual(new Map());
      expect(await store.applyOutbox(0, [one, two], 1)).toBe(true);
      expect(await store.applyOutbox(0, [two, three], 1)).toBe(false);
      await expect(store.applyOutbox(0, [four], 1)).rejects.toThrow(/gap/);
      expect(await store.applyOutbox(0, [], 1)).toBe(true);
      expect((await store.accountTotals(accountId(1))).creditMicro).toBe(3n);
    }),
  );

  it(
    'a payment of nothing counts its units, and leaves the ledger in order',
    withStore(open, async (store) => {
      await paid(store, 0, [[pay(1, 0, 3)]]);
      expect(await store.applyOutbox(0, await store.readOutbox(0, 0, 10), 1)).toBe(true);
      expect(await store.accountTotals(accountId(1))).toEqual({ creditMicro: 0n, units: 3 });
      expect((await store.balances()).get('mint') ?? 0n).toBe(0n);
    }),
  );

  it(
    'partitions are paid apart from each other, into one account',
    withStore(open, async (store) => {
      for (const partition of [0, 1, 2]) {
        await paid(store, partition, [[pay(1, 10 ** partition)]]);
        await store.applyOutbox(partition, await store.readOutbox(partition, 0, 10), 1);
        expect(await store.watermark(partition)).toBe(1);
      }
      expect(await store.accountTotals(accountId(1))).toEqual({ creditMicro: 111n, units: 3 });
    }),
  );

  it(
    'trimming takes away what is named and no more; numbers go on from where they were',
    withStore(open, async (store) => {
      const job = await paid(store, 0, [[pay(1, 1)], [pay(1, 2)], [pay(1, 3)]]);
      const numbers = async () => (await store.readOutbox(0, 0, 10)).map(({ number }) => number);
      await store.trimOutbox(0, 2);
      expect(await numbers()).toEqual([3]);
      await store.trimOutbox(0, 3);
      expect(await numbers()).toEqual([]);
      const append = anAppend(splitShard(job, 0), 1, 'y', { pay: [pay(1, 4)] });
      await store.append(0, [append], 1);
      expect(await numbers()).toEqual([4]);
    }),
  );

  it(
    'standings are ordered by credit, and carry the name the account last came with',
    withStore(open, async (store) => {
      await store.enrolHost(aHost(1, 1, 'old name'));
      await store.enrolHost(aHost(2, 1, 'between'));
      await store.enrolHost(aHost(1, 1, 'new name'));
      await paid(store, 0, [[pay(1, 5), pay(2, 9, 2)], [pay(3, 7)]]);
      await store.applyOutbox(0, await store.readOutbox(0, 0, 10), 2);
      expect(await store.standings(10)).toEqual([
        { accountId: accountId(2), name: '', creditMicro: 9n, weighted: 18, units: 2 },
        { accountId: accountId(3), name: '', creditMicro: 7n, weighted: 14, units: 1 },
        { accountId: accountId(1), name: 'new name', creditMicro: 5n, weighted: 10, units: 1 },
      ]);
      expect(await store.standings(1)).toHaveLength(1);
      expect(await store.accountTotals(accountId(4))).toEqual({ creditMicro: 0n, units: 0 });
    }),
  );

  it(
    '[C1] credit stays exact where it passes what a double holds',
    withStore(open, async (store) => {
      const most = Number.MAX_SAFE_INTEGER;
      await paid(store, 0, [[pay(1, most), pay(2, 3)], [pay(1, most)], [pay(1, most)]]);
      await store.applyOutbox(0, await store.readOutbox(0, 0, 10), 1);
      await paid(
        store,
        1,
        Array.from({ length: 20 }, () => [pay(1, most)]),
      );
      await store.applyOutbox(1, await store.readOutbox(1, 0, 100), 1);
      const sum = 23n * BigInt(most);
      expect(await store.accountTotals(accountId(1))).toMatchObject({ creditMicro: sum });
      expect((await store.standings(1))[0]?.creditMicro).toBe(sum);
      expect((await store.balances()).get('mint')).toBe(-sum - 3n);
    }),
  );

  it('[C1] the ledger sums to zero, and none but the mint is below it, whatever is paid', async () => {
    const payment = fc.record({
      account: fc.integer({ min: 1, max: 4 }),
      micro: fc.oneof(fc.constant(0), fc.nat(10), fc.nat(Number.MAX_SAFE_INTEGER)),
      units: fc.integer({ min: 1, max: 256 }),
    });
    const lists = fc.array(fc.array(payment, { maxLength: 4 }), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(lists, fc.integer({ min: 1, max: 8 }), async (drawn, perStep) => {
        const payments = drawn.map((list) => list.map((p) => pay(p.account, p.micro, p.units)));
        await withStore(open, async (store) => {
          await paid(store, 0, payments);
          for (;;) {
            const records = await store.readOutbox(0, await store.watermark(0), perStep);
            if (records.length === 0) break;
            expect(await store.applyOutbox(0, records, 1.5)).toBe(true);
            const balances = await store.balances();
            expect([...balances.values()].reduce((a, b) => a + b, 0n)).toBe(0n);
            balances.delete('mint');
            for (const micro of balances.values()) expect(micro).toBeGreaterThanOrEqual(0n);
          }
          for (const id of [1, 2, 3, 4].map(accountId)) {
            const own = payments.flat().filter((p) => p.accountId === id);
            expect(await store.accountTotals(id)).toEqual({
              creditMicro: own.reduce((sum, p) => sum + BigInt(p.micro), 0n),
              units: own.reduce((sum, p) => sum + p.units, 0),
            });
          }
        })();
      }),
      { numRuns: 25 },
    );
  });
}

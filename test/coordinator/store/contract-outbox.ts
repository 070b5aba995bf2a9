/** What every store promises of an outbox: numbered without a gap, and paid once, in order. */
import { expect, it } from 'vitest';
import { splitShard } from '../../../coordinator/domain/shard.ts';
import { accountId, hostId } from '../builders.ts';
import {
  anAppend,
  aPayment,
  applied,
  type OpenStore,
  paid,
  revoked,
  withStore,
} from './arrange.ts';

export function outboxContract(open: OpenStore): void {
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
    '[C2] a unit that is in the outbox twice for one account is paid once, and stops nobody else’s pay',
    withStore(open, async (store) => {
      const sameAccount = { ...aPayment(1, 6, [[3, 1]]), hostId: hostId(9) };
      const others = [aPayment(1, 7, [[4, 1]]), aPayment(2, 8, [[3, 1]])];
      await paid(store, 0, [[aPayment(1, 5, [[0, 4]])], [aPayment(1, 6, [[3, 1]])], [sameAccount]]);
      await paid(store, 0, [others], 1);
      await applied(store, 0);
      expect(await store.ledger.watermark(0)).toBe(4);
      const earned = async (account: number) =>
        (await store.ledger.standing('volunteer', accountId(account)))?.creditMicro;
      expect([await earned(1), await earned(2)]).toEqual([12n, 8n]);
    }),
  );

  it(
    'verdicts on others’ results are paid each, and are told apart from what was computed',
    withStore(open, async (store) => {
      const verdict = { ...aPayment(1, 2, [[0, 1]]), isVerdict: true as const };
      await paid(store, 0, [[aPayment(1, 5, [[0, 1]])], [verdict, aPayment(2, 1, [[1, 1]])]]);
      const again = await paid(store, 0, [[verdict], [revoked(verdict)]], 1);
      const [, second, third] = await store.readOutbox(0, 0, 9);
      expect([second?.payments[0], third?.jobId]).toEqual([verdict, again.jobId]);
      await applied(store, 0);
      const earned = await store.ledger.standing('volunteer', accountId(1));
      expect(earned).toMatchObject({ creditMicro: 7n, units: 2 });
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

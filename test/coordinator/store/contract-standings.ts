/** What every store promises of standings: a recount of the grants, of whoever earned them. */
import { expect, it } from 'vitest';
import { dayMs, dayOf } from '../../../coordinator/domain/day.ts';
import { splitShard } from '../../../coordinator/domain/shard.ts';
import { accountId, hostId } from '../builders.ts';
import {
  aHost,
  anAppend,
  aPayment,
  applied,
  gridFacts,
  type OpenStore,
  paid,
  revoked,
  withStore,
} from './arrange.ts';

const now = gridFacts.createdAt;
const today = dayOf(now);

export function standingContract(open: OpenStore): void {
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

/** What every store promises of what is final: it moves on in one step, and amends nothing behind it. */
import { describe, expect, it } from 'vitest';
import { type LateResult, lateName } from '../../../coordinator/domain/late.ts';
import { type Shard, shardId } from '../../../coordinator/domain/shard.ts';
import type { Store } from '../../../coordinator/store/store.ts';
import type { Page, TrustChange } from '../../../coordinator/store/trust-store.ts';
import { accountId, aJob, hostId, leaseId } from '../builders.ts';
import { anAppend, aPayment, jobIdIn, type OpenStore, submitted, withStore } from './arrange.ts';

const job = aJob({ jobId: jobIdIn(0) });
const check: Shard = {
  jobId: job.jobId,
  number: 2,
  units: { list: [1] },
  check: { needs: 'anyone', since: 1, needsNetworks: false, heard: [[]] },
};

export function holdContract(open: OpenStore): void {
  const held = async (store: Store) => {
    const [found] = await store.jobs.listHeld(0);
    if (found === undefined) throw new Error('nothing is held');
    return found;
  };

  it(
    'a job is held from when it is submitted until nothing of it is, and its hold moves on from where it was read',
    withStore(open, async (store) => {
      await submitted(store, job);
      const first = await held(store);
      const { jobId } = job;
      const nothing = { marks: [], shardsFinal: 0, final: 0, shardsSettled: 0 };
      expect(first).toEqual({ jobId, state: 'open', shards: 2, ...nothing });
      const marked = { marks: [[7, 2] as [number, number]], shardsFinal: 0, final: 0 };
      expect(await store.jobs.moveHold(first, marked, null)).toBe(true);
      expect(await store.jobs.moveHold(first, marked, null)).toBe(false);
      const second = await held(store);
      expect(second).toEqual({ ...first, ...marked });
      const half = { ...marked, shardsFinal: 1, final: 4 };
      expect(await store.jobs.moveHold(second, half, null)).toBe(true);
      expect(await store.jobs.moveHold(second, { ...half, final: 3 }, null)).toBe(false);
      expect(await store.jobs.read(jobId)).toMatchObject({
        marks: [[7, 2]],
        finalAt: null,
        counts: { shardsFinal: 1, final: 4 },
      });
      const all = { marks: [], shardsFinal: 2, final: 8 };
      expect(await store.jobs.moveHold(await held(store), all, 99)).toBe(true);
      expect(await store.jobs.listHeld(0)).toEqual([]);
      expect(await store.jobs.read(jobId)).toMatchObject({ finalAt: 99, counts: { final: 8 } });
    }),
  );

  it(
    '[T5] what is final is amended no more',
    withStore(open, async (store) => {
      await submitted(store, job);
      await store.jobs.moveHold(await held(store), { marks: [], shardsFinal: 1, final: 4 }, null);
      const { jobId } = job;
      const place = { shard: 2, position: 0, hostId: hostId(2) };
      const lost = { hostId: hostId(1), accountId: accountId(1), micro: 5 };
      await store.amend('one', { jobId, unit: 3, place, revoked: [lost] }, 0);
      await store.amend('two', { jobId, unit: 4, place, revoked: [] }, 1);
      expect(await store.readAmendments(jobId)).toEqual(new Map([[4, place]]));
      expect(await store.readRevoked(jobId, 0, 9)).toEqual([4]);
      expect(await store.readOutbox(0, 0, 9)).toEqual([]);
    }),
  );

  it(
    'what is final is checked no more: an open check of it goes on, and none is opened',
    withStore(open, async (store) => {
      await submitted(store, job);
      await store.openCheck(job, check);
      await store.jobs.moveHold(await held(store), { marks: [], shardsFinal: 1, final: 4 }, null);
      expect(await store.openCheck(job, check)).toBe('stands');
      const later = (number: number, list: number[]) =>
        store.openCheck(job, { ...check, number, units: { list } });
      expect([await later(3, [3, 4]), await later(4, [4, 7])]).toEqual(['final', 'opened']);
    }),
  );

  it(
    'of a job of which nothing is held no check is open, and none is opened',
    withStore(open, async (store) => {
      const shards = await submitted(store, job);
      expect(await store.openCheck(job, check)).toBe('opened');
      for (const shard of shards)
        await store.append(0, [anAppend(shard, 0, 'x', { closes: true })], 1);
      await store.jobs.moveHold(await held(store), { marks: [], shardsFinal: 2, final: 8 }, 99);
      expect(await store.openShardIds(0)).toEqual([]);
      expect(await store.append(0, [anAppend(check, 0, 'x')], 1)).toEqual([{ kind: 'closed' }]);
      expect(await store.openCheck(job, check)).toBe('over');
      expect(await store.openCheck(job, { ...check, number: 3 })).toBe('over');
      expect(await store.openShardIds(0)).not.toContain(shardId(check));
    }),
  );

  it(
    'late results are noted once for an account and unit until they are final, then those that were right are paid, once',
    withStore(open, async (store) => {
      await submitted(store, job);
      const { jobId } = job;
      const late = (unit: number, holder: number, answer = 'x'): LateResult => {
        const ids = { accountId: accountId(holder), hostId: hostId(holder) };
        const lease = { leaseId: leaseId(holder), shard: 0, position: unit };
        return { unit, shard: Math.floor(unit / 4), ...ids, lease, answer };
      };
      await store.noteLate(jobId, [late(1, 1), late(1, 2), late(5, 1)]);
      await store.noteLate(jobId, [late(1, 1, 'another')]);
      const noted = async () =>
        (await store.readLate(jobId)).sort((a, b) => (lateName(a) < lateName(b) ? -1 : 1));
      expect(await noted()).toEqual([late(1, 1), late(1, 2), late(5, 1)]);
      const pay = [aPayment(2, 7, [[1, 1]])];
      const gone = [late(1, 1), late(1, 2)];
      const to = { marks: [], shardsFinal: 1, final: 4 };
      const before = await held(store);
      expect(await store.jobs.moveHold(before, to, null)).toBe(true);
      expect(await store.jobs.settleLate(jobId, 1, { pay, gone })).toBe(true);
      expect(await store.jobs.settleLate(jobId, 1, { pay, gone })).toBe(false);
      expect(await held(store)).toMatchObject({ shardsSettled: 1 });
      expect(await store.jobs.settleLate(jobId, 0, { pay: [], gone: [] })).toBe(true);
      expect(await store.jobs.read(jobId)).toMatchObject({ counts: { shardsSettled: 1 } });
      expect(await store.readOutbox(0, 0, 9)).toEqual([
        { number: 1, jobId, isCheck: true, payments: pay },
      ]);
      await store.noteLate(jobId, [late(2, 1), late(6, 1)]);
      expect(await noted()).toEqual([late(5, 1), late(6, 1)]);
      await store.jobs.moveHold(await held(store), { ...to, shardsFinal: 2 }, 99);
      await store.noteLate(jobId, [late(7, 1)]);
      expect(await noted()).toEqual([]);
    }),
  );

  describe('a table of trust in pages', () => {
    it(
      'is all of it, each field once, and what is taken away meanwhile does no harm',
      withStore(open, async ({ trust }) => {
        const fields = Array.from({ length: 1200 }, (_, i) => `j${i}`);
        await trust.write(
          0,
          fields.map((field, i): TrustChange => ({ table: 'numbers', field, value: i })),
        );
        const seen = new Map<string, number>();
        let pages = 0;
        for (let from: string | null = ''; from !== null; pages++) {
          const page: Page<number> = await trust.page('numbers', from);
          for (const [field, value] of page.rows) seen.set(field, value);
          const gone = [...page.rows.keys()].map((field): TrustChange => {
            return { table: 'numbers', field, value: null };
          });
          await trust.write(await trust.version(), gone);
          from = page.next;
        }
        expect(pages).toBeGreaterThan(1);
        expect(seen).toEqual(new Map(fields.map((field, i) => [field, i])));
        expect(await trust.count('numbers')).toBe(0);
        expect(await trust.page('numbers', '')).toEqual({ rows: new Map(), next: null });
      }),
    );
  });
}

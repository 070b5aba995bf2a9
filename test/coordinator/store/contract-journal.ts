/** What every store promises of appends: compared, counted, all or nothing, and never to a closed shard. */
import { expect, it } from 'vitest';
import type { JobFacts } from '../../../coordinator/domain/job.ts';
import { type Shard, splitShard } from '../../../coordinator/domain/shard.ts';
import { aJob } from '../builders.ts';
import {
  anAppend,
  aPayment,
  jobIdIn,
  type OpenStore,
  partitionOfJob,
  submitted,
  text,
  withStore,
} from './arrange.ts';

export function journalContract(open: OpenStore): void {
  it(
    'a journal is empty until something is appended, and can be read from any byte',
    withStore(open, async (store) => {
      const job = aJob();
      const [shard] = (await submitted(store, job)) as [Shard];
      expect(await text(store, shard)).toBe('');
      const append = (expected: number, bytes: string) =>
        store.append(partitionOfJob(job), [anAppend(shard, expected, bytes)], 1);
      expect(await append(0, 'one')).toEqual([{ kind: 'written', jobDecided: false }]);
      expect(await append(3, 'two')).toEqual([{ kind: 'written', jobDecided: false }]);
      expect(await text(store, shard)).toBe('onetwo');
      expect(await text(store, shard, 3)).toBe('two');
      expect(await text(store, shard, 6)).toBe('');
      expect(await text(store, shard, 99)).toBe('');
    }),
  );

  it(
    'bytes of any value come back as they were',
    withStore(open, async (store) => {
      const job = aJob();
      const [shard] = (await submitted(store, job)) as [Shard];
      const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
      await store.append(partitionOfJob(job), [{ ...anAppend(shard, 0, ''), bytes }], 1);
      expect(Buffer.from(await store.readJournal(shard)).equals(bytes)).toBe(true);
    }),
  );

  it(
    'an append decided upon another length is stale, is told the length, and leaves no trace',
    withStore(open, async (store) => {
      const job = aJob();
      const [shard] = (await submitted(store, job)) as [Shard];
      const partition = partitionOfJob(job);
      await store.append(partition, [anAppend(shard, 0, 'one')], 1);
      const late = anAppend(shard, 0, 'other', {
        closes: true,
        canonical: 4,
        failed: 1,
        fuel: 5,
        creditMicro: 6,
        pay: [aPayment(1, 6, [[0, 4]])],
      });
      const before = await store.jobs.read(job.jobId);
      expect(await store.append(partition, [late], 1)).toEqual([{ kind: 'stale', length: 3 }]);
      expect(await text(store, shard)).toBe('one');
      expect(await store.jobs.read(job.jobId)).toEqual(before);
      expect(await store.readOpenShard(shard)).toEqual(shard);
      expect(await store.readOutbox(partition, 0, 10)).toEqual([]);
    }),
  );

  it(
    'of two that append upon the same length at once, one is written',
    withStore(open, async (store) => {
      const job = aJob();
      const [shard] = (await submitted(store, job)) as [Shard];
      const replies = await Promise.all(
        ['a', 'b', 'c'].map((letter) =>
          store.append(partitionOfJob(job), [anAppend(shard, 0, letter, { canonical: 1 })], 1),
        ),
      );
      const kinds = replies.flat().map(({ kind }) => kind);
      expect(kinds.sort()).toEqual(['stale', 'stale', 'written']);
      expect(await text(store, shard)).toHaveLength(1);
      expect((await store.jobs.read(job.jobId))?.counts.canonical).toBe(1);
    }),
  );

  it(
    'each append of one step has its own reply, whatever becomes of the others',
    withStore(open, async (store) => {
      const [job, neighbour] = [0, 1].map((nth) => aJob({ jobId: jobIdIn(2, nth), units: 12 })) as [
        JobFacts,
        JobFacts,
      ];
      const [stale, closed, written] = (await submitted(store, job)) as [Shard, Shard, Shard];
      const [others] = (await submitted(store, neighbour)) as [Shard];
      await store.append(2, [anAppend(stale, 0, 'x')], 1);
      await store.append(2, [anAppend(closed, 0, 'x', { closes: true })], 1);
      const replies = await store.append(
        2,
        [
          anAppend(stale, 0, 'lost', { canonical: 4 }),
          anAppend(closed, 1, 'lost', { canonical: 4 }),
          anAppend(written, 0, 'kept', { canonical: 2 }),
          anAppend(others, 0, 'kept too', { canonical: 3 }),
        ],
        1,
      );
      expect(replies).toEqual([
        { kind: 'stale', length: 1 },
        { kind: 'closed' },
        { kind: 'written', jobDecided: false },
        { kind: 'written', jobDecided: false },
      ]);
      const texts = [stale, closed, written, others].map((shard) => text(store, shard));
      expect(await Promise.all(texts)).toEqual(['x', 'x', 'kept', 'kept too']);
      expect((await store.jobs.read(job.jobId))?.counts.canonical).toBe(2);
      expect((await store.jobs.read(neighbour.jobId))?.counts.canonical).toBe(3);
    }),
  );

  it(
    'two appends to one shard in one step are refused before anything is written: a bug of the caller',
    withStore(open, async (store) => {
      const job = aJob();
      const [shard, other] = (await submitted(store, job)) as [Shard, Shard];
      const appends = [anAppend(other, 0, 'o'), anAppend(shard, 0, 'a'), anAppend(shard, 0, 'b')];
      await expect(store.append(partitionOfJob(job), appends, 1)).rejects.toThrow(/twice/);
      expect(await text(store, shard)).toBe('');
      expect(await text(store, other)).toBe('');
    }),
  );

  it(
    'counts add up exactly, also where fuel passes what a double and a 64-bit integer hold',
    withStore(open, async (store) => {
      const job = aJob();
      const [shard] = (await submitted(store, job)) as [Shard];
      const fuels = [1, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 999_999_999_999_999, 1];
      // 2^60 is what a shard of 256 units at the greatest fuel comes to, nearly; nine pass 2^63.
      fuels.push(...Array.from({ length: 9 }, () => 2 ** 60), 7);
      let sum = 0n;
      for (const [i, fuel] of fuels.entries()) {
        const append = anAppend(shard, i, '.', { canonical: 2, failed: 1, fuel, creditMicro: 3 });
        await store.append(partitionOfJob(job), [append], 1);
        sum += BigInt(fuel);
        expect((await store.jobs.read(job.jobId))?.counts.fuel).toBe(sum);
      }
      expect((await store.jobs.read(job.jobId))?.counts).toMatchObject({
        canonical: 2 * fuels.length,
        failed: fuels.length,
        creditMicro: 3n * BigInt(fuels.length),
      });
    }),
  );

  it(
    'a job is decided when all of it is split and its last shard closes, and then may be complete',
    withStore(open, async (store) => {
      const job = aJob({ units: 8 });
      const partition = partitionOfJob(job);
      const [first, second] = [splitShard(job, 0), splitShard(job, 1)];
      await store.jobs.submit(job);
      await store.openShard(job, first);
      const close = (shard: Shard, now: number) =>
        store.append(partition, [anAppend(shard, 0, 'x', { closes: true })], now);

      expect(await close(first, 10)).toEqual([{ kind: 'written', jobDecided: false }]);
      expect(await store.jobs.read(job.jobId)).toMatchObject({ state: 'open', decidedAt: null });
      expect(await store.jobs.complete(job.jobId, 0, 15)).toBe(false);
      await store.openShard(job, second);
      expect(await close(second, 20)).toEqual([{ kind: 'written', jobDecided: true }]);
      const decided = { state: 'open', decidedAt: 20, endedAt: null };
      expect(await store.jobs.read(job.jobId)).toMatchObject(decided);
      expect(await store.openShards(partition)).toEqual([]);
      expect(await store.jobs.listOpen(partition)).toMatchObject([{ decidedAt: 20, cursor: 8 }]);
      for (const isNew of [true, false]) {
        expect(await store.jobs.complete(job.jobId, 2, isNew ? 25 : 26)).toBe(isNew);
      }
      const complete = { state: 'complete', decidedAt: 20, endedAt: 25, unchecked: 2 };
      expect(await store.jobs.read(job.jobId)).toMatchObject(complete);
      expect(await store.jobs.listOpen(partition)).toEqual([]);
      expect(await store.jobs.cancel(job.jobId, 30)).toBe('over');
    }),
  );

  it(
    'when one step closes several shards, the last of them decides the job',
    withStore(open, async (store) => {
      const job = aJob({ units: 10 });
      const shards = await submitted(store, job);
      const appends = shards.map((shard) => anAppend(shard, 0, 'x', { closes: true }));
      const replies = await store.append(partitionOfJob(job), appends, 10);
      expect(replies.map((reply) => reply.kind === 'written' && reply.jobDecided)).toEqual([
        false,
        false,
        true,
      ]);
    }),
  );

  it(
    'a closed shard takes nothing more, and its journal stays readable',
    withStore(open, async (store) => {
      const job = aJob();
      const [shard] = (await submitted(store, job)) as [Shard];
      const partition = partitionOfJob(job);
      await store.append(partition, [anAppend(shard, 0, 'done', { closes: true })], 1);
      const again = anAppend(shard, 4, 'more', { canonical: 1 });
      expect(await store.append(partition, [again], 1)).toEqual([{ kind: 'closed' }]);
      expect(await text(store, shard)).toBe('done');
      expect((await store.jobs.read(job.jobId))?.counts).toMatchObject({
        canonical: 0,
        shardsOpen: 1,
      });
    }),
  );

  it(
    'a cancelled job records nothing more, and never becomes complete',
    withStore(open, async (store) => {
      const job = aJob();
      const shards = await submitted(store, job);
      await store.jobs.cancel(job.jobId, 5);
      const appends = shards.map((shard) =>
        anAppend(shard, 0, 'late', {
          closes: true,
          canonical: 4,
          pay: [aPayment(1, 1, [[0, 4]])],
        }),
      );
      const replies = await store.append(partitionOfJob(job), appends, 9);
      expect(replies).toEqual(shards.map(() => ({ kind: 'closed' })));
      expect(await store.jobs.read(job.jobId)).toMatchObject({ state: 'cancelled', endedAt: 5 });
      expect(await store.readOutbox(partitionOfJob(job), 0, 10)).toEqual([]);
    }),
  );
}

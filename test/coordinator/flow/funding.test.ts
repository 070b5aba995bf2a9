/** Who pays, and what happens when they cannot: over the store in memory, with the flow steps as they are. */
import { pino } from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import { dayMs, dayOf } from '../../../coordinator/domain/day.ts';
import type { JobFacts } from '../../../coordinator/domain/job.ts';
import { type Shard, splitShard } from '../../../coordinator/domain/shard.ts';
import { Turns } from '../../../coordinator/domain/turns.ts';
import { Window } from '../../../coordinator/domain/window.ts';
import type { Context } from '../../../coordinator/flow/context.ts';
import { finaliseCredit } from '../../../coordinator/flow/finalise-credit.ts';
import { assertCredit, reconcileFunds, refundEscrows } from '../../../coordinator/flow/fund.ts';
import { MemoryStore } from '../../../coordinator/store/memory-store.ts';
import { GridError } from '../../../protocol/errors.ts';
import type { JobDocumentInput } from '../../../protocol/job.ts';
import { accountId, aJob, jobId } from '../builders.ts';
import { anAppend, aPayment, applied } from '../store/arrange.ts';

const credit = 1_000_000;
const owner = accountId(50);
let store: MemoryStore;
let now: number;
let context: Context;
let length: number;

beforeEach(async () => {
  store = new MemoryStore();
  now = 1000 * dayMs;
  length = 0;
  const grid = await store.grid.open({ gridId: 'g', partitions: 1, createdAt: now });
  // What these steps use of a context; the rest of a coordinator is in test/simulation.
  context = {
    grid,
    store,
    window: new Window(),
    jobs: { facts: (id) => store.jobs.read(id), known: () => null },
    splitTurns: new Turns(),
    now: () => now,
    log: pino({ level: 'silent' }),
    happened: () => undefined,
  } as Partial<Context> as Context;
});

async function aJobOf(
  by: string,
  curated: boolean,
  document: Partial<JobDocumentInput> = {},
  nth = 1,
): Promise<{ job: JobFacts; shard: Shard }> {
  const job = aJob({ jobId: jobId(nth), units: 100, unitsPerShard: 100, owner: by, document });
  await store.jobs.submit(job, curated);
  const shard = splitShard(job, 0);
  await store.openShard(job, shard);
  return { job, shard };
}

/** Volunteer `holder` earns so many credits with one more unit. */
async function earn(shard: Shard, holder: number, credits: number): Promise<void> {
  const pay = [aPayment(holder, credits * credit, [[length, 1]])];
  await store.append(0, [anAppend(shard, length++, 'x', { pay })], now);
  await applied(store, 0, now);
}

const balances = async (): Promise<Record<string, number>> => {
  const { balances: all } = await store.ledger.allBalances();
  return Object.fromEntries([...all].map(([name, micro]) => [name, Number(micro) / credit]));
};

describe('a curated job', () => {
  it('is paid by the mint, without a fee', async () => {
    const { shard } = await aJobOf(owner, true);
    await earn(shard, 1, 50);
    expect(await balances()).toEqual({ mint: -50, [`volunteer:${accountId(1)}:pending`]: 50 });
  });

  it('is paused when the mint has given what it may in a day, and goes on the next day', async () => {
    const { job, shard } = await aJobOf(owner, true);
    await store.registry.changeSettings({ mintDailyMicro: BigInt(40 * credit) });
    await reconcileFunds(context, 0);
    expect((await store.jobs.read(job.jobId))?.state).toBe('open');
    await earn(shard, 1, 50);
    expect(await store.ledger.minted(dayOf(now))).toBe(BigInt(50 * credit));
    await reconcileFunds(context, 0);
    expect(await store.jobs.read(job.jobId)).toMatchObject({
      state: 'paused',
      pauses: { credit_spent: 'the mint has given what it may today' },
    });
    now += dayMs;
    await reconcileFunds(context, 0);
    expect((await store.jobs.read(job.jobId))?.state).toBe('open');
  });
});

describe('a scientist', () => {
  it('gets an allowance with the first job, once', async () => {
    for (const _ of [1, 2]) await assertCredit(context, owner);
    expect(await balances()).toEqual({ mint: -1000, [`scientist:${owner}`]: 1000 });
    expect(await store.ledger.minted(dayOf(now))).toBe(0n);
  });

  it('pays the work and 2 % from the escrow of the job; what is left comes back when it is over', async () => {
    await assertCredit(context, owner);
    const { job, shard } = await aJobOf(owner, false);
    await earn(shard, 1, 100);
    expect(await balances()).toEqual({
      mint: -1000,
      fee: 2,
      [`volunteer:${accountId(1)}:pending`]: 100,
      [`escrow:${job.jobId}`]: 10,
      [`scientist:${owner}`]: 888,
    });
    await refundEscrows(context);
    expect((await balances())[`escrow:${job.jobId}`]).toBe(10);
    await store.jobs.cancel(job.jobId, now);
    await refundEscrows(context);
    expect(await balances()).toMatchObject({ [`scientist:${owner}`]: 898 });
    expect(await store.ledger.escrows()).toEqual([]);
  });

  it('gets what is left when all of the job is paid, and waits for no other job’s pay', async () => {
    await assertCredit(context, owner);
    const { job, shard } = await aJobOf(owner, false);
    const other = await aJobOf(owner, true, {}, 2);
    await earn(shard, 1, 50);
    const pay = [aPayment(1, 50 * credit, [[length, 1]])];
    await store.append(0, [anAppend(shard, length++, 'x', { pay })], now);
    await store.jobs.cancel(job.jobId, now);
    await refundEscrows(context);
    expect(await store.ledger.escrows()).toEqual([job.jobId]);
    await applied(store, 0, now);
    await store.append(
      0,
      [anAppend(other.shard, 0, 'x', { pay: [aPayment(2, credit, [[0, 1]])] })],
      now,
    );
    await refundEscrows(context);
    expect(await store.ledger.escrows()).toEqual([]);
  });

  it('buys priority: each step costs one more credit for each of work, and the volunteer gets no more', async () => {
    await assertCredit(context, owner);
    const { job, shard } = await aJobOf(owner, false, { priority: 3 });
    await earn(shard, 1, 100);
    expect(await balances()).toMatchObject({
      fee: 302,
      [`volunteer:${accountId(1)}:pending`]: 100,
      [`escrow:${job.jobId}`]: 10,
    });
  });

  it('has its priority weigh against other scientists for as long as it is paid for', async () => {
    await assertCredit(context, owner);
    const { job } = await aJobOf(owner, false, { priority: 3 });
    const other = aJob({ jobId: jobId(2), owner: accountId(51) });
    const shareOf = async () => {
      await reconcileFunds(context, 0);
      const { splitTurns } = context;
      let own = 0;
      for (let i = 0; i < 100; i++) {
        const next = splitTurns.next([job, other]) ?? other;
        if (next === job) own++;
        splitTurns.charge(next, 1);
      }
      return own;
    };
    expect(await shareOf()).toBe(80);
    await store.jobs.curate(job.jobId, true);
    expect(await shareOf()).toBe(50);
  });

  it('[C5] who has no credit left has jobs paused, and what was out is paid from bad debt', async () => {
    await assertCredit(context, owner);
    const { job, shard } = await aJobOf(owner, false);
    await earn(shard, 1, 1500);
    expect(await balances()).toEqual({
      mint: -1000,
      fee: 30,
      baddebt: -530,
      [`volunteer:${accountId(1)}:pending`]: 1500,
    });
    await reconcileFunds(context, 0);
    expect(await store.jobs.read(job.jobId)).toMatchObject({
      state: 'paused',
      pauses: { credit_spent: 'its owner has no credit left' },
    });
    const refused = await assertCredit(context, owner).catch((error) => error);
    expect(refused).toBeInstanceOf(GridError);
    expect(refused).toMatchObject({ code: 'credit_insufficient' });
  });

  it('[C3] spends what their own machines have earned, once it is available', async () => {
    await store.registry.changeSettings({ allowanceMicro: 0n });
    const curated = await aJobOf(accountId(9), true, {}, 2);
    await earn(curated.shard, 50, 200);
    await expect(assertCredit(context, owner)).rejects.toThrow(/no credit/);
    now += 32 * dayMs;
    await finaliseCredit(context);
    await assertCredit(context, owner);
    length = 0;
    const { job, shard } = await aJobOf(owner, false);
    await earn(shard, 1, 100);
    expect(await balances()).toEqual({
      mint: -200,
      fee: 2,
      [`volunteer:${owner}:available`]: 88,
      [`volunteer:${accountId(1)}:pending`]: 100,
      [`escrow:${job.jobId}`]: 10,
    });
  });

  it('who works for their own job pays the fee, and it is no recent credit', async () => {
    await assertCredit(context, owner);
    const { shard } = await aJobOf(owner, false);
    await earn(shard, 50, 100);
    expect((await balances())['fee']).toBe(2);
    expect(await store.ledger.standing('volunteer', owner)).toMatchObject({
      creditMicro: BigInt(100 * credit),
      recent: null,
    });
    expect(await store.ledger.rank('volunteer', 'recent', owner)).toBeNull();
  });

  it('[C5] who has a liar paid from bad debt gains nothing when the liar’s pay is revoked', async () => {
    await assertCredit(context, owner);
    const { job, shard } = await aJobOf(owner, false, { priority: 3 });
    await earn(shard, 1, 500);
    const back = { ...aPayment(1, 500 * credit, [[0, 1]]), kind: 'revoke' as const };
    await store.append(0, [anAppend(shard, length++, 'y', { pay: [back] })], now);
    await applied(store, 0, now);
    await store.jobs.cancel(job.jobId, now);
    await refundEscrows(context);
    expect(await balances()).toEqual({ mint: -1000, [`scientist:${owner}`]: 1000 });
    expect(await store.ledger.owed(owner)).toBe(0n);
  });

  it('[C5] who was lent credit pays it back before anything else', async () => {
    await assertCredit(context, owner);
    const { job, shard } = await aJobOf(owner, false);
    await earn(shard, 1, 1500);
    expect(await store.ledger.owed(owner)).toBe(BigInt(530 * credit));
    const curated = await aJobOf(accountId(9), true, {}, 2);
    const state = async () => (await store.jobs.read(job.jobId))?.state;
    const earnsThere = async (credits: number, at: number) => {
      const pay = [aPayment(50, credits * credit, [[at, 1]])];
      await store.append(0, [anAppend(curated.shard, at, 'x', { pay })], now);
      await applied(store, 0, now);
      now += 40 * dayMs;
      await finaliseCredit(context);
      await reconcileFunds(context, 0);
    };
    await earnsThere(530, 0);
    expect(await state()).toBe('paused');
    await expect(assertCredit(context, owner)).rejects.toThrow(/owes 530000000 microcredit/);
    await earnsThere(170, 1);
    expect(await state()).toBe('open');
    await earn(shard, 1, 100);
    expect(await balances()).toMatchObject({
      [`volunteer:${owner}:available`]: 58,
      [`escrow:${job.jobId}`]: 10,
    });
    expect(await balances()).not.toHaveProperty('baddebt');
    expect(await store.ledger.owed(owner)).toBe(0n);
  });

  it('[C3] what is revoked comes back to the escrow, with its fee', async () => {
    await assertCredit(context, owner);
    const { job, shard } = await aJobOf(owner, false);
    await earn(shard, 1, 100);
    const back = { ...aPayment(1, 100 * credit, [[0, 1]]), kind: 'revoke' as const };
    await store.append(0, [anAppend(shard, length++, 'y', { pay: [back] })], now);
    await applied(store, 0, now);
    expect(await balances()).toEqual({
      mint: -1000,
      [`escrow:${job.jobId}`]: 112,
      [`scientist:${owner}`]: 888,
    });
  });
});

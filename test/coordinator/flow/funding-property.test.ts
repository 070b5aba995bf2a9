/**
 * The ledger under whatever may come, with everybody who pays: the mint, scientists with an allowance, and a volunteer
 * who spends on their own job what they have earned, also on their own work. Grants, checks of the same units, revocations,
 * ends of holds, jobs that end, credit that runs out; awards at once, and crashes before and behind an entry.
 */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import type { Payment } from '../../../coordinator/domain/award.ts';
import { dayMs } from '../../../coordinator/domain/day.ts';
import type { JobFacts } from '../../../coordinator/domain/job.ts';
import { mayBeNegative } from '../../../coordinator/domain/ledger.ts';
import { LedgerReplay } from '../../../coordinator/domain/ledger-replay.ts';
import { type Shard, splitShard } from '../../../coordinator/domain/shard.ts';
import { Turns } from '../../../coordinator/domain/turns.ts';
import { Window } from '../../../coordinator/domain/window.ts';
import type { Context } from '../../../coordinator/flow/context.ts';
import { finaliseCredit } from '../../../coordinator/flow/finalise-credit.ts';
import { assertCredit, reconcileFunds, refundEscrows } from '../../../coordinator/flow/fund.ts';
import { MemoryStore } from '../../../coordinator/store/memory-store.ts';
import { OutcomeUnknown, type Store } from '../../../coordinator/store/store.ts';
import { GridError } from '../../../protocol/errors.ts';
import type { EntryLine } from '../../../protocol/ledger.ts';
import { accountId, aJob, hostId, jobId } from '../builders.ts';
import { anAppend, applied } from '../store/arrange.ts';

const unitsPerJob = 40;
const scientist = accountId(50);
/** Of these the second owns a job as well. */
const volunteers = [0, 1, 2, 3];
const owners = [scientist, accountId(1)];

type Fate = 'well' | 'dies_before' | 'dies_behind';

const job = fc.nat(2);
const event = fc.oneof(
  {
    weight: 7,
    arbitrary: fc.record({
      kind: fc.constant('grant' as const),
      job,
      holder: fc.constantFrom(...volunteers),
      units: fc.integer({ min: 1, max: 5 }),
      // Up to half of an allowance, so that it is spent.
      micro: fc.oneof(fc.nat(9), fc.nat(5e8)),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('check' as const),
      nth: fc.nat(30),
      holder: fc.constantFrom(...volunteers),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('revoke' as const), nth: fc.nat(30) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('award' as const),
      times: fc.integer({ min: 1, max: 3 }),
      fate: fc.constantFrom<Fate>('well', 'dies_before', 'dies_behind'),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('days' as const), days: fc.nat(5) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('rounds' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('allow' as const), owner: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const), job }) },
);

/** The store, but the next entry meets its fate: the process dies before it is written, or before it is told. */
function fated(store: Store, fate: () => Fate): Store {
  const ledger = new Proxy(store.ledger, {
    get(target, name) {
      const found = Reflect.get(target, name);
      if (typeof found !== 'function') return found;
      if (name !== 'post') return found.bind(target);
      return async (...args: unknown[]) => {
        const now = fate();
        if (now === 'dies_before') throw new OutcomeUnknown('died');
        const reply = await found.apply(target, args);
        if (now === 'dies_behind') throw new OutcomeUnknown('died');
        return reply;
      };
    },
  });
  return new Proxy(store, {
    get(target, name) {
      if (name === 'ledger') return ledger;
      const found = Reflect.get(target, name);
      return typeof found === 'function' ? found.bind(target) : found;
    },
  });
}

/** A crash ends a step; whoever comes next takes it again. That there is no credit left is an answer. */
async function survive(step: () => Promise<unknown>): Promise<void> {
  await step().catch((error) => {
    if (!(error instanceof OutcomeUnknown || error instanceof GridError)) throw error;
  });
}

it('[C1] [C2] [C3] [C5] whoever pays, and whatever dies, the ledger sums to zero, nobody but the mint and bad debt is below it, and the standings are a recount', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(event, { minLength: 10, maxLength: 70, size: 'max' }),
      async (events) => {
        const memory = new MemoryStore();
        let fate: Fate = 'well';
        const store = fated(memory, () => {
          const met = fate;
          fate = 'well';
          return met;
        });
        let now = 1000 * dayMs;
        const grid = await store.grid.open({ gridId: 'g', partitions: 1, createdAt: now });
        const context = {
          grid,
          store,
          window: new Window(),
          splitTurns: new Turns(),
          jobs: { facts: (id) => store.jobs.read(id), known: () => null },
          now: () => now,
          log: pino({ level: 'silent' }),
          happened: () => undefined,
        } as Partial<Context> as Context;

        const jobs: { job: JobFacts; shard: Shard; length: number; free: number }[] = [];
        for (const [i, owner] of [scientist, ...owners].entries()) {
          const document = i === 2 ? { priority: 3 } : {};
          const facts = aJob({
            ...{ jobId: jobId(i), units: unitsPerJob, unitsPerShard: unitsPerJob },
            ...{ owner, document },
          });
          await store.jobs.submit(facts, i === 0);
          const shard = splitShard(facts, 0);
          await store.openShard(facts, shard);
          jobs.push({ job: facts, shard, length: 0, free: 0 });
        }
        /** By what was paid, and still stands. */
        const standing: { nth: number; payment: Payment }[] = [];
        const everPaid = new Set<string>();
        const pay = async (nth: number, payment: Payment): Promise<boolean> => {
          const of = jobs[nth];
          if (of === undefined) return false;
          const append = anAppend(of.shard, of.length, 'x', { pay: [payment] });
          const [reply] = await store.append(0, [append], now);
          if (reply?.kind !== 'written') return false;
          of.length++;
          return true;
        };
        const award = () => survive(() => applied(store, 0, now));

        for (const step of events) {
          const of = step.kind === 'grant' ? jobs[step.job] : undefined;
          if (step.kind === 'grant' && of !== undefined && of.free + step.units <= unitsPerJob) {
            const ids = { accountId: accountId(step.holder), hostId: hostId(step.holder) };
            const units: [number, number][] = [[of.free, step.units]];
            const payment: Payment = { kind: 'grant', ...ids, micro: step.micro, units };
            of.free += step.units;
            if (!(await pay(step.job, payment))) continue;
            standing.push({ nth: step.job, payment });
            everPaid.add(`${step.job} ${units} ${step.holder}`);
          } else if (step.kind === 'check') {
            const checked = standing[step.nth];
            const key = `${checked?.nth} ${checked?.payment.units} ${step.holder}`;
            if (checked === undefined || everPaid.has(key)) continue;
            const ids = { accountId: accountId(step.holder), hostId: hostId(step.holder) };
            const payment = { ...checked.payment, ...ids };
            if (!(await pay(checked.nth, payment))) continue;
            standing.push({ nth: checked.nth, payment });
            everPaid.add(key);
          } else if (step.kind === 'revoke') {
            const lost = standing[step.nth];
            if (lost === undefined) continue;
            if (await pay(lost.nth, { ...lost.payment, kind: 'revoke' }))
              standing.splice(step.nth, 1);
          } else if (step.kind === 'award') {
            fate = step.fate;
            await Promise.all(Array.from({ length: step.times }, award));
          } else if (step.kind === 'days') now += step.days * dayMs;
          else if (step.kind === 'allow') {
            await survive(() => assertCredit(context, owners[step.owner] ?? scientist));
          } else if (step.kind === 'cancel') await store.jobs.cancel(jobId(step.job), now);
          else if (step.kind === 'rounds') {
            await survive(() => finaliseCredit(context));
            await reconcileFunds(context, 0);
            await survive(() => refundEscrows(context));
          }
        }
        fate = 'well';
        await award();
        await refundEscrows(context);

        const { replay, entries, balances } = await replayed(memory);
        let sum = 0n;
        for (const [account, micro] of balances) {
          sum += micro;
          expect(micro >= 0n || mayBeNegative(account), `${account} has ${micro}`).toBe(true);
        }
        expect(sum).toBe(0n);
        let owed = 0n;
        for (const one of [scientist, ...volunteers.map((holder) => accountId(holder))])
          owed += await memory.ledger.owed(one);
        expect(owed).toBe(-(balances.get('baddebt') ?? 0n));
        const units = standing.flatMap(({ payment }) => payment.units);
        expect(replay.units).toBe(units.reduce((total, [, count]) => total + count, 0));
        for (const holder of volunteers) {
          const account = accountId(holder);
          const grants = entries.flatMap((entry) => entry.grants);
          const earned = grants
            .filter((grant) => grant.accountId === account)
            .reduce(
              (total, { kind, micro }) =>
                total + (kind === 'grant' ? BigInt(micro) : -BigInt(micro)),
              0n,
            );
          expect((await memory.ledger.standing('volunteer', account))?.creditMicro ?? 0n).toBe(
            earned,
          );
        }
        for (const { job: facts } of jobs) {
          const isOver = (await memory.jobs.read(facts.jobId))?.state === 'cancelled';
          if (isOver) expect(balances.get(`escrow:${facts.jobId}`)).toBeUndefined();
        }
      },
    ),
    { numRuns: 150 },
  );
});

/** The ledger replayed by other code, which finds what was paid twice, overdrawn or not in order. */
async function replayed(store: MemoryStore) {
  const replay = new LedgerReplay();
  const entries: EntryLine[] = [];
  for (const { line } of await store.ledger.readEntries(0, 1e6)) {
    entries.push(JSON.parse(line));
    replay.add(JSON.parse(line), createHash('sha256').update(line).digest('hex'));
  }
  const { head, balances } = await store.ledger.allBalances();
  const told = Object.fromEntries([...balances].map(([name, micro]) => [name, `${micro}`]));
  replay.finish({ end: { number: head.number, hash: head.hash, balances: told } });
  return { replay, entries, balances };
}

/**
 * The ledger under whatever may come: grants, revocations, ends of holds, days that pass, clocks that go
 * back, coordinators that award at once and steps whose reply is lost. After each of them everything is
 * counted again from the entries, by other code.
 */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Payment } from '../../../coordinator/domain/award.ts';
import { dayMs } from '../../../coordinator/domain/day.ts';
import { LedgerFlaw, LedgerReplay } from '../../../coordinator/domain/ledger-replay.ts';
import { splitShard } from '../../../coordinator/domain/shard.ts';
import {
  addRecent,
  type StandingKind,
  standingKinds,
} from '../../../coordinator/domain/standing.ts';
import { finaliseCredit } from '../../../coordinator/flow/finalise-credit.ts';
import { MemoryStore } from '../../../coordinator/store/memory-store.ts';
import type { EntryLine, LedgerEnd } from '../../../protocol/ledger.ts';
import { accountId, aJob, hostId } from '../builders.ts';
import { aHost, anAppend, applied } from '../store/arrange.ts';

const unitsPerJob = 24;

/** What is paid next, or when it is. */
const event = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('grant' as const),
      holder: fc.nat(3),
      units: fc.integer({ min: 1, max: 5 }),
      micro: fc.oneof(fc.nat(9), fc.nat(1e12)),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('revoke' as const), nth: fc.nat(30) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('award' as const),
      times: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('time' as const),
      days: fc.integer({ min: -2, max: 6 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('finalise' as const) }) },
);

async function replayed(
  store: MemoryStore,
): Promise<{ replay: LedgerReplay; entries: EntryLine[] }> {
  const replay = new LedgerReplay();
  const entries: EntryLine[] = [];
  for (const { line } of await store.ledger.readEntries(0, 1e6)) {
    entries.push(JSON.parse(line));
    replay.add(JSON.parse(line), createHash('sha256').update(line).digest('hex'));
  }
  const { head, balances } = await store.ledger.allBalances();
  const end = {
    number: head.number,
    hash: head.hash,
    balances: Object.fromEntries([...balances].map(([name, micro]) => [name, `${micro}`])),
  };
  replay.finish({ end } satisfies LedgerEnd);
  return { replay, entries };
}

/** Standings counted from the entries alone. */
function recount(entries: readonly EntryLine[], kind: StandingKind): Map<string, bigint> {
  const sums = new Map<string, bigint>();
  for (const grant of entries.flatMap(({ grants }) => grants)) {
    // Nobody is in a team here; test/coordinator/store/contract-ledger.ts has teams.
    const { accountId: volunteer, hostId: host, jobId: job } = grant;
    const country = host === hostId(1) ? 'DE' : '';
    const id = { volunteer, host, job, team: '', country }[kind];
    if (id === '') continue;
    const micro = grant.kind === 'grant' ? BigInt(grant.micro) : -BigInt(grant.micro);
    sums.set(id, (sums.get(id) ?? 0n) + micro);
  }
  return sums;
}

it('[C1] [C2] [C3] whatever is granted, revoked, repeated and finalised, the ledger replays without a flaw, and the standings are a recount', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(event, { minLength: 5, maxLength: 60, size: 'max' }),
      async (events) => {
        const store = new MemoryStore();
        await store.grid.open({ gridId: 'g', partitions: 1, createdAt: 0 });
        const job = aJob({ units: unitsPerJob, unitsPerShard: unitsPerJob });
        const shard = splitShard(job, 0);
        await store.jobs.submit(job);
        await store.openShard(job, shard);
        await store.accounts.enrolHost({ ...aHost(1, 1, 'one'), country: 'DE' }, true);
        let [now, free, length] = [100 * dayMs, 0, 0];
        const granted: Payment[] = [];
        const pay = async (payment: Payment) => {
          await store.append(0, [anAppend(shard, length++, 'x', { pay: [payment] })], now);
        };
        for (const step of events) {
          if (step.kind === 'grant' && free + step.units <= unitsPerJob) {
            const { holder, micro, units } = step;
            const ids = { accountId: accountId(holder), hostId: hostId(holder) };
            const payment: Payment = { kind: 'grant', ...ids, micro, units: [[free, units]] };
            free += units;
            granted.push(payment);
            await pay(payment);
          } else if (step.kind === 'revoke') {
            const [payment] = granted.splice(step.nth, 1);
            if (payment !== undefined) await pay({ ...payment, kind: 'revoke' });
          } else if (step.kind === 'award') {
            await Promise.all(Array.from({ length: step.times }, () => applied(store, 0, now)));
          } else if (step.kind === 'time') now += step.days * dayMs;
          else if (step.kind === 'finalise') await finaliseCredit({ store, now: () => now });
        }
        await applied(store, 0, now);

        const { replay, entries } = await replayed(store);
        const units = granted
          .flatMap((payment) => payment.units)
          .reduce((sum, [, n]) => sum + n, 0);
        expect(replay.units).toBe(units);
        for (const kind of standingKinds) {
          const sums = recount(entries, kind);
          for (const [id, sum] of sums) {
            const row = await store.ledger.standing(kind, id);
            expect(row?.creditMicro ?? 0n).toBe(sum);
          }
          const rows = await store.ledger.standings(kind, 'total', 0, 99);
          expect(rows.every(({ id }) => sums.has(id))).toBe(true);
          for (const [i, { id }] of rows.entries()) {
            expect(await store.ledger.rank(kind, 'total', id)).toBe(i + 1);
          }
        }
      },
    ),
    { numRuns: 150 },
  );
});

it('recent credit is what the history by day adds up to', async () => {
  const store = new MemoryStore();
  await store.grid.open({ gridId: 'g', partitions: 1, createdAt: 0 });
  const job = aJob({ units: 1000, unitsPerShard: 1000 });
  const shard = splitShard(job, 0);
  await store.jobs.submit(job);
  await store.openShard(job, shard);
  const days = Array.from({ length: 20 }, (_, i) => 1000 + i);
  for (const [i, day] of days.entries()) {
    const payment = {
      kind: 'grant' as const,
      accountId: accountId(1),
      hostId: hostId(1),
      micro: 1 + ((i * 7919) % 1000),
      units: [[i, 1]] as [number, number][],
    };
    await store.append(0, [anAppend(shard, i, 'x', { pay: [payment] })], 1);
    await applied(store, 0, day * dayMs);
  }
  const byDay = await store.ledger.earnedByDay('volunteer', accountId(1), days);
  const counted = byDay.reduce<number | null>(
    (recent, micro, i) => addRecent(recent, Number(micro), days[i] ?? 0),
    null,
  );
  const row = await store.ledger.standing('volunteer', accountId(1));
  expect(row?.recent).toBeCloseTo(Number(counted), 9);
});

it('a ledger that was tampered with is found out, at the entry', async () => {
  const store = new MemoryStore();
  await store.grid.open({ gridId: 'g', partitions: 1, createdAt: 0 });
  const job = aJob({ units: 8, unitsPerShard: 8 });
  const shard = splitShard(job, 0);
  await store.jobs.submit(job);
  await store.openShard(job, shard);
  for (const unit of [0, 1, 2]) {
    const payment = {
      kind: 'grant' as const,
      accountId: accountId(1),
      hostId: hostId(1),
      micro: 5,
      units: [[unit, 1]] as [number, number][],
    };
    await store.append(0, [anAppend(shard, unit, 'x', { pay: [payment] })], 1);
    await applied(store, 0, dayMs);
  }
  const lines = (await store.ledger.readEntries(0, 9)).map(({ line }) => line);
  const replay = (changed: string[]) => () => {
    const run = new LedgerReplay();
    for (const line of changed)
      run.add(JSON.parse(line), createHash('sha256').update(line).digest('hex'));
  };
  const [one = '', two = '', three = ''] = lines;
  expect(replay(lines)).not.toThrow();
  expect(replay([one, two.replace('"5"', '"6"'), three])).toThrow(LedgerFlaw);
  expect(replay([one, three])).toThrow(/entry 1: it should be entry 2/);
  expect(replay([one, two.replace('[1,1]', '[0,1]'), three])).toThrow(
    /entry 2: unit 0 .* second grant/,
  );
  expect(replay([one, two.replace('"at":86400000', '"at":1'), three])).toThrow(/entry 2: its time/);
  expect(replay([one, two.replaceAll('"5"', '"7"').replace('"-5"', '"-7"'), three])).toThrow(
    /entry 3: it does not name/,
  );
});

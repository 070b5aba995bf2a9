/**
 * How results become final, over the store in memory: by the day, in the order of the shards, never back, and in
 * the end all of them; and what is not needed after that is forgotten.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '../../../coordinator/artifacts/artifacts.ts';
import { dayMs, dayOf } from '../../../coordinator/domain/day.ts';
import { answerOf, type LateResult } from '../../../coordinator/domain/late.ts';
import { isCheck, type Shard, shardId, splitShard } from '../../../coordinator/domain/shard.ts';
import { caseName, newCase, type UnitCase } from '../../../coordinator/domain/trust/docket.ts';
import { KnownHosts } from '../../../coordinator/domain/trust/known-hosts.ts';
import { toOrders } from '../../../coordinator/domain/trust/orders.ts';
import { type Reliability, stranger } from '../../../coordinator/domain/trust/reliability.ts';
import { applyAmendments } from '../../../coordinator/flow/amend.ts';
import { award } from '../../../coordinator/flow/award.ts';
import { drawAudits } from '../../../coordinator/flow/draw-audits.ts';
import { finaliseCredit } from '../../../coordinator/flow/finalise-credit.ts';
import { finaliseResults } from '../../../coordinator/flow/finalise-results.ts';
import { firstPages, forgetFinal } from '../../../coordinator/flow/forget-final.ts';
import { hearChecks } from '../../../coordinator/flow/hear-checks/hear-checks.ts';
import { knowHost } from '../../../coordinator/flow/know-host.ts';
import { sweepConvicted } from '../../../coordinator/flow/sweep.ts';
import { MemoryStore } from '../../../coordinator/store/memory-store.ts';
import { marksOf, talliesOf } from '../../../coordinator/store/trust-store.ts';
import { accountId, aJob, aResult, hostId, jobId, leaseId } from '../builders.ts';
import { reportTo } from './report-to.ts';
import { aTrustContext, type TrustContext } from './trust-context.ts';

/** Four shards of four. */
let job = aJob({ units: 16, unitsPerShard: 4 });
const start = 20_000 * dayMs;

let store: MemoryStore;
let now: number;
let context: TrustContext;

async function begin(parts: Parameters<typeof aJob>[0] = {}): Promise<void> {
  store = new MemoryStore();
  now = start;
  job = aJob({ units: 16, unitsPerShard: 4, ...parts });
  const grid = await store.grid.open({ gridId: 'g', partitions: 1, createdAt: start - 9 * dayMs });
  context = await aTrustContext(store, job, { grid, now: () => now });
  await store.jobs.submit(job);
  for (const host of [1, 2, 3]) await meet(host);
}
beforeEach(() => begin());

const meet = (host: number) =>
  knowHost(
    context,
    { hostId: hostId(host), accountId: accountId(host) },
    { network: `n${host}`, runtime: '1', threads: 1 },
  );
const shardOf = (number: number): Shard => splitShard(job, number);
const open = (number: number) => store.openShard(job, shardOf(number));
const report = (host: number, of: Shard, positions = [0, 1, 2, 3]) =>
  reportTo(
    store,
    of,
    host,
    positions.map((position) => aResult(position)),
    now,
  );
/** A host does all of a job, and all that follows from it within the day. */
async function work(host: number, from = 0, to = 4): Promise<void> {
  for (let number = from; number < to; number++) {
    await open(number);
    await report(host, shardOf(number));
  }
  await trust();
}
/** The rounds of trust, and of credit. */
async function trust(): Promise<void> {
  for (let round = 0; round < 3; round++) {
    await drawAudits(context, 0);
    await hearChecks(context, 0);
    await applyAmendments(context, 0);
    await sweepConvicted(context);
  }
  await award(context, 0);
}
/** An account that is known well enough; its record is as if it had made so many results. */
async function known(host: number, parts: Partial<Reliability> = {}): Promise<void> {
  const record = {
    ...stranger(start - 30 * dayMs),
    lastSeenAt: start - dayMs,
    results: 500,
    checks: 50,
    passed: 50,
    ...parts,
  };
  const found = (await store.trust.read('hosts', [hostId(host)])).get(hostId(host));
  const seen = context.knownHosts.find(hostId(host));
  if (seen === null) throw new Error(`host ${host} is not here`);
  await store.trust.write(await store.trust.version(), [
    { table: 'hosts', field: hostId(host), value: { ...(found ?? seen), record } },
    { table: 'accounts', field: accountId(host), value: record },
  ]);
}
const finalise = () => finaliseResults(context, 0);
/** Looks once a day, as a coordinator does more often. */
async function pass(days: number): Promise<void> {
  await finalise();
  for (let i = 0; i < days; i++) {
    now += dayMs;
    await finalise();
    await trust();
    await finaliseCredit(context);
  }
}
const final = async () => (await store.jobs.read(job.jobId))?.counts.final;
const checksOut = async () => (await store.openShards(0)).filter(isCheck);
const available = async (host: number) =>
  (await store.ledger.balances([`volunteer:${accountId(host)}:available`] as const))[0];
/** An audit may be audited itself: by the one of the two others that has not testified. */
async function answerChecks(): Promise<void> {
  for (let round = 0; round < 2; round++) {
    for (const { units, ...check } of await checksOut()) {
      const heard = (check.check?.heard ?? []).flat().map((one) => one.hostId);
      const host = [2, 3].find((other) => !heard.includes(hostId(other)));
      if (host !== undefined && 'list' in units)
        await report(host, { ...check, units }, [...units.list.keys()]);
    }
    await trust();
  }
}
const complete = () => store.jobs.complete(job.jobId, 0, now);

describe('results', () => {
  it('[T5] become final a month after the end of their day, and so does what they earned', async () => {
    await known(1);
    await work(1);
    await answerChecks();
    await complete();
    await pass(30);
    expect(await final()).toBe(0);
    expect(await available(1)).toBe(0n);
    await pass(1);
    expect(await final()).toBe(16);
    expect(await available(1)).toBe(16n);
    expect(await store.jobs.read(job.jobId)).toMatchObject({ finalAt: now, marks: [] });
    expect(await store.jobs.listHeld(0)).toEqual([]);
  });

  it('[T5] become final after a week when their account has made ten thousand results since', async () => {
    await known(1);
    await work(1);
    await answerChecks();
    await complete();
    await pass(2);
    const record = (await store.trust.read('accounts', [accountId(1)])).get(accountId(1));
    if (record === undefined) throw new Error('the account has no record');
    const { results } = record;
    await known(1, { ...record, results: results + 9_999, lastSeenAt: now });
    await store.trust.write(await store.trust.version(), [
      { table: marksOf(dayOf(start)), field: accountId(1), value: results },
    ]);
    await pass(6);
    expect([await final(), await available(1)]).toEqual([0, 0n]);
    await known(1, { ...record, results: results + 10_000, lastSeenAt: now });
    await finalise();
    await finaliseCredit(context);
    expect([await final(), await available(1)]).toEqual([16, 16n]);
  });

  it('[T5] become final no earlier than a week after the end of their day, however many came since', async () => {
    await known(1);
    await work(1);
    await answerChecks();
    await complete();
    const record = (await store.trust.read('accounts', [accountId(1)])).get(accountId(1));
    if (record === undefined) throw new Error('the account has no record');
    const { results } = record;
    await pass(2);
    await store.trust.write(await store.trust.version(), [
      { table: marksOf(dayOf(start)), field: accountId(1), value: results },
    ]);
    await known(1, { ...record, results: results + 10_000, lastSeenAt: now });
    await pass(5);
    expect([await final(), await available(1)]).toEqual([0, 0n]);
    await pass(1);
    expect([await final(), await available(1)]).toEqual([16, 16n]);
  });

  it('are final in the order of the shards, while the job goes on', async () => {
    await known(1);
    await work(1, 0, 1);
    await open(1);
    await report(1, shardOf(1), [0]);
    await work(1, 2, 3);
    await answerChecks();
    await pass(31);
    expect(await final()).toBe(4);
    await report(1, shardOf(1), [1, 2, 3]);
    await trust();
    await answerChecks();
    await pass(30);
    expect(await final()).toBe(4);
    await pass(2);
    expect(await final()).toBe(12);
    expect(await store.jobs.read(job.jobId)).toMatchObject({ state: 'open', finalAt: null });
  });

  it('of which a check is out are held until it was heard', async () => {
    await known(1);
    await work(1);
    const about: UnitCase = {
      trust: 'A1',
      wanted: 2,
      testimonies: [],
      isOut: true,
      canonical: '',
    };
    const field = caseName(job.jobId, 9);
    await answerChecks();
    await store.trust.write(await store.trust.version(), [{ table: 'cases', field, value: about }]);
    await complete();
    await pass(31);
    expect(await final()).toBe(8);
    const value = { ...about, isOut: false, canonical: 'x' };
    await store.trust.write(await store.trust.version(), [{ table: 'cases', field, value }]);
    await pass(1);
    expect(await final()).toBe(16);
  });

  it('of a host that was proven wrong are held until they were looked at', async () => {
    await known(1);
    await work(1);
    await answerChecks();
    await complete();
    await pass(30);
    await store.trust.write(await store.trust.version(), [
      { table: 'sweeps', field: hostId(1), value: 'host' },
    ]);
    now += dayMs;
    await finalise();
    expect(await final()).toBe(0);
    expect([...(await finaliseCredit(context))]).not.toContain(accountId(1));
  });
});

describe('whoever left before it was known', () => {
  beforeEach(async () => {
    await known(2);
    await known(3);
    await work(1);
    await answerChecks();
    await complete();
  });
  const unconfirmed = async () => {
    const names = Array.from({ length: 16 }, (_, unit) => caseName(job.jobId, unit));
    const cases = await store.trust.read('cases', names);
    return names.filter((name) => (cases.get(name)?.testimonies.length ?? 0) < 2).length;
  };

  it('has its results checked again after a week, those that nobody has confirmed; then they become final', async () => {
    const before = await unconfirmed();
    expect(before).toBeGreaterThan(8);
    await pass(7);
    expect(await checksOut()).toEqual([]);
    await pass(2);
    const units = (await checksOut()).flatMap(({ units }) => ('list' in units ? units.list : []));
    expect(units).toHaveLength(before);
    await answerChecks();
    expect(await unconfirmed()).toBe(0);
    await pass(21);
    expect(await final()).toBe(0);
    await pass(2);
    expect([await final(), await available(1)]).toEqual([16, 16n]);
  });

  it('[T5] is taken at its word when nobody has checked it in two months', async () => {
    await pass(59);
    expect((await checksOut()).length).toBeGreaterThan(0);
    // What was audited at the beginning is final, and nothing after it.
    expect([await final(), await available(1)]).toEqual([4, 0n]);
    await pass(3);
    expect([await final(), await available(1)]).toEqual([16, 16n]);
    expect(await checksOut()).toEqual([]);
  });

  it('is not looked for while nobody else is here', async () => {
    context.knownHosts = new KnownHosts();
    await pass(40);
    expect(await checksOut()).toEqual([]);
  });
});

describe('a job that is cancelled', () => {
  it('has final results too: those that were accepted', async () => {
    await known(1);
    await work(1, 0, 2);
    await answerChecks();
    await open(2);
    await report(1, shardOf(2), [0]);
    await trust();
    await store.jobs.cancel(job.jobId, now);
    await pass(31);
    expect(await final()).toBe(9);
    expect((await store.jobs.read(job.jobId))?.finalAt).toBe(now);
  });

  it('keeps no account of whom it was still to check, from the next look on', async () => {
    await known(1);
    await work(1, 0, 2);
    const tallies = () => store.trust.count(talliesOf(job.jobId));
    await finalise();
    expect(await tallies()).toBe(1);
    await store.jobs.cancel(job.jobId, now);
    await finalise();
    expect(await tallies()).toBe(0);
    await pass(33);
    expect((await store.jobs.read(job.jobId))?.finalAt).not.toBeNull();
    const pages = firstPages();
    await forgetFinal(context, pages);
    const tables = ['cases', 'work', 'numbers', 'orders'] as const;
    const rows = await Promise.all(tables.map((table) => store.trust.count(table)));
    expect([...rows, await tallies()]).toEqual([0, 0, 0, 0, 0]);
  });

  it('has none that its level asked to be checked and nobody did; after two months nothing more is waited for', async () => {
    await begin({ document: { trust: 'A2' } });
    await known(1);
    await work(1, 0, 1);
    await store.jobs.cancel(job.jobId, now);
    await pass(60);
    expect((await store.jobs.read(job.jobId))?.finalAt).toBeNull();
    await pass(1);
    expect(await store.jobs.read(job.jobId)).toMatchObject({ finalAt: now, counts: { final: 0 } });
  });
});

describe('[C2] a result that came late', () => {
  const late = (host: number, fuel = 1_000_000): LateResult => ({
    unit: 1,
    shard: 0,
    accountId: accountId(host),
    hostId: hostId(host),
    lease: { leaseId: leaseId(host), shard: 0, position: 1 },
    answer: answerOf(aResult(1, { fuel }), digestOf),
  });
  const earned = async (host: number) =>
    (await store.ledger.standing('volunteer', accountId(host)))?.creditMicro ?? 0n;

  it('is paid in full when what it agrees with is final, and not before; another is not', async () => {
    await known(1);
    await work(1);
    await answerChecks();
    await complete();
    await store.noteLate(job.jobId, [late(7), late(8, 1_000_001), late(1)]);
    await pass(30);
    expect([await earned(7), await earned(1)]).toEqual([0n, 16n]);
    await pass(1);
    expect([await earned(7), await earned(8), await earned(1)]).toEqual([1n, 0n, 16n]);
    expect(await store.readLate(job.jobId)).toEqual([]);
    await pass(3);
    expect(await earned(7)).toBe(1n);
    // What is paid now is no first result, which would be audited.
    expect(await store.trust.read('hosts', [hostId(7)])).toEqual(new Map());
  });

  type Step = 'moveHold' | 'settleLate';
  /** What somebody else does in the moment before this step, once. */
  function before(step: Step, act: () => Promise<void>): void {
    let isDone = false;
    const { jobs } = store;
    const real = jobs[step].bind(jobs) as (...args: unknown[]) => Promise<boolean>;
    Object.assign(jobs, {
      [step]: async (...args: unknown[]) => {
        if (!isDone) {
          isDone = true;
          await act();
        }
        return await real(...args);
      },
    });
  }
  /** Somebody has a check of unit 1 ordered, which of all hosts only the one that came late may take. */
  async function orderCheck(): Promise<void> {
    const { trust } = store;
    const host = (await trust.read('hosts', [hostId(1)])).get(hostId(1));
    if (host === undefined) throw new Error('host 1 has no record');
    const about: UnitCase = { ...newCase(host, hostId(1), 'A1'), wanted: 2, isOut: true };
    const numbers = await trust.read('numbers', [job.jobId]);
    const orders = toOrders([{ job, unit: 1, needs: 'anyone', about }], numbers, now);
    await trust.write(await trust.version(), [
      { table: 'cases', field: caseName(job.jobId, 1), value: about },
      ...orders.map((order) => {
        return { table: 'orders' as const, field: shardId(order), value: order };
      }),
      ...[...numbers].map(([field, value]) => ({ table: 'numbers' as const, field, value })),
    ]);
  }
  async function takeChecks(): Promise<void> {
    for (const check of await checksOut()) {
      const { units } = check;
      const at = 'list' in units ? units.list.indexOf(1) : -1;
      if (at >= 0) await report(7, check, [at]);
    }
  }

  it.each<[string, Step, () => Promise<void>]>([
    ['ordered just before it is final', 'moveHold', orderCheck],
    ['ordered just before it is paid', 'settleLate', orderCheck],
    [
      'open just before it is final, and done just after',
      'moveHold',
      async () => {
        await orderCheck();
        await hearChecks(context, 0);
      },
    ],
    [
      'done just before it is final',
      'moveHold',
      async () => {
        await orderCheck();
        await hearChecks(context, 0);
        await takeChecks();
      },
    ],
  ])('is paid once, also with a check of its unit that is %s', async (_, step, act) => {
    await known(1);
    await work(1);
    await answerChecks();
    await complete();
    await store.noteLate(job.jobId, [late(7)]);
    await meet(7);
    await pass(30);
    before(step, act);
    for (let day = 0; day < 4; day++) {
      now += dayMs;
      await finalise();
      await takeChecks();
      await hearChecks(context, 0);
      await takeChecks();
      await hearChecks(context, 0);
    }
    await award(context, 0);
    expect(await earned(7)).toBe(1n);
    expect(await store.jobs.listHeld(0)).toEqual([]);
    expect([await store.trust.count('orders'), await checksOut()]).toEqual([0, []]);
  });

  it('is not paid again for what a check of it was paid when its job was cancelled in the middle of that', async () => {
    await known(1);
    await work(1);
    await answerChecks();
    await store.noteLate(job.jobId, [late(7)]);
    await meet(7);
    await orderCheck();
    await hearChecks(context, 0);
    const [check] = (await checksOut()).filter(
      ({ units }) => 'list' in units && units.list.includes(1),
    );
    if (check === undefined) throw new Error('nothing is checked');
    await takeChecks();
    await store.jobs.cancel(job.jobId, now);
    await pass(33);
    expect(await earned(7)).toBe(1n);
  });

  it('is not noted when it comes after that', async () => {
    await known(1);
    await work(1, 0, 2);
    await answerChecks();
    await pass(31);
    await store.noteLate(job.jobId, [late(7)]);
    expect(await store.readLate(job.jobId)).toEqual([]);
  });
});

it('a job that cannot be looked at holds up no other', async () => {
  await known(1);
  await work(1);
  await answerChecks();
  await complete();
  const broken = aJob({ jobId: jobId(0), units: 4 });
  await store.jobs.submit(broken);
  await store.openShard(broken, splitShard(broken, 0));
  await reportTo(
    store,
    splitShard(broken, 0),
    1,
    [0, 1, 2, 3].map((at) => aResult(at)),
    now,
  );
  const read = store.readJournal.bind(store);
  store.readJournal = async (shard, from) => {
    if (shard.jobId === broken.jobId) throw new Error('a defect of ours');
    return await read(shard, from);
  };
  const { facts } = context.jobs;
  const factsOf = async (id: string) => (id === broken.jobId ? broken : await facts(id));
  const of = (id: string) => (id === broken.jobId ? broken : job);
  context = { ...context, jobs: { facts: factsOf, known: of } };
  await pass(31);
  expect(await final()).toBe(16);
  expect((await store.jobs.listHeld(0)).map((held) => held.jobId)).toEqual([broken.jobId]);
});

describe('what is final', () => {
  it('[T5] leaves no rows in the tables of trust, but the records of hosts and accounts', async () => {
    await known(1);
    await work(1);
    await complete();
    const pages = firstPages();
    const rows = async () => {
      const tables = ['cases', 'work', 'numbers', 'orders', talliesOf(job.jobId)] as const;
      return await Promise.all(tables.map((table) => store.trust.count(table)));
    };
    await forgetFinal(context, pages);
    expect((await rows()).every((count) => count > 0)).toBe(true);
    await pass(62);
    await forgetFinal(context, pages);
    expect(await rows()).toEqual([0, 0, 0, 0, 0]);
    expect(await store.trust.count('hosts')).toBeGreaterThan(0);
  });

  it('is left out of what is kept of a job that goes on', async () => {
    await known(1);
    await work(1, 0, 2);
    await answerChecks();
    await pass(31);
    await work(1, 2, 3);
    await answerChecks();
    await forgetFinal(context, firstPages());
    const work1 = (await store.trust.read('work', [hostId(1)])).get(hostId(1));
    expect(work1).toEqual({ [job.jobId]: [[2, 1]] });
    const cases = await store.trust.fields('cases');
    expect(cases.every((name) => Number(name.split(' ')[1]) >= 8)).toBe(true);
  });

  it('needs no marks of the days before its hold', async () => {
    for (const ago of [40, 35, 31, 5]) {
      await store.trust.write(await store.trust.version(), [
        { table: marksOf(dayOf(start) - ago), field: accountId(1), value: 1 },
      ]);
    }
    context = { ...context, grid: { ...context.grid, createdAt: start - 100 * dayMs } };
    await forgetFinal(context, firstPages());
    const left = [40, 35, 31, 5].map((ago) => store.trust.count(marksOf(dayOf(start) - ago)));
    expect(await Promise.all(left)).toEqual([0, 0, 1, 1]);
  });
});

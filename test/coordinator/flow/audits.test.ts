/**
 * Audits from the draw to the verdict, over the store in memory: what hosts report is recorded as the
 * coordinator records it, and checks go to those who may have them.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import { Capacities } from '../../../coordinator/domain/capacities.ts';
import { creditMicro } from '../../../coordinator/domain/credit.ts';
import { recordResults } from '../../../coordinator/domain/record.ts';
import {
  isCheck,
  type Shard,
  shardId,
  shardSize,
  unitAt,
} from '../../../coordinator/domain/shard.ts';
import { ShardState } from '../../../coordinator/domain/shard-state.ts';
import { KnownHosts } from '../../../coordinator/domain/trust/known-hosts.ts';
import { applyAmendments } from '../../../coordinator/flow/amend.ts';
import { drawAudits } from '../../../coordinator/flow/draw-audits.ts';
import { hearChecks } from '../../../coordinator/flow/hear-checks/hear-checks.ts';
import { knowHost } from '../../../coordinator/flow/know-host.ts';
import { sweepConvicted } from '../../../coordinator/flow/sweep.ts';
import { vouch } from '../../../coordinator/flow/vouch.ts';
import { MemoryStore } from '../../../coordinator/store/memory-store.ts';
import { accountId, aJob, aResult, hostId, leaseId } from '../builders.ts';
import { aTrustContext, operator, type TrustContext } from './trust-context.ts';

const units = 64;
const job = aJob({ units, unitsPerShard: units });
const shard: Shard = { jobId: job.jobId, number: 0, units: { from: 0, count: units } };
const wrongFuel = 9_000_000;
const every = Array.from({ length: units }, (_, unit) => unit);

let store: MemoryStore;
let queued: string[];
let leases = 0;
let context: TrustContext;

beforeEach(async () => {
  store = new MemoryStore();
  queued = [];
  context = await aTrustContext(store, job, {
    queue: { add: async (_, ids) => void queued.push(...ids) },
  });
  await store.jobs.submit(job);
  await store.openShard(job, shard);
});

const meet = (host: number, account = host) =>
  knowHost(context, holder(host, account), { network: `n${host}`, runtime: '1', threads: 1 });
const holder = (host: number, account: number) => ({
  hostId: hostId(host),
  accountId: accountId(account),
});

/** The host reports these positions, of which it has some wrong. */
async function report(host: number, of: Shard, positions: number[], wrong = -1): Promise<void> {
  const journal = await store.readJournal(of);
  const state = ShardState.replay(of, journal);
  const lease = {
    ...holder(host, host),
    leaseId: leaseId(++leases),
    positions: positions.map((position): [number, number] => [position, 1]),
  };
  const results = positions.map((position) => {
    const fuel = unitAt(of.units, position) === wrong ? wrongFuel : 10_000_000;
    return aResult(position, { fuel });
  });
  const recording = recordResults(state, lease, results);
  state.apply(recording.entries);
  const pay = recording.pay;
  await store.append(
    0,
    [
      {
        shard: of,
        expectedLength: journal.length,
        bytes: state.takeBytes(),
        closes: state.isClosed,
        canonical: isCheck(of) ? 0 : recording.canonical,
        failed: 0,
        fuel: 0,
        creditMicro: 0,
        pay:
          pay === null
            ? []
            : [
                {
                  ...holder(host, host),
                  kind: 'grant',
                  micro: pay.micro,
                  units: positions.map((position) => [unitAt(of.units, position), 1]),
                },
              ],
      },
    ],
    0,
  );
}

/** Two rounds: what the first one orders, the second one opens. */
const settle = async () => {
  for (let round = 0; round < 2; round++) {
    await drawAudits(context, 0);
    await hearChecks(context, 0);
    await applyAmendments(context, 0);
    await sweepConvicted({ ...context, randomBytes: (count) => new Uint8Array(count) });
  }
};
const checksOut = async () => (await store.openShards(0)).filter(isCheck);
const hostRecord = async (host: number) =>
  (await store.trust.read('hosts', [hostId(host)])).get(hostId(host));

describe('audits', () => {
  it('[T1] a newcomer’s first five results are given out again, once, as shards that list them', async () => {
    await meet(1);
    await meet(2);
    await report(1, shard, every.slice(0, 5));
    await settle();
    await settle();
    const [check] = await checksOut();
    expect(check?.units).toEqual({ list: [0, 1, 2, 3, 4] });
    expect(check?.check?.needs).toBe('trusted');
    expect(check?.check?.heard[0]?.map((heard) => heard.accountId)).toEqual([accountId(1)]);
    expect(queued).toEqual(check === undefined ? [] : [shardId(check)]);
    expect((await hostRecord(1))?.record).toMatchObject({ results: 5, checks: 5, passed: 0 });
  });

  it('nothing is audited in a grid of one account, where nobody could', async () => {
    await meet(1);
    await report(1, shard, every);
    await settle();
    expect(await checksOut()).toEqual([]);
    expect((await hostRecord(1))?.record.results).toBe(units);
  });

  it('both sides pass when they agree, and the check’s own results are not drawn as new ones', async () => {
    await meet(1);
    await meet(2);
    await report(1, shard, every.slice(0, 3));
    await settle();
    const [check] = await checksOut();
    if (check === undefined) throw new Error('nothing is checked');
    await report(2, check, [0, 1, 2]);
    await settle();
    await settle();
    expect((await hostRecord(1))?.record).toMatchObject({ checks: 3, passed: 3, wrong: 0 });
    expect((await hostRecord(2))?.record).toMatchObject({ results: 3, checks: 3, passed: 3 });
    // Of the three audits one was drawn for an audit itself, with this secret; or none was.
    for (const further of await checksOut()) expect(further.check?.heard[0]).toHaveLength(2);
  });

  it('answers that differ go to an anchor; whoever it proves wrong gets no further than quorums', async () => {
    for (const host of [1, 2, 3]) await meet(host);
    await report(1, shard, [0], 0);
    await settle();
    const [audit] = await checksOut();
    if (audit === undefined) throw new Error('nothing is checked');
    await report(2, audit, [0]);
    await settle();
    const [referee] = await checksOut();
    expect(referee?.check?.needs).toBe('anchor');
    if (referee === undefined) throw new Error('nothing is disputed');
    await vouch(context, operator, hostId(3), true, 'mine');
    await report(3, referee, [0]);
    await settle();
    expect(await checksOut()).toEqual([]);
    expect((await hostRecord(1))?.record).toMatchObject({ wrong: 1, passed: 0 });
    expect((await hostRecord(2))?.record).toMatchObject({ wrong: 0, passed: 1 });
    expect(context.knownHosts.standingOf(hostId(1), 1000).repute).toBe('flaky');
  });

  it('[T2] a wrong result is amended and its pay revoked; of the host’s others thirty are checked again', async () => {
    for (const host of [1, 2, 3]) await meet(host);
    await vouch(context, operator, hostId(3), true, 'mine');
    // Fifty results, of which the first is wrong; the first five are audited.
    await report(1, shard, every.slice(0, 50), 0);
    await settle();
    const [audit] = await checksOut();
    if (audit === undefined) throw new Error('nothing is checked');
    await report(2, audit, every.slice(0, shardSize(audit.units)));
    await settle();
    const referee = (await checksOut()).find(({ check }) => check?.needs === 'anchor');
    if (referee === undefined) throw new Error('nothing is disputed');
    expect(referee.units).toEqual({ list: [0] });
    await report(3, referee, [0]);
    await settle();
    const place = (await store.readAmendments(job.jobId)).get(0);
    expect(place).toEqual({ shard: audit.number, position: 0, hostId: hostId(2) });
    const payments = (await store.readOutbox(0, 0, 100)).flatMap((record) => record.payments);
    const revoked = payments.filter(({ kind }) => kind === 'revoke');
    expect(revoked).toEqual([
      { ...holder(1, 1), kind: 'revoke', micro: creditMicro(wrongFuel), units: [[0, 1]] },
    ]);
    const again = (await checksOut()).filter(({ check }) => check?.needs === 'trusted');
    const units = again.flatMap(({ units }) => ('list' in units ? units.list : []));
    expect(units.length).toBeGreaterThanOrEqual(25);
    expect(new Set(units).size).toBe(units.length);
    expect(await store.trust.count('sweeps')).toBe(0);
  });

  // Seed 107: one host got both checks of a unit, and the ledger, which pays once for it, stood still.
  it('[C2] what a sweep has found before it was drawn is checked once', async () => {
    await meet(1);
    await meet(2);
    await report(1, shard, [0]);
    await drawAudits(context, 0);
    await report(1, shard, [1, 2, 3]);
    const { trust } = store;
    const isProven = { table: 'sweeps', field: hostId(1), value: 'host' } as const;
    await trust.write(await trust.version(), [isProven]);
    await sweepConvicted({ ...context, randomBytes: (count) => new Uint8Array(count) });
    await settle();
    const lists = (await checksOut()).map(({ units }) => ('list' in units ? units.list : []));
    expect(lists.flat().toSorted()).toEqual([0, 1, 2, 3]);
    expect((await hostRecord(1))?.record.results).toBe(4);
  });

  it('a quarantine of the account is one of every host it brings, also of those that come for the first time', async () => {
    await meet(1);
    await meet(2);
    await report(1, shard, [0]);
    await drawAudits(context, 0);
    const { trust } = store;
    const account = (await trust.read('accounts', [accountId(1)])).get(accountId(1));
    if (account === undefined) throw new Error('the account has no record');
    const value = { ...account, quarantinedUntil: 5000 };
    const change = { table: 'accounts', field: accountId(1), value } as const;
    await trust.write(await trust.version(), [change]);
    context = { ...context, knownHosts: new KnownHosts() };
    await meet(7, 1);
    await meet(8, 8);
    const repute = (host: number, at: number) =>
      context.knownHosts.standingOf(hostId(host), at).repute;
    expect([repute(7, 1000), repute(8, 1000), repute(7, 5000)]).toEqual([
      'quarantined',
      'newcomer',
      'newcomer',
    ]);
  });

  it('an order whose shard was never opened, for we died in between, is opened later', async () => {
    await meet(1);
    await meet(2);
    await report(1, shard, [0]);
    await drawAudits(context, 0);
    expect(await checksOut()).toEqual([]);
    await hearChecks(context, 0);
    expect(await checksOut()).toHaveLength(1);
  });

  it('a job that is cancelled takes its checks with it', async () => {
    await meet(1);
    await meet(2);
    await report(1, shard, [0]);
    await settle();
    await store.jobs.cancel(job.jobId, 0);
    await settle();
    expect([await checksOut(), await store.trust.count('orders')]).toEqual([[], 0]);
  });

  it('a shard that holds as many as there are is told by number apart from those that were split', async () => {
    await meet(1);
    await meet(2);
    await report(1, shard, [0, 1]);
    await settle();
    const [check] = await checksOut();
    expect(check?.number).toBe(Math.ceil(job.units / shardSize(shard.units)));
  });
});

it('what was learned of a host is on record with its results, for wherever it says hello next', async () => {
  await meet(1);
  const ran = { units: 2, fuel: 2e6, wallMs: 100 };
  context.capacities.reported(hostId(1), ran, { accepted: 2, spoiled: 0 }, 1000);
  await report(1, shard, [0, 1]);
  await drawAudits(context, 0);

  context.capacities = new Capacities();
  const { speed, quota } = await meet(1);
  expect(Math.exp(speed?.mean ?? 0)).toBeCloseTo(20_000);
  expect(quota.units).toBe(2 + 2);
});

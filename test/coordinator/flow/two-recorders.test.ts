/**
 * Two coordinators record results for the same shard at once. Each believes its own window; what is
 * true is decided in Redis, where every append names the journal that it was decided upon.
 */
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { creditMicro } from '../../../coordinator/domain/credit.ts';
import type { LeaseHolder } from '../../../coordinator/domain/record.ts';
import { runsSize } from '../../../coordinator/domain/shard.ts';
import { ShardState } from '../../../coordinator/domain/shard-state.ts';
import { Window } from '../../../coordinator/domain/window.ts';
import { Recorder } from '../../../coordinator/flow/record/record.ts';
import { openRedisStore } from '../../../coordinator/store/redis-store.ts';
import type { Store } from '../../../coordinator/store/store.ts';
import type { Verdict } from '../../../protocol/outcome.ts';
import { type PrivateRedis, startPrivateRedis } from '../../support/private-redis.ts';
import { aJob, aLease, aResult, aShard, aTrap } from '../builders.ts';

const units = 256;
const job = aJob({ units, unitsPerShard: units });
const shard = aShard(units);
const everyUnit = Array.from({ length: units }, (_, position) => position);

let redis: PrivateRedis;
let stores: [Store, Store];
let recorders: [Recorder, Recorder];

beforeEach(async () => {
  redis = await startPrivateRedis();
  const open = async () => {
    const store = await openRedisStore(redis.connection);
    await store.grid.open({ gridId: 'a-grid', partitions: 1, createdAt: 0 });
    return store;
  };
  stores = [await open(), await open()];
  await stores[0].jobs.submit(job);
  await stores[0].openShard(job, shard);
  recorders = [aRecorder(stores[0]), aRecorder(stores[1])];
});
afterEach(async () => {
  await Promise.all(recorders.map((recorder) => recorder.drain()));
  await Promise.all(stores.map((store) => store.close()));
  await redis.stop();
});

/** A recorder with a window of its own, which holds the shard. */
function aRecorder(store: Store): Recorder {
  const window = new Window();
  window.hold(job, new ShardState(shard), Date.now());
  return new Recorder({
    partition: 0,
    store,
    window,
    paces: new Map(),
    log: pino({ level: 'silent' }),
    clock: {
      now: Date.now,
      soon: (run) => void setImmediate(run),
      after: (ms, run) => {
        const timer = setTimeout(run, ms);
        return () => clearTimeout(timer);
      },
    },
    happened: () => undefined,
    closed: () => undefined,
    paid: () => undefined,
  });
}

/** Reports every unit under the lease, some at a time, in an order of its own. */
async function reportAll(recorder: Recorder, lease: LeaseHolder, stride: number) {
  const verdicts = new Map<number, Verdict>();
  const positions = everyUnit.map((i) => (i * stride) % units);
  const reports = [];
  for (let at = 0; at < units; at += 8) {
    const some = positions.slice(at, at + 8);
    const results = some.map((position) => aResult(position));
    const report = recorder.record(shard, lease, { successes: null, results }).then((answers) => {
      for (const [i, position] of some.entries()) verdicts.set(position, answers[i] as Verdict);
    });
    reports.push(report);
    // Some reports share a commit, others race with the other recorder's.
    if (at % 32 === 0) await report;
  }
  await Promise.all(reports);
  return verdicts;
}

async function paidUnits(): Promise<{ units: number; micro: number }> {
  const records = await stores[0].readOutbox(0, 0, 10_000);
  const payments = records.flatMap((record) => record.payments);
  return {
    units: payments.reduce((sum, payment) => sum + runsSize(payment.units), 0),
    micro: payments.reduce((sum, payment) => sum + payment.micro, 0),
  };
}

test('[W1] [C2] of two hosts that report every unit to two coordinators, one is accepted for each unit', async () => {
  const [first, second] = [aLease(1, [[0, units]]), aLease(2, [[0, units]])];
  const [mine, theirs] = await Promise.all([
    reportAll(recorders[0], first, 1),
    reportAll(recorders[1], second, 3),
  ]);
  for (const position of everyUnit) {
    const answers = [mine.get(position), theirs.get(position)].sort();
    expect([position, answers]).toEqual([position, ['accepted', 'not_needed']]);
  }
  const state = ShardState.replay(shard, await stores[0].readJournal(shard));
  for (const position of everyUnit) {
    const unit = state.unit(position);
    const winner = mine.get(position) === 'accepted' ? first : second;
    expect(unit).toMatchObject({ status: 'accepted', canonical: winner.leaseId });
  }
  expect(await stores[0].jobs.read(job.jobId)).toMatchObject({
    decidedAt: expect.any(Number),
    counts: { canonical: units, failed: 0, shardsOpen: 0 },
  });
  const micro = units * creditMicro(aResult(0).fuel);
  expect(await paidUnits()).toEqual({ units, micro });
});

test('[W3] the same report to two coordinators gets the same answer and pays once', async () => {
  const lease = aLease(1, [[0, units]]);
  const [mine, theirs] = await Promise.all([
    reportAll(recorders[0], lease, 1),
    reportAll(recorders[1], lease, 5),
  ]);
  for (const position of everyUnit) {
    expect([mine.get(position), theirs.get(position)]).toEqual(['accepted', 'accepted']);
  }
  expect((await paidUnits()).units).toBe(units);
});

test('[W4] two failures that reach two coordinators at once count together exactly once', async () => {
  const fail = (recorder: Recorder, holder: number) =>
    Promise.all(
      everyUnit.map((position) =>
        recorder.record(shard, aLease(holder, [[0, units]]), {
          successes: null,
          results: [aTrap(position)],
        }),
      ),
    );
  const answers = await Promise.all([fail(recorders[0], 1), fail(recorders[1], 2)]);
  expect(new Set(answers.flat(2))).toEqual(new Set(['pending']));
  expect(await stores[1].jobs.read(job.jobId)).toMatchObject({
    decidedAt: expect.any(Number),
    counts: { canonical: 0, failed: units },
  });
  expect((await paidUnits()).units).toBe(0);
});

/** Units that nobody will report on any more are given up, and the scientist reads why. */
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { shardId } from '../../../coordinator/domain/shard.ts';
import { ShardState } from '../../../coordinator/domain/shard-state.ts';
import { Window } from '../../../coordinator/domain/window.ts';
import type { Happening } from '../../../coordinator/flow/context.ts';
import { Recorder } from '../../../coordinator/flow/record/record.ts';
import { MemoryStore } from '../../../coordinator/store/memory-store.ts';
import { aJob, aLease, aResult, aShard } from '../builders.ts';

const after = (_ms: number, run: () => void) => {
  queueMicrotask(run);
  return () => {};
};

it('[W1] units that are given up fail with the reason, those that were decided meanwhile stay so, and all of the job is decided', async () => {
  const [store, window, job] = [
    new MemoryStore(),
    new Window(),
    aJob({ units: 3, unitsPerShard: 3 }),
  ];
  const shard = aShard(3);
  await store.jobs.submit(job);
  await store.openShard(job, shard);
  window.hold(job, new ShardState(shard), 0);
  const happenings: Happening[] = [];
  const recorder = new Recorder({
    partition: 0,
    store,
    window,
    paces: new Map(),
    clock: { now: () => 1000, soon: queueMicrotask, after },
    log: pino({ level: 'silent' }),
    happened: (happening) => void happenings.push(happening),
    closed: () => {},
    paid: () => {},
  });
  const answered = recorder.record(shard, aLease(1, [[0, 1]]), {
    successes: null,
    results: [aResult(0)],
  });
  recorder.giveUp(shard, [0, 1], 'it took its hosts down');
  expect(await answered).toEqual(['accepted']);
  expect(window.free).toBe(1);
  const state = ShardState.replay(shard, await store.readJournal(shard));
  expect(state.unit(0).status).toBe('accepted');
  expect(state.unit(1)).toMatchObject({ status: 'failed', reason: 'it took its hosts down' });
  expect((await store.jobs.read(job.jobId))?.counts).toMatchObject({ canonical: 1, failed: 1 });

  recorder.giveUp(shard, [1, 2], 'so did this one');
  await recorder.drain();
  expect(happenings).toContainEqual({ kind: 'job_decided' });
  expect(window.state(shardId(shard))).toBeUndefined();
  const { failed, canonical } = (await store.jobs.read(job.jobId))?.counts ?? {};
  expect([canonical, failed]).toEqual([1, 2]);
});

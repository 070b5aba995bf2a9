/**
 * The closing rule over the store in memory: a job of which all is decided waits for checks, and for nobody
 * who is not there.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import {
  isCheck,
  type Shard,
  shardId,
  shardSize,
  unitAt,
} from '../../../coordinator/domain/shard.ts';
import type { Present } from '../../../coordinator/domain/trust/closing.ts';
import { KnownHosts } from '../../../coordinator/domain/trust/known-hosts.ts';
import { Window } from '../../../coordinator/domain/window.ts';
import { closeJobs, decidedJobs } from '../../../coordinator/flow/close-jobs.ts';
import { drawAudits } from '../../../coordinator/flow/draw-audits.ts';
import { hearChecks } from '../../../coordinator/flow/hear-checks/hear-checks.ts';
import { knowHost } from '../../../coordinator/flow/know-host.ts';
import { MemoryStore } from '../../../coordinator/store/memory-store.ts';
import { talliesOf } from '../../../coordinator/store/trust-store.ts';
import { accountId, aJob, aResult, hostId } from '../builders.ts';
import { giveUpRest, reportTo } from './report-to.ts';
import { aTrustContext, type TrustContext } from './trust-context.ts';

const job = aJob({ units: 8, unitsPerShard: 8 });
const shard: Shard = { jobId: job.jobId, number: 0, units: { from: 0, count: 8 } };
const every = [0, 1, 2, 3, 4, 5, 6, 7];

let store: MemoryStore;
let window: Window;
let now: number;
let ended: string[];
let context: TrustContext;

beforeEach(async () => {
  store = new MemoryStore();
  window = new Window();
  now = 1_000_000;
  ended = [];
  context = await aTrustContext(store, job, {
    window,
    now: () => now,
    happened: (happening) => {
      if (happening.kind === 'job_ended') ended.push(happening.jobId);
    },
  });
  await store.jobs.submit(job);
  await store.openShard(job, shard);
});

const meet = (host: number) =>
  knowHost(
    context,
    { hostId: hostId(host), accountId: accountId(host) },
    { network: `n${host}`, runtime: '1', threads: 1 },
  );
const isHere = (host: number): Present => ({
  accountId: accountId(host),
  memoryBytes: 2 ** 40,
  repute: 'newcomer',
});
/** A round of trust, as queue/rounds.ts makes it. */
async function round(...present: Present[]): Promise<void> {
  const decided = await decidedJobs(context, 0);
  await drawAudits(context, 0);
  await hearChecks(context, 0);
  await closeJobs(context, decided, () => present);
}
const report = (host: number, of: Shard, positions: number[]) =>
  reportTo(
    store,
    of,
    host,
    positions.map((position) => aResult(position)),
    now,
  );
const checksOut = async () => (await store.openShards(0)).filter(isCheck);
const state = async () => (await store.jobs.read(job.jobId))?.state;

describe('[W8] a job of which all is decided', () => {
  it('is complete when every account has passed a check, and not before', async () => {
    for (const host of [1, 2]) await meet(host);
    await report(1, shard, every);
    await round(isHere(2));
    await round(isHere(2));
    expect(await state()).toBe('open');
    const [check] = await checksOut();
    if (check === undefined) throw new Error('nothing is checked');
    await report(2, check, [...Array(shardSize(check.units)).keys()]);
    await round(isHere(2));
    expect(await state()).toBe('complete');
    expect(await store.jobs.read(job.jobId)).toMatchObject({ unchecked: 0 });
    expect(ended).toEqual([job.jobId]);
    expect(await store.trust.count(talliesOf(job.jobId))).toBe(0);
  });

  it('hears what came of a check, and orders what is left of it again, as old as it was', async () => {
    for (const host of [1, 2, 3]) await meet(host);
    await report(1, shard, [0, 1, 2, 3]);
    await report(3, shard, [4, 5, 6, 7]);
    await round(isHere(2));
    await round(isHere(2));
    const orderedAt = now;
    const [check] = await checksOut();
    if (check === undefined) throw new Error('nothing is checked');
    const ofFirst = [...Array(shardSize(check.units)).keys()].filter(
      (position) => unitAt(check.units, position) < 4,
    );
    await report(2, check, ofFirst);
    await giveUpRest(store, check);
    now += 5000;
    await round(isHere(1), isHere(2));
    await round(isHere(1), isHere(2));
    expect(await store.trust.read(talliesOf(job.jobId), [accountId(1)])).toMatchObject(
      new Map([[accountId(1), { hasPassed: true }]]),
    );
    const again = await checksOut();
    const unitsOf = ({ units }: Shard) =>
      Array.from({ length: shardSize(units) }, (_, i) => unitAt(units, i));
    expect(again.flatMap(unitsOf)).toEqual([4, 5, 6, 7]);
    expect(again.map(({ check }) => check?.since)).toEqual(again.map(() => orderedAt));
  });

  it('is complete though nothing was checked when nobody is there who could, and says so', async () => {
    for (const host of [1, 2]) await meet(host);
    await report(1, shard, every);
    await round(isHere(1));
    expect(await state()).toBe('open');
    now += 500;
    await round(isHere(1));
    expect(await store.jobs.read(job.jobId)).toMatchObject({ state: 'complete', unchecked: 1 });
  });

  it('waits ten minutes for whoever is at work, and no longer', async () => {
    for (const host of [1, 2]) await meet(host);
    await report(1, shard, every);
    now += 599_000;
    await round(isHere(2));
    expect(await state()).toBe('open');
    now += 2000;
    await round(isHere(2));
    expect(await store.jobs.read(job.jobId)).toMatchObject({ state: 'complete', unchecked: 1 });
  });

  it('is complete at once when its results are an anchor’s', async () => {
    for (const host of [1, 2]) await meet(host);
    const known = context.knownHosts.find(hostId(1));
    if (known === null) throw new Error('nobody is known');
    const value = { ...known, isAnchor: true };
    await store.trust.write(0, [{ table: 'hosts', field: hostId(1), value }]);
    await report(1, shard, every);
    await round(isHere(2));
    expect(await store.jobs.read(job.jobId)).toMatchObject({ state: 'complete', unchecked: 0 });
  });

  it('orders a check of an account that was never drawn', async () => {
    for (const host of [1, 2]) await meet(host);
    await report(1, shard, every);
    // While the grid knew one account nothing was drawn.
    const several = context.knownHosts;
    context.knownHosts = new KnownHosts();
    await drawAudits(context, 0);
    context.knownHosts = several;
    expect(await store.trust.count('orders')).toBe(0);
    await round(isHere(2));
    await round(isHere(2));
    const [check] = await checksOut();
    expect(check?.units).toEqual({ list: [expect.any(Number)] });
    expect(unitAt(check?.units ?? { list: [] }, 0)).toBeLessThan(8);
    expect(shardId(check ?? shard)).not.toBe(shardId(shard));
  });

  it('is not held up by a clock that was set back', async () => {
    for (const host of [1, 2]) await meet(host);
    await report(1, shard, every);
    now -= 3_600_000;
    await round(isHere(1));
    expect(await state()).toBe('complete');
  });
});

/**
 * A grid on Redis servers that stand in for each other: a cluster of three masters with a replica each, of which each is
 * killed with SIGKILL in turn, and started again once its replica has its place; and one that sentinels watch. So
 * with two coordinators, of which one is killed as well. The jobs that were worked on meanwhile are completed, what a
 * volunteer was told is recorded is there, and the ledger holds. The checker is that of the chaos tests, which asks
 * only what anybody may.
 */
import { join } from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { Checker } from '../chaos/checker.ts';
import { LightVolunteer } from '../chaos/light-volunteer.ts';
import { Scientist } from '../chaos/scientist.ts';
import { TcpProxy } from '../chaos/tcp-proxy.ts';
import { makeWorkloads } from '../chaos/workloads.ts';
import { Random } from '../simulation/random.ts';
import { startRedisCluster } from '../support/redis-cluster.ts';
import { startSentinels } from '../support/redis-sentinels.ts';
import { newKeys } from '../support/volunteer.ts';
import { GridProcesses } from './processes.ts';

/** A failover takes three seconds and there are three; the rest is for a machine that does much else. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

let grid: GridProcesses;
/** The other coordinator, where there are two. */
let second: GridProcesses;
beforeEach(() => {
  [grid, second] = [new GridProcesses(), new GridProcesses()];
});
afterEach(() => Promise.all([grid, second].map((one) => one.dispose())));

test('[W2] [C2] when masters of a cluster die and replicas stand in, nothing acknowledged is lost, nor paid twice', async () => {
  const cluster = await startRedisCluster();
  onTestFinished(() => cluster.stop());
  await livesThrough({ redis: cluster.url }, async (isAtWork) => {
    for (const master of [0, 1, 2]) {
      await isAtWork();
      await cluster.kill9(master);
      await cluster.settled();
      await cluster.restart(master);
      await cluster.settled(1);
    }
  });
});

test('[W2] [C2] when sentinels put a replica in the place of a dead master, nothing acknowledged is lost, nor paid twice', async () => {
  const group = await startSentinels();
  onTestFinished(() => group.stop());
  await livesThrough({ redis: group.url }, async (isAtWork) => {
    await isAtWork();
    await group.killMaster();
    await isAtWork();
  });
});

test('[W2] [C2] [O6] two coordinators on a cluster: one dies, then the master by which they meet, then the other', async () => {
  const cluster = await startRedisCluster();
  onTestFinished(() => cluster.stop());
  await livesThrough({ redis: cluster.url, areTwo: true }, async (isAtWork) => {
    await isAtWork();
    await second.killCoordinator('SIGKILL');
    await isAtWork();
    await cluster.kill9(await cluster.masterOf('{grid}'));
    await cluster.settled();
    await isAtWork();
    await startSecond(cluster.url);
    await grid.killCoordinator('SIGKILL');
    await isAtWork();
    await startFirst(cluster.url, true);
  });
});

test('[W2] [C2] [O6] two coordinators that sentinels watch over: one dies together with the master', async () => {
  const group = await startSentinels();
  onTestFinished(() => group.stop());
  await livesThrough({ redis: group.url, areTwo: true }, async (isAtWork) => {
    await isAtWork();
    await Promise.all([second.killCoordinator('SIGKILL'), group.killMaster()]);
    await isAtWork();
    await startSecond(group.url);
    await isAtWork();
  });
});

const shared = () => ['--shared-folder', join(grid.folder, 'shared')];
const startFirst = (redis: string, areTwo: boolean) =>
  grid.startCoordinator({ args: ['--redis', redis, ...(areTwo ? shared() : [])] });
const startSecond = (redis: string) =>
  second.startCoordinator({ args: ['--redis', redis, ...shared()] });

/** `isAtWork` settles when more is acknowledged than when it was called. */
async function livesThrough(
  { redis, areTwo = false }: { redis: string; areTwo?: boolean },
  faults: (isAtWork: () => Promise<void>) => Promise<void>,
): Promise<void> {
  await startFirst(redis, areTwo);
  if (areTwo) await startSecond(redis);
  // Each connection leads to another one, where there are two; who is away refuses it.
  const grids = areTwo ? [grid, second] : [grid];
  let turn = 0;
  const door = await TcpProxy.open(() =>
    Number(new URL(grids[turn++ % grids.length]?.url ?? '').port),
  );
  onTestFinished(() => door.close());
  const workloads = makeWorkloads();
  const scientist = new Scientist(grid, workloads);
  const random = new Random(5n);
  const volunteers = ['cedar', 'dogwood', 'elder'].map(
    (name) =>
      new LightVolunteer({
        name,
        url: `http://127.0.0.1:${door.port}`,
        keys: newKeys(),
        workloads,
        random: random.fork(name),
      }),
  );
  grid.startVolunteer('amber');
  const submitting = new AbortController();
  const working = new AbortController();
  const work = [
    scientist.run(submitting.signal),
    ...volunteers.map((volunteer) => volunteer.run(working.signal)),
  ];
  const acknowledged = () => volunteers.flatMap((volunteer) => volunteer.acknowledged);

  await scientist.atWork();
  await faults(async () => {
    const before = acknowledged().length;
    await expect.poll(() => acknowledged().length, { timeout: 30_000 }).toBeGreaterThan(before);
  });
  submitting.abort();
  for (const { jobId } of scientist.jobs)
    await grid.until(jobId, ({ state }) => state === 'complete');
  working.abort();
  await Promise.all(work);

  const checker = () =>
    new Checker({
      fetch: (...asked) => grid.fetch(...asked),
      run: (...args) => grid.run(...args),
      folder: grid.folder,
      eventsOf: () => [],
      workerFolder: (name) => name,
    });
  const check = () => checker().check(scientist.jobs, acknowledged(), []);
  // Credit follows within a second.
  await expect
    .poll(async () => (await check()).violations, { timeout: 30_000, interval: 500 })
    .toEqual([]);
  expect(volunteers.flatMap(({ complaints }) => complaints)).toEqual([]);
  expect(scientist.complaints).toEqual([]);
  if (areTwo) expect((await second.stop()).codes).toEqual([0]);
  expect(await grid.stop()).toEqual({ codes: [0, 0], processes: [], temporary: [] });
}

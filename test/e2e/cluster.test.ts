/**
 * A grid on a Redis Cluster of three masters with a replica each. While its jobs are worked on, each master is killed
 * with SIGKILL in turn, and started again once its replica stands in for it: the jobs are completed, what a volunteer
 * was told is recorded is there, and the ledger holds. The checker is that of the chaos tests, which asks only what
 * anybody may.
 */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Checker } from '../chaos/checker.ts';
import { LightVolunteer } from '../chaos/light-volunteer.ts';
import { Scientist } from '../chaos/scientist.ts';
import { makeWorkloads } from '../chaos/workloads.ts';
import { Random } from '../simulation/random.ts';
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster.ts';
import { newKeys } from '../support/volunteer.ts';
import { GridProcesses } from './processes.ts';

/** A failover takes three seconds and there are three; the rest is for a machine that does much else. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

let cluster: RedisCluster;
let grid: GridProcesses;
beforeEach(async () => {
  cluster = await startRedisCluster();
  grid = new GridProcesses();
  await grid.startCoordinator({ args: ['--redis', cluster.url] });
});
afterEach(async () => {
  await grid.dispose();
  await cluster.stop();
});

test('[W2] [C2] when masters of a cluster die and replicas stand in, nothing acknowledged is lost, nor paid twice', async () => {
  const workloads = makeWorkloads();
  const scientist = new Scientist(grid, workloads);
  const random = new Random(5n);
  const volunteers = ['cedar', 'dogwood', 'elder'].map(
    (name) =>
      new LightVolunteer({
        name,
        url: grid.url,
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
  for (const master of [0, 1, 2]) {
    const before = acknowledged().length;
    await expect.poll(() => acknowledged().length, { timeout: 30_000 }).toBeGreaterThan(before);
    await cluster.kill9(master);
    await cluster.settled();
    await cluster.restart(master);
    await cluster.settled(1);
  }
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
  expect(await grid.stop()).toEqual({ codes: [0, 0], processes: [], temporary: [] });
});

/**
 * What seeds have found, told as stories of their own: a seed's chance changes with every draw that is
 * added to the simulation, these do not.
 */
import { pino } from 'pino';
import { expect, it } from 'vitest';
import type { LeaseFacts } from '../../coordinator/domain/lease.ts';
import { shardId } from '../../coordinator/domain/shard.ts';
import { ShardState } from '../../coordinator/domain/shard-state.ts';
import { Window } from '../../coordinator/domain/window.ts';
import type { Context } from '../../coordinator/flow/context.ts';
import { Recorder } from '../../coordinator/flow/record/record.ts';
import { presentLease } from '../../coordinator/flow/renew.ts';
import { MemoryStore } from '../../coordinator/store/memory-store.ts';
import type { AppendReply, ShardAppend } from '../../coordinator/store/store.ts';
import {
  aCapacity,
  aJob,
  aLease,
  aResult,
  aShard,
  aStanding,
  leaseId,
} from '../coordinator/builders.ts';
import { aHostProfile, type HostProfile } from './host-profile.ts';
import { Life } from './life.ts';
import { Random } from './random.ts';
import { SimClock } from './sim-clock.ts';
import { SimCoordinator } from './sim-coordinator.ts';
import { SimGrid } from './sim-grid.ts';
import { SimHost } from './sim-host.ts';
import { aSimJob, memoryBytes, type SimJob } from './sim-job.ts';
import { makeWorld } from './world.ts';

type Cast = {
  coordinators: readonly string[];
  jobs: readonly SimJob[];
  /** Each host, and the names of the coordinators it knows of. */
  hosts: readonly (readonly [HostProfile, ...string[]])[];
};

/** A grid in fair weather, with all coordinators started and no host. */
function aGrid({ coordinators: names, jobs, hosts }: Cast): SimGrid {
  const world = makeWorld(new Random(1n), jobs, 1, null);
  const coordinators = names.map((name) => new SimCoordinator(name, world));
  for (const coordinator of coordinators) coordinator.start();
  const cast = hosts.map(([profile, ...known]) => {
    const itsOwn = coordinators.filter(({ name }) => known.includes(name));
    return new SimHost(profile, itsOwn, world);
  });
  const grid = new SimGrid(world, coordinators, cast);
  grid.scientist.start();
  world.weather.clear(world.clock.now);
  return grid;
}

// Seed 97. Both hosts had been at B, which held the only shard. One left for good, the other came back
// to A. B had nobody to grant to, renewed its hold for as long as it lived, and the host at A waited.
it('[W6] a coordinator without hosts lets the hosts of another one have its shards', async () => {
  const grid = aGrid({
    coordinators: ['A', 'B'],
    jobs: [aSimJob({ units: 100 })],
    hosts: [
      [aHostProfile(1), 'B'],
      [aHostProfile(2), 'A'],
    ],
  });
  const [first, second] = grid.hosts as [SimHost, SimHost];
  first.start();
  await grid.playFor(10_000);
  first.crash(false);
  second.start();
  await grid.playToTheEnd();
  expect(grid.world.violations.first).toBeNull();
  expect(grid.world.store.isOver(grid.world.jobs[0] as SimJob)).toBe(true);
});

// Seeds 71, 231 and 274. The job needs more memory than the host at B has. B took its shards in all
// the same, and the host at A, which could have run them, waited.
it('[W6] a coordinator leaves shards that its hosts cannot run to one whose hosts can', async () => {
  const grid = aGrid({
    coordinators: ['A', 'B'],
    jobs: [aSimJob({ memoryBytes: memoryBytes.big })],
    hosts: [
      [aHostProfile(1, { memoryBytes: memoryBytes.usual }), 'B'],
      [aHostProfile(2), 'A'],
      [aHostProfile(3), 'B'],
    ],
  });
  const [small, big, passing] = grid.hosts as [SimHost, SimHost, SimHost];
  small.start();
  // As long as it is there, B may well hold the shard.
  passing.start();
  await grid.playFor(3000);
  passing.crash(false);
  big.start();
  await grid.playToTheEnd();
  expect(grid.world.violations.first).toBeNull();
});

// Seed 77. A host came back with a part of its lease; the other part was free, but the host that waited
// for just that was told a second later, by the round that looks for expired leases.
it('[W6] what a returning host has lost of its lease goes to a waiting one at once', async () => {
  const grid = aGrid({
    coordinators: ['A'],
    jobs: [aSimJob({ units: 2, unitMs: 20_000 })],
    hosts: [
      [aHostProfile(1, { cores: 2 }), 'A'],
      [aHostProfile(2), 'A'],
    ],
  });
  const [first, second] = grid.hosts as [SimHost, SimHost];
  first.start();
  await grid.playFor(3000);
  second.start();
  await grid.playFor(3000);
  const context = grid.coordinators[0]?.context as Context;
  const [lease] = context.window.leasesOf(grid.world.jobs[0]?.jobId as string) as [LeaseFacts];
  // It says hello again and has nothing of this lease any more.
  presentLease(context, { lease, units: [] });
  expect(context.window.free).toBe(0);
});

// Seed 341. A coordinator that stalls loses its shard to the queue, and has it again on waking. It read
// the journal just before its own append was written, and then offered units again that it had itself
// answered as accepted.
it('a shard that is taken in anew during a commit learns what the commit decided', async () => {
  let write = () => {};
  const written = new Promise<void>((done) => {
    write = done;
  });
  let reach = () => {};
  const reached = new Promise<void>((done) => {
    reach = done;
  });
  class SlowStore extends MemoryStore {
    override async append(
      partition: number,
      appends: readonly ShardAppend[],
      now: number,
    ): Promise<AppendReply[]> {
      reach();
      await written;
      return await super.append(partition, appends, now);
    }
  }
  const [store, window, job, shard] = [new SlowStore(), new Window(), aJob(), aShard(4)];
  await store.jobs.submit(job);
  await store.openShard(job, shard);
  window.hold(job, new ShardState(shard), 0);
  const { clock } = new Life(new SimClock(1000));
  const recorder = new Recorder({
    partition: 0,
    store,
    window,
    paces: new Map(),
    clock: { ...clock, soon: queueMicrotask },
    log: pino({ level: 'silent' }),
    happened: () => {},
    closed: () => {},
    paid: () => {},
  });
  const lease = aLease(1, [[0, 3]]);
  const answered = recorder.record(shard, lease, {
    successes: null,
    results: [aResult(0), aResult(1), aResult(2)],
  });
  await reached;
  window.drop(shardId(shard));
  window.hold(job, ShardState.replay(shard, await store.readJournal(shard)), 0);
  write();
  expect(await answered).toEqual(['accepted', 'accepted', 'accepted']);
  const asker = {
    ...lease,
    memoryBytes: 2 ** 40,
    isAlone: true,
    standing: aStanding,
    hosts: 1,
    capacity: aCapacity(),
  };
  expect(window.grant(asker, 4, leaseId(2), 0)?.lease.positions).toEqual([[3, 1]]);
});

const grantedAt = (coordinator: SimCoordinator | undefined, grid: SimGrid): number =>
  coordinator?.context?.window.leasesOf(grid.world.jobs[0]?.jobId ?? '').length ?? 0;
const inVain = (grid: SimGrid): number =>
  [...grid.world.notebook.all].filter(({ verdict }) => verdict === 'not_needed').length;

// Its shard was locked for eight seconds, and noticed four seconds later.
it('[O6] the units of a coordinator that died are granted by another within seven seconds', async () => {
  const grid = aGrid({
    coordinators: ['A', 'B'],
    jobs: [aSimJob({ units: 100, unitMs: 60_000 })],
    hosts: [
      [aHostProfile(1), 'A'],
      [aHostProfile(2), 'B'],
    ],
  });
  const [a, b] = grid.coordinators as [SimCoordinator, SimCoordinator];
  const [atA, atB] = grid.hosts as [SimHost, SimHost];
  atA.start();
  await grid.playFor(5000);
  expect(grantedAt(a, grid)).toBeGreaterThan(0);
  a.crash();
  atB.start();
  await grid.playFor(7000);
  expect(grantedAt(b, grid)).toBeGreaterThan(0);
  a.start();
  await grid.playToTheEnd();
  expect(grid.world.violations.first).toBeNull();
});

// Two coordinators live, and a host goes from one to the other with its lease. The one that holds the shard heard of no
// renewal any more: after 30 s it granted the unit again, and it was computed twice.
it('[O6] a host that moves to another coordinator keeps its lease, also where its shard is held', async () => {
  const grid = aGrid({
    coordinators: ['A', 'B'],
    jobs: [aSimJob({ units: 1, unitMs: 60_000 })],
    hosts: [
      [aHostProfile(1), 'A', 'B'],
      [aHostProfile(2), 'A'],
    ],
  });
  const [a, b] = grid.coordinators as [SimCoordinator, SimCoordinator];
  const [mover, other] = grid.hosts as [SimHost, SimHost];
  b.crash();
  mover.start();
  await grid.playFor(5000);
  b.start();
  await grid.play(() => b.context !== null);
  other.start();
  while ((b.doors?.hosts ?? 0) === 0) {
    mover.hangUp();
    await grid.playFor(4000);
  }
  expect(a.context?.window.shardIds).toEqual(b.context?.window.guests.all);
  await grid.playFor(40_000);
  expect([grantedAt(a, grid), grantedAt(b, grid)]).toEqual([1, 1]);
  await grid.playToTheEnd();
  expect(grid.world.violations.first).toBeNull();
  expect(inVain(grid)).toBe(0);
});

// Seed 6 of the chaos tests. A lease had ended where its shard was held; the journal did not know it, and whoever got the
// shard next waited for the same lease, another thirty seconds.
it('[W5] [O6] a lease that ended at one coordinator does not stand again at the one that gets its shard', async () => {
  const grid = aGrid({
    coordinators: ['A', 'B'],
    jobs: [aSimJob({ units: 4, unitMs: 100_000 })],
    hosts: [
      [aHostProfile(1), 'A'],
      [aHostProfile(2), 'A'],
      [aHostProfile(3), 'B'],
    ],
  });
  const [, b] = grid.coordinators;
  const [gone, busy, idle] = grid.hosts as [SimHost, SimHost, SimHost];
  gone.start();
  await grid.playFor(5000);
  busy.start();
  await grid.playFor(5000);
  gone.crash(false);
  idle.start();
  await grid.playFor(40_000);
  const jobId = grid.world.jobs[0]?.jobId ?? '';
  const leases = b?.context?.window.leasesOf(jobId) ?? [];
  expect(leases.map(({ hostId }) => hostId)).toContain(idle.profile.hostId);
  await grid.playToTheEnd();
  expect(grid.world.violations.first).toBeNull();
});

// One shard has all of a small job. Who held it kept it, and hosts elsewhere looked on.
it('[O6] units that wait at one coordinator go to hosts that ask at another', async () => {
  const grid = aGrid({
    coordinators: ['A', 'B'],
    jobs: [aSimJob({ units: 12, unitMs: 20_000 })],
    hosts: [
      [aHostProfile(1), 'A'],
      [aHostProfile(2), 'B'],
      [aHostProfile(3), 'B'],
    ],
  });
  for (const host of grid.hosts) host.start();
  // Alone the host at A would take four minutes; half of what they do is checks of each other.
  await grid.playFor(200_000);
  expect(grid.world.store.isOver(grid.world.jobs[0] as SimJob)).toBe(true);
  await grid.playToTheEnd();
  expect(grid.world.violations.first).toBeNull();
  expect(inVain(grid)).toBe(0);
});

// What is told of hosts at one coordinator decides at the other: with hosts of one account each, neither saw anybody
// who could check anybody.
it('[T1] [O6] results of hosts at one coordinator are checked by hosts of another', async () => {
  const grid = aGrid({
    coordinators: ['A', 'B'],
    jobs: [aSimJob({ units: 6 })],
    hosts: [
      [aHostProfile(1), 'A'],
      [aHostProfile(2), 'B'],
    ],
  });
  for (const host of grid.hosts) host.start();
  await grid.playToTheEnd();
  expect(grid.world.violations.first).toBeNull();
  const jobId = grid.world.jobs[0]?.jobId ?? '';
  expect((await grid.world.store.jobs.read(jobId))?.unchecked).toBe(0);
});

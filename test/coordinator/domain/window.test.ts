import { describe, expect, it } from 'vitest';
import type { KnownAsker } from '../../../coordinator/domain/asker.ts';
import type { JobFacts } from '../../../coordinator/domain/job.ts';
import type { JournalEntry } from '../../../coordinator/domain/journal.ts';
import { type LeaseFacts, leaseDurationMs } from '../../../coordinator/domain/lease.ts';
import { recordResults } from '../../../coordinator/domain/record.ts';
import { fromRuns, shardId, splitShard } from '../../../coordinator/domain/shard.ts';
import { ShardState } from '../../../coordinator/domain/shard-state.ts';
import { Window } from '../../../coordinator/domain/window.ts';
import {
  aCapacity,
  accountId,
  aHostError,
  aJob,
  aLease,
  append,
  aResult,
  aStanding,
  hostId,
  jobId,
  leaseId,
} from '../builders.ts';

const asker = (number: number, memoryBytes = 2 ** 40): KnownAsker => ({
  hostId: hostId(number),
  accountId: accountId(number),
  memoryBytes,
  isAlone: false,
  standing: aStanding,
  hosts: 1,
  capacity: aCapacity(),
});

let leases = 100;
function grant(window: Window, units: number, host = 1, now = 0): LeaseFacts {
  const granted = window.grant(asker(host), units, leaseId(++leases), now);
  if (granted === null) throw new Error('nothing to grant');
  return granted.lease;
}

const positions = (lease: LeaseFacts): number[] => [...fromRuns(lease.positions)];

/** A window that holds the first shard of a job of eight units in shards of four. */
function aWindow(job: JobFacts = aJob(), entries: JournalEntry[] = []) {
  const window = new Window();
  const state = new ShardState(splitShard(job, 0));
  append(state, entries);
  window.hold(job, state, 0);
  return { window, job, state, id: shardId(state.shard) };
}

/** What the recorder does with a report: it changes the state, and the window settles it. */
function report(
  window: Window,
  lease: LeaseFacts,
  results: ReturnType<typeof aResult>[],
  now = 0,
): void {
  const state = window.state(shardId(lease.shard));
  if (state === undefined) throw new Error('not held');
  const recording = recordResults(state, lease, results);
  append(state, recording.entries);
  const at = results.map(({ position }) => position);
  window.settle(shardId(lease.shard), lease, at, recording.fuel, now);
}

describe('granting', () => {
  it('takes the first units first, each once, and no more than are free', () => {
    const { window } = aWindow();
    expect(positions(grant(window, 3))).toEqual([0, 1, 2]);
    expect(window.free).toBe(1);
    expect(positions(grant(window, 3))).toEqual([3]);
    expect(window.grant(asker(1), 3, leaseId(1), 0)).toBeNull();
    expect(window.free).toBe(0);
    expect(window.running(jobId(1))).toBe(4);
  });

  it('leaves out what the journal says is decided', () => {
    const lease = aLease(1, [[0, 4]]);
    const { window } = aWindow(aJob(), [
      { kind: 'leased', ...lease },
      { kind: 'recorded', leaseId: lease.leaseId, results: [0, 1, 3].map((at) => aResult(at)) },
      { kind: 'accepted', leaseId: lease.leaseId, positions: [[0, 2]] },
      { kind: 'failed', positions: [3], reason: 'kernel_trap' },
      { kind: 'released', leaseId: lease.leaseId, positions: [[0, 4]] },
    ]);
    expect(positions(grant(window, 4))).toEqual([2]);
  });

  it('gives a host no job that needs more memory than it has, and the next job instead', () => {
    const { window } = aWindow(aJob({ document: { limits: { memoryBytesMax: 1000 } } }));
    expect(window.grant(asker(1, 999), 4, leaseId(1), 0)).toBeNull();
    const small = aJob({ jobId: jobId(2), document: { limits: { memoryBytesMax: 10 } } });
    window.hold(small, new ShardState(splitShard(small, 0)), 0);
    expect(window.grant(asker(1, 999), 4, leaseId(1), 0)?.job.jobId).toBe(jobId(2));
    expect(window.grant(asker(1, 1000), 4, leaseId(2), 0)?.job.jobId).toBe(jobId(1));
  });

  it('turns between jobs by the fuel they burn, not by their number of units', () => {
    const jobs = [1, 2].map((id) => aJob({ jobId: jobId(id), units: 256, unitsPerShard: 256 }));
    const window = new Window();
    for (const job of jobs) window.hold(job, new ShardState(splitShard(job, 0)), 0);
    const fuel = { [jobId(1)]: 1_000_000, [jobId(2)]: 3_000_000 };
    const burned = { [jobId(1)]: 0, [jobId(2)]: 0 };
    for (let turn = 0; turn < 200; turn++) {
      const lease = grant(window, 1);
      const id = lease.shard.jobId;
      report(
        window,
        lease,
        positions(lease).map((at) => aResult(at, { fuel: fuel[id] ?? 0 })),
      );
      burned[id] = (burned[id] ?? 0) + (fuel[id] ?? 0);
    }
    expect((burned[jobId(1)] ?? 0) / (burned[jobId(2)] ?? 1)).toBeCloseTo(1, 1);
  });

  it('does not let a job whose units are still unknown crowd out the others', () => {
    const [known, fresh] = [1, 2].map((id) =>
      aJob({ jobId: jobId(id), units: 100, unitsPerShard: 100 }),
    ) as [JobFacts, JobFacts];
    const window = new Window();
    window.hold(known, new ShardState(splitShard(known, 0)), 0);
    const first = grant(window, 1);
    report(window, first, [aResult(0, { fuel: 1e12 })]);
    window.hold(fresh, new ShardState(splitShard(fresh, 0)), 0);
    const granted = Array.from({ length: 20 }, () => grant(window, 1).shard.jobId);
    expect(granted.filter((id) => id === known.jobId).length).toBeGreaterThanOrEqual(9);
    expect(granted.filter((id) => id === fresh.jobId).length).toBeGreaterThanOrEqual(9);
  });
});

describe('a lease', () => {
  it('[W5] that ends returns its units at once, and only those it had left', () => {
    const { window } = aWindow();
    const lease = grant(window, 3);
    report(window, lease, [aResult(1)]);
    expect(window.expire(leaseDurationMs - 1)).toEqual([]);
    expect(window.expire(leaseDurationMs)).toMatchObject([{ leaseId: lease.leaseId }]);
    expect(window.free).toBe(3);
    expect(positions(grant(window, 4, 2))).toEqual([0, 2, 3]);
  });

  // Leases of hosts that were gone stood for as long as the clock was set back.
  it('[W5] ends thirty seconds after the clock was set back, however far', () => {
    const { window } = aWindow();
    const hour = 3_600_000;
    const lease = grant(window, 3, 1, hour);
    expect(window.expire(0)).toEqual([]);
    expect(window.expire(leaseDurationMs - 1)).toEqual([]);
    expect(window.expire(leaseDurationMs)).toMatchObject([{ leaseId: lease.leaseId }]);
    expect(window.free).toBe(4);
  });

  it('is extended by its own host alone', () => {
    const { window } = aWindow();
    const { leaseId: id } = grant(window, 1);
    expect(window.renew(id, hostId(2), 20_000)).toBe(false);
    expect(window.renew(id, hostId(1), 20_000)).toBe(true);
    expect(window.expire(leaseDurationMs)).toEqual([]);
    expect(window.expire(20_000 + leaseDurationMs)).toHaveLength(1);
    expect(window.renew(id, hostId(1), 20_000)).toBe(false);
  });

  it('gives back what its host releases, and nothing that it does not have', () => {
    const { window } = aWindow();
    const lease = grant(window, 2);
    expect(window.release(lease.leaseId, hostId(2), [0, 1])).toBe(0);
    expect(window.release(lease.leaseId, hostId(1), [1, 3])).toBe(1);
    expect(window.release(lease.leaseId, hostId(1), [1])).toBe(0);
    expect(window.free).toBe(3);
    expect(window.release(lease.leaseId, hostId(1), [0])).toBe(1);
    expect(window.renew(lease.leaseId, hostId(1), 0)).toBe(false);
  });

  it('keeps its units out while a result of one of them did not decide it', () => {
    const { window } = aWindow();
    const lease = grant(window, 2);
    report(window, lease, [aHostError(0)]);
    expect(window.free).toBe(3);
    expect(window.running(jobId(1))).toBe(1);
    report(window, lease, [aResult(1)]);
    expect(window.leasesOf(jobId(1))).toEqual([]);
  });

  it('[W5] that has ended may still decide a unit, which is then granted to nobody', () => {
    const { window } = aWindow();
    const late = grant(window, 4);
    window.expire(leaseDurationMs);
    const next = grant(window, 2, 2, leaseDurationMs);
    const [theirs, other] = positions(next) as [number, number];
    const [free, last] = [0, 1, 2, 3].filter((at) => at !== theirs && at !== other) as [
      number,
      number,
    ];
    report(window, late, [aResult(theirs), aResult(free)]);
    expect(window.free).toBe(1);
    // One of the second host's units is decided, though it does not know that yet.
    expect(window.running(jobId(1))).toBe(1);
    report(window, next, [aResult(theirs), aResult(other)]);
    expect(window.running(jobId(1))).toBe(0);
    expect(positions(grant(window, 4, 3))).toEqual([last]);
  });
});

describe('a lease presented after a reconnection', () => {
  it('goes on, for another lease time', () => {
    const { window } = aWindow();
    const lease = grant(window, 3);
    expect(window.present(lease, lease.positions, 20_000)).toBe(3);
    expect(window.expire(leaseDurationMs)).toEqual([]);
    expect(window.running(jobId(1))).toBe(3);
  });

  it('[W6] without some of its units gives those up: nobody else would ever report them', () => {
    const { window } = aWindow();
    const lease = grant(window, 3);
    expect(window.present(lease, [[1, 1]], 0)).toBe(1);
    expect(window.free).toBe(3);
    expect(window.present(lease, [], 0)).toBe(0);
    expect(window.renew(lease.leaseId, hostId(1), 0)).toBe(false);
  });

  it('after its end takes up what is still free, and nothing that others have', () => {
    const { window } = aWindow();
    const lease = grant(window, 3);
    window.expire(leaseDurationMs);
    expect(positions(grant(window, 1, 2, leaseDurationMs))).toHaveLength(1);
    expect(window.present(lease, lease.positions, leaseDurationMs)).toBe(2);
    expect(window.free).toBe(1);
    expect(window.renew(lease.leaseId, hostId(1), leaseDurationMs)).toBe(true);
  });

  it('takes up no unit beyond its own, and none that it has reported', () => {
    const { window } = aWindow();
    const lease = grant(window, 2);
    report(window, lease, [aHostError(0)]);
    window.expire(leaseDurationMs);
    expect(window.present(lease, [[0, 4]], leaseDurationMs)).toBe(1);
    expect(window.free).toBe(3);
  });

  it('of a shard that is not held here does not stand', () => {
    const { window, id } = aWindow();
    const lease = grant(window, 2);
    window.drop(id);
    expect(window.present(lease, lease.positions, 0)).toBe(0);
  });
});

describe('a shard', () => {
  it('taken over leaves the units of known leases out for one lease time', () => {
    const lease = aLease(1, [[0, 3]]);
    const { window, job } = aWindow(aJob(), [{ kind: 'leased', ...lease }]);
    expect(window.free).toBe(1);
    expect(window.running(job.jobId)).toBe(3);
    expect(window.renew(lease.leaseId, lease.hostId, 10_000)).toBe(true);
    window.expire(10_000 + leaseDurationMs);
    expect(window.free).toBe(4);
  });

  it('held twice is held once', () => {
    const { window, job, state, id } = aWindow();
    const lease = grant(window, 2);
    window.hold(job, state, 0);
    expect(window.free).toBe(2);
    expect(window.renew(lease.leaseId, hostId(1), 0)).toBe(true);
    window.drop(id);
    expect(window.free).toBe(0);
    expect(window.shardIds).toEqual([]);
  });

  it('dropped takes its units and leases with it', () => {
    const { window, job, id } = aWindow();
    const lease = grant(window, 2);
    window.drop(id);
    expect(window.free).toBe(0);
    expect(window.running(job.jobId)).toBe(0);
    expect(window.renew(lease.leaseId, hostId(1), 0)).toBe(false);
    expect(window.expire(leaseDurationMs)).toEqual([]);
    expect(window.state(id)).toBeUndefined();
  });
});

describe('a state read anew', () => {
  /** The journal as another coordinator left it: unit 3 done under a lease of its own. */
  function elsewhere(...entries: JournalEntry[]): ShardState {
    const state = new ShardState(splitShard(aJob(), 0));
    const theirs = aLease(50, [[3, 1]], 9);
    append(state, entries);
    append(state, recordResults(state, theirs, [aResult(3)]).entries);
    return state;
  }

  it('takes in what was decided elsewhere, and leaves leases as they were', () => {
    const { window, job } = aWindow();
    const lease = grant(window, 2);
    window.refresh(elsewhere(), 0);
    expect(window.free).toBe(1);
    expect(window.running(job.jobId)).toBe(2);
    expect(window.renew(lease.leaseId, hostId(1), 0)).toBe(true);
  });

  it('[W5] extends no lease and brings none back, however often it is read', () => {
    const { window, state } = aWindow();
    const ended = grant(window, 1);
    append(state, [{ kind: 'leased', ...ended }]);
    window.expire(leaseDurationMs);
    const started = leaseDurationMs;
    const running = grant(window, 1, 2, started);
    append(state, [{ kind: 'leased', ...running }]);
    const entries: JournalEntry[] = [ended, running].map((lease) => ({ kind: 'leased', ...lease }));
    for (let ms = 0; ms < leaseDurationMs; ms += 5000) {
      window.refresh(elsewhere(...entries), started + ms);
      expect(window.renew(ended.leaseId, hostId(1), started)).toBe(false);
    }
    expect(window.expire(started + leaseDurationMs)).toMatchObject([{ leaseId: running.leaseId }]);
    expect(window.free).toBe(3);
  });

  it('ends a lease whose last unit was decided elsewhere', () => {
    const { window } = aWindow();
    const lease = grant(window, 4);
    report(window, lease, [aResult(0), aResult(1), aResult(2)]);
    const state = ShardState.replay(splitShard(aJob(), 0), new Uint8Array(0));
    append(
      state,
      recordResults(
        state,
        aLease(50, [[0, 4]]),
        [0, 1, 2, 3].map((at) => aResult(at)),
      ).entries,
    );
    window.refresh(state, 0);
    expect(window.renew(lease.leaseId, hostId(1), 0)).toBe(false);
    expect(window.free).toBe(0);
  });

  it('leaves out what another coordinator granted', () => {
    const { window } = aWindow();
    const theirs = aLease(51, [[0, 2]], 9);
    window.refresh(elsewhere({ kind: 'leased', ...theirs }), 0);
    expect(positions(grant(window, 4))).toEqual([2]);
  });

  it('frees units that were decided only in an append that did not come to be', () => {
    const { window } = aWindow();
    const lease = grant(window, 1);
    report(window, lease, [aResult(0)]);
    expect(window.free).toBe(3);
    window.refresh(elsewhere(), 0);
    expect(window.free).toBe(3);
    expect(positions(grant(window, 4))).toEqual([0, 1, 2]);
  });

  it('of a shard that is not held changes nothing', () => {
    const window = new Window();
    window.refresh(elsewhere(), 0);
    expect(window.free).toBe(0);
  });
});

describe('pausing', () => {
  it('grants nothing of a paused job, counts none of its units as free, and keeps its leases', () => {
    const { window, job } = aWindow();
    const lease = grant(window, 1);
    window.pause(job.jobId);
    window.pause(job.jobId);
    expect(window.free).toBe(0);
    expect(window.grant(asker(2), 1, leaseId(1), 0)).toBeNull();
    expect(window.whyNothing(asker(2), 0)).toBe('no_jobs');
    expect(window.renew(lease.leaseId, lease.hostId, 0)).toBe(true);
    expect(window.running(job.jobId)).toBe(1);
    expect(window.pausedJobIds).toEqual([job.jobId]);
  });

  it('gives back what became free meanwhile when the job is resumed', () => {
    const { window, job } = aWindow();
    const lease = grant(window, 3);
    window.pause(job.jobId);
    window.release(lease.leaseId, lease.hostId, positions(lease));
    expect(window.free).toBe(0);
    window.resume(job.jobId);
    window.resume(job.jobId);
    expect(window.free).toBe(4);
    expect(grant(window, 4).positions).toEqual([[0, 4]]);
  });

  it('is remembered while none of the job is held', () => {
    const { window, job, state, id } = aWindow();
    window.pause(job.jobId);
    window.drop(id);
    expect(window.free).toBe(0);
    window.hold(job, state, 0);
    expect(window.free).toBe(0);
    window.resume(job.jobId);
    expect(window.free).toBe(4);
  });

  it('leaves other jobs as they are', () => {
    const { window, job } = aWindow();
    const other = aJob({ jobId: jobId(2) });
    window.hold(other, new ShardState(splitShard(other, 0)), 0);
    window.pause(job.jobId);
    expect(window.free).toBe(4);
    expect(grant(window, 8).shard.jobId).toBe(other.jobId);
    expect(window.free).toBe(0);
  });
});

it('the leases of a holder are those of the host, or of all hosts of the account', () => {
  const { window } = aWindow();
  const [first, second] = [grant(window, 1, 1), grant(window, 1, 2)];
  const ids = (id: string) => window.leasesOfHolder(id).map((lease) => lease.leaseId);
  expect(ids(hostId(1))).toEqual([first.leaseId]);
  expect(ids(accountId(2))).toEqual([second.leaseId]);
  expect(ids(hostId(3))).toEqual([]);
});

describe('a guest', () => {
  const lease = aLease(1, [[0, 2]]);
  const aGuest = () => {
    const window = new Window();
    const [job, state] = [aJob(), new ShardState(splitShard(aJob(), 0))];
    append(state, [{ kind: 'leased', ...lease }]);
    window.guests.add(job, state, 0);
    return { window, job, state, id: shardId(state.shard) };
  };

  it('is granted from by nobody here, and its leases are renewed', () => {
    const { window, id } = aGuest();
    expect([window.free, window.isHeld(id), window.hasWork]).toEqual([0, false, false]);
    expect(window.grant(asker(1), 1, leaseId(9), 0)).toBeNull();
    expect(window.renew(leaseId(1), hostId(1), 10_000)).toBe(true);
    expect(window.isGuestLease(leaseId(1))).toBe(true);
    expect(window.expire(35_000)).toEqual([]);
  });

  it('is held with all that is out of it once the queue has handed it over', () => {
    const { window, job, state, id } = aGuest();
    const presented = { ...aLease(2, [[2, 1]], 2), shard: state.shard };
    expect(window.present(presented, [[2, 1]], 0)).toBe(1);
    window.hold(job, ShardState.replay(state.shard, new Uint8Array()), 5000);
    expect([window.free, window.isHeld(id), window.guests.all]).toEqual([1, true, []]);
    expect(window.renew(leaseId(2), hostId(2), 6000)).toBe(true);
  });

  it('becomes of a shard that somebody else has now, as long as something of it is out here', () => {
    const { window, id } = aWindow();
    const { leaseId: ours } = grant(window, 1);
    window.yield(id, 1000);
    expect([window.free, window.isHeld(id), window.isGuestLease(ours)]).toEqual([0, false, true]);
    window.guests.forgetDone();
    expect(window.state(id)).toBeDefined();
    expect(window.release(ours, hostId(1), [0])).toBe(1);
    window.guests.forgetDone();
    expect(window.state(id)).toBeUndefined();
  });

  it('is not made of a shard of which nothing is out', () => {
    const { window, id } = aWindow();
    window.yield(id, 0);
    expect([window.state(id), window.free]).toEqual([undefined, 0]);
  });
});

it('units that a host gave back to another coordinator are free when its journal is read anew', () => {
  const { window, state } = aWindow();
  const lease = grant(window, 2);
  const { leaseId: id, ...facts } = lease;
  const leased = { kind: 'leased' as const, leaseId: id, ...facts };
  const released = { kind: 'released' as const, leaseId: id, positions: lease.positions };
  const anew = new ShardState(state.shard);
  append(anew, [leased, released]);
  expect(window.free).toBe(2);
  window.refresh(anew, 0);
  expect(window.free).toBe(4);
});

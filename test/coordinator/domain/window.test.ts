import { describe, expect, it } from 'vitest';
import type { JournalEntry } from '../../../coordinator/domain/journal.ts';
import { leaseDurationMs } from '../../../coordinator/domain/lease.ts';
import { recordResults } from '../../../coordinator/domain/record.ts';
import { splitShard } from '../../../coordinator/domain/shard.ts';
import { ShardState } from '../../../coordinator/domain/shard-state.ts';
import { Window } from '../../../coordinator/domain/window.ts';
import {
  accountId,
  aHostError,
  aJob,
  aLease,
  append,
  aResult,
  hostId,
  jobId,
} from '../builders.ts';
import { aWindow, grant, positions, report } from './window-scene.ts';

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

it('the leases of a holder are those of the host, or of all hosts of the account', () => {
  const { window } = aWindow();
  const [first, second] = [grant(window, 1, 1), grant(window, 1, 2)];
  const ids = (id: string) => window.leasesOfHolder(id).map((lease) => lease.leaseId);
  expect(ids(hostId(1))).toEqual([first.leaseId]);
  expect(ids(accountId(2))).toEqual([second.leaseId]);
  expect(ids(hostId(3))).toEqual([]);
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

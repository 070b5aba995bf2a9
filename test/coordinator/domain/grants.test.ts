/** Which units a host gets that asks, seen through a window. */
import { describe, expect, it } from 'vitest';
import type { JobFacts } from '../../../coordinator/domain/job.ts';
import { splitShard } from '../../../coordinator/domain/shard.ts';
import { ShardState } from '../../../coordinator/domain/shard-state.ts';
import { Window } from '../../../coordinator/domain/window.ts';
import { aJob, aLease, aResult, jobId, leaseId } from '../builders.ts';
import { asker, aWindow, grant, positions, report } from './window-scene.ts';

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

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NoUnits } from '../../../coordinator/domain/grants.ts';
import {
  type HostNow,
  type JobNow,
  type Surroundings,
  type UnitNow,
  whyHost,
  whyJob,
  whyUnit,
} from '../../../coordinator/domain/why.ts';
import { jobStates, pauseCauses } from '../../../protocol/job.ts';
import { type WhyReason, whyReasons } from '../../../protocol/why.ts';

const job: JobNow = {
  state: 'open',
  pause: null,
  undecided: 10,
  running: 2,
  needs: { memoryBytes: 100, features: [] },
  free: 0,
  lack: null,
  isAheadOfChecks: false,
};
const around: Surroundings = {
  refusal: null,
  hosts: 1,
  machines: [{ memoryBytes: 200 }],
  waiting: [],
};
const unit: UnitNow = {
  status: 'open',
  isPending: false,
  isOut: false,
  hasFailedOnce: false,
};
const host: HostNow = {
  isBanned: false,
  isConnected: true,
  leases: 0,
  isAsking: true,
  nothing: 'no_jobs',
};

const plain = { memoryBytes: 200, lacks: ['simd' as const] };
const vectors = { memoryBytes: 100, features: ['simd' as const] };
const waits = (memoryBytes: number, nothing: NoUnits | null) => ({ memoryBytes, nothing });

const ofJobs: [WhyReason, Partial<JobNow>, Partial<Surroundings>][] = [
  ['complete', { state: 'complete', undecided: 0, running: 0 }, {}],
  ['cancelled', { state: 'cancelled' }, { hosts: 0 }],
  ['paused', { state: 'paused', pause: 'owner' }, { hosts: 0 }],
  ['paused', { state: 'paused', pause: 'operator', running: 10 }, {}],
  ['kernel_disabled', { state: 'paused', pause: 'kernel_disabled' }, { refusal: 'storage' }],
  ['closing', { undecided: 0, running: 0 }, { hosts: 0 }],
  ['no_anchor', { undecided: 0, running: 0, lack: 'no_anchor' }, {}],
  ['few_networks', { isAheadOfChecks: true, lack: 'few_networks' }, {}],
  ['checks_behind', { isAheadOfChecks: true }, { waiting: [waits(100, 'nothing_left')] }],
  ['in_turn', { isAheadOfChecks: true, lack: 'no_anchor', free: 1 }, {}],
  ['all_out', { running: 10 }, { refusal: 'draining' }],
  ['storage', {}, { refusal: 'storage', hosts: 0 }],
  ['draining', {}, { refusal: 'draining' }],
  ['strained', {}, { refusal: 'strained' }],
  ['no_hosts', {}, { hosts: 0, machines: [] }],
  ['too_small', {}, { machines: [{ memoryBytes: 99 }] }],
  ['too_small', { needs: vectors }, { machines: [{ memoryBytes: 99, lacks: ['simd'] }] }],
  ['lacks_feature', { needs: vectors }, { machines: [{ memoryBytes: 99 }, plain] }],
  ['in_turn', { needs: vectors }, { machines: [plain, { memoryBytes: 100 }] }],
  ['in_turn', {}, { machines: [plain] }],
  ['credit_spent', { state: 'paused', pause: 'credit_spent' }, {}],
  ['closing', { undecided: 0, running: 0, state: 'paused', pause: 'owner' }, {}],
  ['resting', { free: 1 }, { waiting: [waits(50, null), waits(100, 'tried_before')] }],
  ['hosts_kept', { free: 1 }, { waiting: [waits(100, 'quarantined'), waits(50, 'no_jobs')] }],
  ['in_turn', { free: 1 }, { waiting: [waits(100, 'backing_off'), waits(100, 'enough_in_hand')] }],
  ['in_turn', { free: 1 }, { waiting: [waits(50, 'tried_before')] }],
  ['in_turn', { free: 0 }, { waiting: [waits(100, 'tried_before')] }],
];
const ofUnits: [WhyReason, Partial<UnitNow>, Partial<JobNow>][] = [
  ['accepted', { status: 'accepted' }, { state: 'complete' }],
  ['failed', { status: 'failed' }, { state: 'cancelled' }],
  ['checking', { status: 'accepted', isPending: true }, { undecided: 0 }],
  ['few_networks', { status: 'accepted', isPending: true }, { lack: 'few_networks' }],
  ['paused', { status: 'accepted', isPending: true }, { pause: 'owner', lack: 'no_anchor' }],
  ['cancelled', { status: 'accepted', isPending: true }, { state: 'cancelled' }],
  ['cancelled', {}, { state: 'cancelled' }],
  ['running', { isOut: true }, { pause: 'owner' }],
  ['paused', { hasFailedOnce: true }, { pause: 'owner' }],
  ['second_opinion', { hasFailedOnce: true }, {}],
  ['in_turn', {}, {}],
];
const ofHosts: [WhyReason, Partial<HostNow>, Surroundings['refusal']][] = [
  ['banned', { isBanned: true, isConnected: false }, null],
  ['not_connected', { isConnected: false }, 'draining'],
  ['working', { leases: 1 }, 'draining'],
  ['not_asking', { isAsking: false }, null],
  // It was told when to ask again.
  ['strained', { isAsking: false }, 'strained'],
  ['quarantined', { isAsking: false, nothing: 'quarantined' }, null],
  ['backing_off', { isAsking: false, nothing: 'backing_off' }, null],
  ['storage', {}, 'storage'],
  ['too_small', { nothing: 'too_small' }, null],
  ['lacks_feature', { nothing: 'lacks_feature' }, null],
  ['no_jobs', {}, null],
  ['nothing_left', { nothing: 'nothing_left' }, null],
  ['tried_before', { nothing: 'tried_before' }, null],
  ['enough_in_hand', { nothing: 'enough_in_hand' }, null],
  ['backing_off', { nothing: 'backing_off' }, null],
  ['quarantined', { nothing: 'quarantined' }, null],
];

describe('the reason', () => {
  it.each(ofJobs)('of a job is %s: %o %o', (reason, parts, surroundings) => {
    expect(whyJob({ ...job, ...parts }, { ...around, ...surroundings })).toBe(reason);
  });

  it.each(ofUnits)('of a unit is %s: %o %o', (reason, parts, ofJob) => {
    expect(whyUnit({ ...unit, ...parts }, { ...job, ...ofJob }, around)).toBe(reason);
  });

  it.each(ofHosts)('of a host is %s: %o', (reason, parts, refusal) => {
    expect(whyHost({ ...host, ...parts }, { ...around, refusal })).toBe(reason);
  });

  it('is each one of the list for something', () => {
    const met = new Set([...ofJobs, ...ofUnits, ...ofHosts].map(([reason]) => reason));
    expect([...met].sort()).toEqual([...whyReasons].sort());
  });

  it('[W6] is one of the list for a job and a unit in whatever state, and never says that nothing waits', () => {
    const count = fc.nat({ max: 5 });
    const jobs = fc.record({
      state: fc.constantFrom(...jobStates),
      pause: fc.option(fc.constantFrom(...pauseCauses)),
      undecided: count,
      running: count,
      needs: fc.record({ memoryBytes: count, features: fc.constantFrom([], ['simd' as const]) }),
      free: count,
      lack: fc.constantFrom(null, 'no_anchor' as const, 'few_networks' as const),
      isAheadOfChecks: fc.boolean(),
    });
    const surroundings = fc.record({
      refusal: fc.constantFrom(null, 'draining' as const, 'storage' as const),
      hosts: count,
      machines: fc.array(
        fc.record({ memoryBytes: count, lacks: fc.constantFrom([], ['simd' as const]) }),
      ),
      waiting: fc.array(
        fc.record({
          memoryBytes: count,
          nothing: fc.constantFrom(null, 'tried_before' as const, 'quarantined' as const),
        }),
      ),
    });
    const units = fc.record({
      status: fc.constant('open' as const),
      isPending: fc.boolean(),
      isOut: fc.boolean(),
      hasFailedOnce: fc.boolean(),
    });
    fc.assert(
      fc.property(jobs, units, surroundings, (someJob, someUnit, some) => {
        const reason = whyJob(someJob, some);
        expect(whyReasons).toContain(reason);
        const isOpen = someJob.state === 'open' || someJob.state === 'paused';
        expect(['complete', 'cancelled'].includes(reason)).toBe(!isOpen);
        if (isOpen && someJob.running < someJob.undecided) expect(reason).not.toBe('all_out');
        expect(['accepted', 'failed', 'complete', 'all_out']).not.toContain(
          whyUnit(someUnit, { ...someJob, state: 'open' }, some),
        );
      }),
    );
  });
});

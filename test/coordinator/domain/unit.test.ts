import { describe, expect, it } from 'vitest';
import {
  accept,
  type Decision,
  decide,
  fail,
  type ReplicaEnd,
  replicasMax,
  type Unit,
} from '../../../coordinator/domain/unit.ts';
import { accountId, leaseId } from '../builders.ts';

let leases = 0;
const end = (account: number, parts: Partial<ReplicaEnd> = {}): ReplicaEnd => ({
  leaseId: leaseId(++leases),
  accountId: accountId(account),
  outcome: 'kernel_trap',
  exitCode: null,
  fuel: 500,
  ...parts,
});
const hostError = (account: number) => end(account, { outcome: 'host_error', fuel: 0 });

/** The decision when these ends came in one after the other. */
function decideAll(ends: ReplicaEnd[]): Decision {
  const latest = ends.at(-1);
  if (latest === undefined) throw new Error('nothing has ended');
  return decide(ends.slice(0, -1), latest);
}

describe('a unit', () => {
  it('is accepted upon its first success, whatever failed before', () => {
    const success = end(3, { outcome: 'success', exitCode: 0 });
    const accepted = { kind: 'accept', leaseId: success.leaseId };
    expect(decideAll([success])).toEqual(accepted);
    expect(decideAll([end(1), hostError(2), success])).toEqual(accepted);
  });

  it('[W1] fails when two accounts saw its kernel fail in the same way', () => {
    expect(decideAll([end(1)])).toEqual({ kind: 'another_replica' });
    expect(decideAll([end(1), end(2)])).toEqual({ kind: 'fail', reason: 'kernel_trap' });
    const exits = [1, 2].map((account) => end(account, { outcome: 'kernel_exit', exitCode: 3 }));
    expect(decideAll(exits)).toEqual({ kind: 'fail', reason: 'kernel_exit with code 3' });
  });

  it('[W4] does not fail because one account saw it fail twice', () => {
    expect(decideAll([end(1), end(1)])).toEqual({ kind: 'another_replica' });
    expect(decideAll([end(1), end(1), end(2)])).toEqual({ kind: 'fail', reason: 'kernel_trap' });
  });

  it.each<[string, Partial<ReplicaEnd>]>([
    ['outcome', { outcome: 'memory_exceeded' }],
    ['exit code', { exitCode: 1 }],
    ['fuel', { fuel: 501 }],
  ])('[W1] is not failed by two ends that differ in %s', (_, difference) => {
    expect(decideAll([end(1), end(2, difference)])).toEqual({ kind: 'another_replica' });
  });

  it('is failed by ends that agree with others in between', () => {
    const ends = [end(1), end(2, { fuel: 501 }), hostError(3), end(4)];
    expect(decideAll(ends)).toEqual({ kind: 'fail', reason: 'kernel_trap' });
  });

  it.each(['host_error', 'aborted', 'time_exceeded'] as const)(
    'is not failed by %s on two hosts: that says nothing of the kernel',
    (outcome) => {
      const ends = [1, 2].map((account) => end(account, { outcome }));
      expect(decideAll(ends)).toEqual({ kind: 'another_replica' });
    },
  );

  it('[W1] fails after the last try at the latest, and says how that one ended', () => {
    const tries = Array.from({ length: replicasMax }, (_, i) => hostError(i));
    expect(decideAll(tries.slice(1))).toEqual({ kind: 'another_replica' });
    expect(decideAll(tries)).toEqual({
      kind: 'fail',
      reason: 'no success in 8 tries; the last one: host_error',
    });
  });

  it('that is decided is not decided again', () => {
    const accepted = accept({ status: 'open', ends: [] }, leaseId(1));
    const failed = fail({ status: 'open', ends: [] }, 'kernel_trap');
    expect(accepted).toMatchObject({ status: 'accepted', canonical: leaseId(1) });
    expect(failed).toMatchObject({ status: 'failed', reason: 'kernel_trap' });
    const moves = [(unit: Unit) => accept(unit, leaseId(2)), (unit: Unit) => fail(unit, 'again')];
    for (const unit of [accepted, failed]) {
      for (const move of moves) expect(() => move(unit)).toThrow(/cannot/);
    }
  });
});

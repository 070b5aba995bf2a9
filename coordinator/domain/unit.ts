/**
 * The life of a unit, and the policy that moves it. A unit is open until it has a canonical result
 * or has failed for good; both are ends.
 *
 *            recorded, not decisive              recorded, success
 *          ┌────────────┐                 ┌───────────────────────► accepted
 *          ▼            │                 │
 *        open ──────────┴─────────────────┤
 *                                         └───────────────────────► failed
 *                                  the same failure from two accounts,
 *                                  or no success in `replicasMax` tries
 *
 * A success is accepted at once (commit first, audit afterwards). A kernel that traps, exits or runs
 * over a limit does so deterministically, so one more replica that ends in just the same way shows
 * that it is the unit's fault and not the host's. It has to be another account's: one owner, whether
 * broken or ill-meaning, cannot vouch for itself.
 */
import type { AccountId, LeaseId } from '../../protocol/ids.ts';
import { isHostOutcome, type Outcome } from '../../protocol/outcome.ts';

/** What decides: how a replica ended, and whose it was. Two agree when they ended in the same way. */
export type ReplicaEnd = {
  leaseId: LeaseId;
  accountId: AccountId;
  outcome: Outcome;
  exitCode: number | null;
  fuel: number;
};

export type Unit =
  | { status: 'open'; ends: ReplicaEnd[] }
  | { status: 'accepted'; canonical: LeaseId; ends: ReplicaEnd[] }
  | { status: 'failed'; reason: string; ends: ReplicaEnd[] };

export type Decision =
  | { kind: 'accept'; leaseId: LeaseId }
  | { kind: 'fail'; reason: string }
  | { kind: 'another_replica' };

/** Eight tries: with hosts that fail half of their units, one unit in 256 would fail wrongly. */
export const replicasMax = 8;

/**
 * What follows for an open unit from the ends known before, and one more. `accountsToFail`: how many have to see
 * its kernel fail in the same way.
 */
export function decide(
  earlier: readonly ReplicaEnd[],
  latest: ReplicaEnd,
  accountsToFail = 2,
): Decision {
  if (latest.outcome === 'success') return { kind: 'accept', leaseId: latest.leaseId };
  const ends = [...earlier, latest];
  const failures = ends.filter((end) => !isHostOutcome(end.outcome));
  const failed = failures.at(-1);
  if (failed !== undefined) {
    const agreeing = failures.filter((end) => agrees(end, failed));
    const accounts = new Set(agreeing.map((end) => end.accountId));
    if (accounts.size >= accountsToFail) return { kind: 'fail', reason: failureReason(failed) };
  }
  if (ends.length >= replicasMax) {
    const reason = `no success in ${replicasMax} tries; the last one: ${failureReason(latest)}`;
    return { kind: 'fail', reason };
  }
  return { kind: 'another_replica' };
}

function agrees(a: ReplicaEnd, b: ReplicaEnd): boolean {
  return a.outcome === b.outcome && a.exitCode === b.exitCode && a.fuel === b.fuel;
}

function failureReason(end: ReplicaEnd): string {
  return end.outcome === 'kernel_exit' ? `kernel_exit with code ${end.exitCode}` : end.outcome;
}

/** The moves a unit may make. A move that is not here is our bug, and says which. */
export function accept(unit: Unit, leaseId: LeaseId): Unit {
  if (unit.status !== 'open') throw new Error(`a unit that is ${unit.status} cannot be accepted`);
  return { status: 'accepted', canonical: leaseId, ends: unit.ends };
}

export function fail(unit: Unit, reason: string): Unit {
  if (unit.status !== 'open') throw new Error(`a unit that is ${unit.status} cannot fail`);
  return { status: 'failed', reason, ends: unit.ends };
}

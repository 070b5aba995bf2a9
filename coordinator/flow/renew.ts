/** renew, release, withdraw, present, expire: what happens to a lease between its grant and its report. */
import { GridError } from '../../protocol/errors.ts';
import type { HostId, JobId, LeaseId } from '../../protocol/ids.ts';
import type { UnitRuns } from '../../protocol/messages.ts';
import type { Holder, LeaseFacts } from '../domain/lease.ts';
import { lostReason } from '../domain/losses.ts';
import { fromRuns, parseShardId, positionOf, shardId, toRuns } from '../domain/shard.ts';
import { partitionOf } from '../store/store.ts';
import type { Context } from './context.ts';

/** Extends leases. Returns those that no longer stand: their host may drop them. */
export function renewLeases(
  context: Context,
  hostId: HostId,
  leaseIds: readonly LeaseId[],
): LeaseId[] {
  return leaseIds.filter((leaseId) => {
    if (!context.window.renew(leaseId, hostId, context.now())) return true;
    tellHolder(context, leaseId, hostId);
    return false;
  });
}

/** Whoever holds the shard would let a lease end that is renewed here alone. */
function tellHolder({ window, happened }: Context, leaseId: LeaseId, hostId: HostId): void {
  if (window.isGuestLease(leaseId)) happened({ kind: 'renewed_elsewhere', leaseId, hostId });
}

/** Gives units back at once. Throws GridError `lease_invalid` for a token that is not this host's. */
export function releaseUnits(context: Context, host: Holder, token: string, units: UnitRuns): void {
  const lease = context.leaseTokens.open(token, host);
  const positions = positionsOf(lease, units);
  if (context.window.release(lease.leaseId, host.hostId, positions) === 0) return;
  context.recorder.note(lease.shard, {
    kind: 'released',
    leaseId: lease.leaseId,
    positions: toRuns(positions),
  });
  context.capacities.returned(host.hostId, context.now());
  context.happened({ kind: 'units_free' });
}

/** Leases end before their time: their units are free at once. */
export function withdrawLeases(context: Context, leases: readonly LeaseFacts[]): void {
  const { window, recorder } = context;
  for (const { leaseId, hostId, shard, positions } of leases) {
    if (window.release(leaseId, hostId, fromRuns(positions)) === 0) continue;
    recorder.note(shard, { kind: 'released', leaseId, positions });
  }
  if (leases.length > 0) context.happened({ kind: 'units_free' });
}

export type PresentedLease = { lease: LeaseFacts; units: UnitRuns };

/** Of the leases that a host says it holds, those that this grid granted to it. */
export function openPresented(
  context: Context,
  host: Holder,
  leases: readonly { token: string; units: UnitRuns }[],
): PresentedLease[] {
  return leases.flatMap(({ token, units }) => {
    try {
      return [{ lease: context.leaseTokens.open(token, host), units }];
    } catch (error) {
      // Not this grid's, or not this host's: it is simply not held.
      if (error instanceof GridError && error.code === 'lease_invalid') return [];
      throw error;
    }
  });
}

/** Takes up a lease that a host still holds after a reconnection. True when it stands. */
export function presentLease(context: Context, { lease, units }: PresentedLease): boolean {
  const { window } = context;
  const freeBefore = window.free;
  const left = window.present(lease, toRuns(positionsOf(lease, units)), context.now());
  // What the host has lost of its lease is free for those who wait.
  if (window.free > freeBefore) context.happened({ kind: 'units_free' });
  if (left > 0) tellHolder(context, lease.leaseId, lease.hostId);
  return left > 0;
}

/** Frees the units of leases past their deadline; those that have cost too many hosts are given up. */
export function expireLeases(context: Context): LeaseFacts[] {
  const expired = context.window.expire(context.now());
  context.capacities.lapsed(expired.map(({ hostId }) => hostId));
  for (const { leaseId, hostId, shard, positions } of expired) {
    // Or it would stand again, for as long, where the shard goes next.
    if (context.peers.share && context.window.isHeld(shardId(shard)))
      context.recorder.note(shard, { kind: 'released', leaseId, positions });
    context.log.info({ leaseId, hostId, jobId: shard.jobId, shard: shard.number }, 'lease expired');
  }
  for (const { shard, positions } of context.window.hopeless) {
    context.log.warn({ jobId: shard.jobId, shard: shard.number, positions }, lostReason);
    context.recorder.giveUp(shard, positions, lostReason);
  }
  // Also when none expired: a unit that rested for the only host that waits may have rested enough.
  // So may a check that was kept for others, and what is out may be late by now.
  if (context.window.hasWork) context.happened({ kind: 'units_free' });
  return expired;
}

/** Drops a cancelled job's shards from window and queue. Returns the leases that this ends. */
export async function dropJob(context: Context, jobId: JobId): Promise<LeaseFacts[]> {
  const leases = context.window.leasesOf(jobId);
  const ids = context.window.shardIds.filter((id) => parseShardId(id).jobId === jobId);
  // All of them before the first wait: until then their units would be granted on.
  for (const id of ids) context.window.drop(id);
  const partition = partitionOf(jobId, context.grid.partitions);
  for (const id of ids) await context.queue.finish(partition, id);
  return leases;
}

function positionsOf(lease: LeaseFacts, units: UnitRuns): number[] {
  return [...fromRuns(units)]
    .map((unit) => positionOf(lease.shard.units, unit))
    .filter((position) => position >= 0)
    .sort((a, b) => a - b);
}

/** A lease token and the facts it vouches for. */
import { GridError } from '../../protocol/errors.ts';
import type { HostId } from '../../protocol/ids.ts';
import type { UnitRuns } from '../../protocol/messages.ts';
import type { LeaseFacts } from '../domain/lease.ts';
import type { ShardUnits } from '../domain/shard.ts';
import type { Sealer } from './seal.ts';

type Tuple = [string, string, string, string, number, ShardUnits, UnitRuns];

export function sealLease(sealer: Sealer, facts: LeaseFacts): string {
  const { leaseId, hostId, accountId, shard, positions } = facts;
  const tuple: Tuple = [
    leaseId,
    hostId,
    accountId,
    shard.jobId,
    shard.number,
    shard.units,
    positions,
  ];
  return sealer.seal('lease', tuple);
}

/** Throws GridError `lease_invalid` for a token that is forged, or another host's. */
export function openLease(sealer: Sealer, token: string, hostId: HostId): LeaseFacts {
  const tuple = sealer.open('lease', token) as Tuple | null;
  if (tuple === null) throw new GridError('lease_invalid', 'Its seal is not this grid’s.');
  const [leaseId, holder, accountId, jobId, number, units, positions] = tuple;
  if (holder !== hostId)
    throw new GridError('lease_invalid', `Lease ${leaseId} is another host's.`);
  return { leaseId, hostId, accountId, shard: { jobId, number, units }, positions };
}

/** A lease token and the facts it vouches for. */
import { GridError } from '../../protocol/errors.ts';
import type { AccountId, HostId, JobId, LeaseId } from '../../protocol/ids.ts';
import type { UnitRuns } from '../../protocol/messages.ts';
import type { LeaseFacts } from '../domain/lease.ts';
import type { ShardUnits } from '../domain/shard.ts';
import type { Sealer } from './seal.ts';

/** To whom a lease was granted. Part of what is sealed, but not of the token: the session knows it. */
export type Holder = { hostId: HostId; accountId: AccountId };
type Tuple = [LeaseId, JobId, number, ShardUnits, UnitRuns];

export function sealLease(sealer: Sealer, facts: LeaseFacts): string {
  const { leaseId, shard, positions } = facts;
  const tuple: Tuple = [leaseId, shard.jobId, shard.number, shard.units, positions];
  return sealer.seal(purposeFor(facts), tuple);
}

/** Throws GridError `lease_invalid` for a token that is forged, or another host's. */
export function openLease(sealer: Sealer, token: string, holder: Holder): LeaseFacts {
  const tuple = sealer.open(purposeFor(holder), token) as Tuple | null;
  if (tuple === null) throw new GridError('lease_invalid', 'It was not granted to this host.');
  const [leaseId, jobId, number, units, positions] = tuple;
  const { hostId, accountId } = holder;
  return { leaseId, hostId, accountId, shard: { jobId, number, units }, positions };
}

const purposeFor = ({ hostId, accountId }: Holder): string => `lease ${hostId} ${accountId}`;

/** A lease token and the facts it vouches for. */
import { GridError } from '../../protocol/errors.ts';
import type { AccountId, HostId, JobId, LeaseId } from '../../protocol/ids.ts';
import type { UnitRuns } from '../../protocol/messages.ts';
import type { LeaseFacts } from '../domain/lease.ts';
import type { Sealer } from './seal.ts';

/** To whom a lease was granted. Part of what is sealed, but not of the token: the session knows it. */
export type Holder = { hostId: HostId; accountId: AccountId };
/** `from` and `count` of a run of units, or the list and null; positions as flat pairs. */
type Tuple = [LeaseId, JobId, number, number | readonly number[], number | null, ...number[]];

export function sealLease(sealer: Sealer, facts: LeaseFacts): string {
  const { leaseId, shard, positions } = facts;
  const { jobId, number, units } = shard;
  const [from, count] = 'list' in units ? [units.list, null] : [units.from, units.count];
  const tuple: Tuple = [leaseId, jobId, number, from, count, ...positions.flat()];
  return sealer.seal(purposeFor(facts), tuple);
}

/** Throws GridError `lease_invalid` for a token that is forged, or another host's. */
export function openLease(sealer: Sealer, token: string, holder: Holder): LeaseFacts {
  const tuple = sealer.open(purposeFor(holder), token) as Tuple | null;
  if (tuple === null) throw new GridError('lease_invalid', 'It was not granted to this host.');
  const [leaseId, jobId, number, from, count, ...flat] = tuple;
  const units = count === null ? { list: from as number[] } : { from: from as number, count };
  const positions: UnitRuns = [];
  for (let i = 0; i < flat.length; i += 2) positions.push([flat[i] ?? 0, flat[i + 1] ?? 0]);
  const { hostId, accountId } = holder;
  return { leaseId, hostId, accountId, shard: { jobId, number, units }, positions };
}

const purposeFor = ({ hostId, accountId }: Holder): string => `lease ${hostId} ${accountId}`;

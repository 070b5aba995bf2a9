/**
 * Lease tokens and the facts they vouch for. Any coordinator of the grid opens any of them; those that
 * this one made lately it just remembers, which takes no proof and no decoding.
 */
import { GridError } from '../../protocol/errors.ts';
import type { AccountId, HostId, JobId, LeaseId } from '../../protocol/ids.ts';
import type { LeaseFacts } from '../domain/lease.ts';
import { flatRuns, runsFromFlat } from '../domain/shard.ts';
import type { Sealer } from './seal.ts';

/** To whom a lease was granted. Part of what is sealed, but not of the token: the session knows it. */
export type Holder = { hostId: HostId; accountId: AccountId };
/** `from` and `count` of a run of units, or the list and null; positions as flat pairs. */
type Tuple = [LeaseId, JobId, number, number | readonly number[], number | null, ...number[]];

/** Tokens remembered: the leases that a busy coordinator has out, about 500 bytes each. */
const ownMax = 16_384;

export class LeaseTokens {
  private readonly sealer: Sealer;
  private readonly own = new Map<string, LeaseFacts>();

  constructor(sealer: Sealer) {
    this.sealer = sealer;
  }

  seal(facts: LeaseFacts): string {
    const { leaseId, shard, positions } = facts;
    const { jobId, number, units } = shard;
    const [from, count] = 'list' in units ? [units.list, null] : [units.from, units.count];
    const tuple: Tuple = [leaseId, jobId, number, from, count, ...flatRuns(positions)];
    const token = this.sealer.seal(purposeFor(facts), tuple);
    this.own.set(token, facts);
    if (this.own.size > ownMax) this.forgetOldest();
    return token;
  }

  /** Throws GridError `lease_invalid` for a token that is forged, or another host's. */
  open(token: string, holder: Holder): LeaseFacts {
    const { hostId, accountId } = holder;
    const own = this.own.get(token);
    if (own !== undefined && own.hostId === hostId && own.accountId === accountId) {
      // Most leases are reported whole: what is forgotten at once is cheap to have remembered.
      this.own.delete(token);
      return own;
    }
    const tuple = this.sealer.open(purposeFor(holder), token) as Tuple | null;
    if (tuple === null) throw new GridError('lease_invalid', 'It was not granted to this host.');
    const [leaseId, jobId, number, from, count, ...flat] = tuple;
    const units = count === null ? { list: from as number[] } : { from: from as number, count };
    const shard = { jobId, number, units };
    return { leaseId, hostId, accountId, shard, positions: runsFromFlat(flat) };
  }

  private forgetOldest(): void {
    const [oldest] = this.own.keys();
    if (oldest !== undefined) this.own.delete(oldest);
  }
}

const purposeFor = ({ hostId, accountId }: Holder): string => `lease ${hostId} ${accountId}`;

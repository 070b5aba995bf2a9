/**
 * Lease tokens and the facts they vouch for. Any coordinator of the grid opens any of them; those that
 * this one made lately it just remembers, which takes no proof and no decoding.
 *
 * A host can neither read its tokens nor tell from their length whether its units are checked: each run
 * of units takes the same room, of whatever shard it is.
 */
import { GridError } from '../../protocol/errors.ts';
import type { JobId, LeaseId } from '../../protocol/ids.ts';
import type { UnitRuns } from '../../protocol/messages.ts';
import type { Holder, LeaseFacts } from '../domain/lease.ts';
import { shardSize } from '../domain/shard.ts';
import type { Sealer } from './seal.ts';

/** The units of the shard and whether it lists them; then runs: first position, count, first unit. */
type Tuple = [LeaseId, JobId, number, number, boolean, ...number[]];
const headLength = 5;
/** Two ids and five numbers come to 48 bytes at most; a run to 15, of numbers up to 2^53. */
const bytesMin = (runs: number): number => 48 + 16 * runs;

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
    const tuple: Tuple = [leaseId, jobId, number, shardSize(units), 'list' in units];
    for (const [from, count] of positions) {
      if (!('list' in units)) tuple.push(from, count, units.from + from);
      else for (const run of listedRuns(units.list, from, count)) tuple.push(...run);
    }
    const runs = (tuple.length - headLength) / 3;
    const token = this.sealer.seal(purposeFor(facts), tuple, bytesMin(runs));
    this.own.set(token, facts);
    if (this.own.size > ownMax) this.forgetOldest();
    return token;
  }

  /**
   * Throws GridError `lease_invalid` for a token that is forged, or another host's. A shard that lists its
   * units is told with those of this lease alone, unless it was sealed here lately.
   */
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
    const [leaseId, jobId, number, count, isList, ...flat] = tuple;
    const { positions, list, first } = readRuns(flat, isList ? count : 0);
    const shard = { jobId, number, units: isList ? { list } : { from: first, count } };
    return { leaseId, hostId, accountId, shard, positions };
  }

  private forgetOldest(): void {
    const [oldest] = this.own.keys();
    if (oldest !== undefined) this.own.delete(oldest);
  }
}

/** As the host is told of them: units that follow each other are one run. */
function listedRuns(list: readonly number[], from: number, count: number): number[][] {
  const runs: [number, number, number][] = [];
  for (let at = from; at < from + count; at++) {
    const unit = list[at] ?? unknownUnit;
    const last = runs.at(-1);
    if (last !== undefined && last[2] + last[1] === unit) last[1]++;
    else runs.push([at, 1, unit]);
  }
  return runs;
}

/** `first`: the unit at position 0, should the shard be a run. */
function readRuns(flat: readonly number[], listed: number) {
  const list = new Array<number>(listed).fill(unknownUnit);
  const positions: UnitRuns = [];
  for (let i = 0; i < flat.length; i += 3) {
    const [at = 0, length = 0, unit = 0] = flat.slice(i, i + 3);
    const last = positions.at(-1);
    if (last !== undefined && last[0] + last[1] === at) last[1] += length;
    else positions.push([at, length]);
    for (let j = 0; j < length && at + j < listed; j++) list[at + j] = unit + j;
  }
  return { positions, list, first: (flat[2] ?? 0) - (flat[0] ?? 0) };
}

/** In the place of a unit that another lease has. */
const unknownUnit = -1;

const purposeFor = ({ hostId, accountId }: Holder): string => `lease ${hostId} ${accountId}`;

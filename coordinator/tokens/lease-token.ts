/**
 * Lease tokens and the facts they vouch for. Any coordinator of the grid opens any of them; those that
 * this one made lately it just remembers, which takes no proof and no decoding.
 *
 * A host can neither read its tokens nor tell from their length whether its units are checked: each run
 * of units takes the same room, of whatever shard it is.
 */
import { GridError } from '../../protocol/errors.ts';
import type { UnitRuns } from '../../protocol/messages.ts';
import type { Holder, LeaseFacts } from '../domain/lease.ts';
import { shardSize } from '../domain/shard.ts';
import type { Sealer } from './seal.ts';

/**
 * The facts as bytes, big-endian: lease id, job id, number of the shard, how many units it has, whether it lists
 * them; then runs, each its first position, its count, and its first unit.
 */
type LeasedRun = [position: number, count: number, unit: number];
const [idBytes, headBytes, runBytes] = [17, 2 * 17 + 8 + 4 + 1, 4 + 4 + 8];

/** Tokens remembered: the leases that a busy coordinator has out, about 500 bytes each. */
const ownMax = 16_384;

export class LeaseTokens {
  private readonly sealer: Sealer;
  /** By the end of the token: to look a hundred characters up took as long as to hash them did. */
  private readonly own = new Map<string, { token: string; facts: LeaseFacts }>();

  constructor(sealer: Sealer) {
    this.sealer = sealer;
  }

  seal(facts: LeaseFacts): string {
    const token = this.sealer.sealBytes(purposeFor(facts), toBytes(facts));
    this.own.set(nameOf(token), { token, facts });
    if (this.own.size > ownMax) this.forgetOldest();
    return token;
  }

  /**
   * Throws GridError `lease_invalid` for a token that is forged, or another host's. A shard that lists its
   * units is told with those of this lease alone, unless it was sealed here lately.
   */
  open(token: string, holder: Holder): LeaseFacts {
    const { hostId, accountId } = holder;
    const name = nameOf(token);
    const own = this.own.get(name);
    if (own?.token === token && own.facts.hostId === hostId && own.facts.accountId === accountId) {
      // Most leases are reported whole: what is forgotten at once is cheap to have remembered.
      this.own.delete(name);
      return own.facts;
    }
    const bytes = this.sealer.openBytes(purposeFor(holder), token);
    if (bytes === null) throw new GridError('lease_invalid', 'It was not granted to this host.');
    return { hostId, accountId, ...fromBytes(bytes) };
  }

  private forgetOldest(): void {
    const [oldest] = this.own.keys();
    if (oldest !== undefined) this.own.delete(oldest);
  }
}

function toBytes({ leaseId, shard, positions }: LeaseFacts): Uint8Array {
  const { jobId, number, units } = shard;
  const runs =
    'list' in units
      ? positions.flatMap((run) => listedRuns(units.list, run[0], run[1]))
      : positions.map((run): LeasedRun => [run[0], run[1], units.from + run[0]]);
  const bytes = Buffer.allocUnsafe(headBytes + runs.length * runBytes);
  bytes.write(leaseId, 0, idBytes, 'latin1');
  bytes.write(jobId, idBytes, idBytes, 'latin1');
  let at = bytes.writeDoubleBE(number, 2 * idBytes);
  at = bytes.writeUInt32BE(shardSize(units), at);
  at = bytes.writeUInt8('list' in units ? 1 : 0, at);
  for (const run of runs) {
    at = bytes.writeUInt32BE(run[0], at);
    at = bytes.writeUInt32BE(run[1], at);
    at = bytes.writeDoubleBE(run[2], at);
  }
  return bytes;
}

function fromBytes(bytes: Buffer): Pick<LeaseFacts, 'leaseId' | 'shard' | 'positions'> {
  const leaseId = bytes.toString('latin1', 0, idBytes);
  const jobId = bytes.toString('latin1', idBytes, 2 * idBytes);
  const number = bytes.readDoubleBE(2 * idBytes);
  const size = bytes.readUInt32BE(2 * idBytes + 8);
  const isList = bytes.readUInt8(2 * idBytes + 12) === 1;
  const { positions, list, first } = readRuns(bytes.subarray(headBytes), isList ? size : 0);
  const units = isList ? { list } : { from: first, count: size };
  return { leaseId, shard: { jobId, number, units }, positions };
}

/** As the host is told of them: units that follow each other are one run. */
function listedRuns(list: readonly number[], from: number, count: number): LeasedRun[] {
  const runs: LeasedRun[] = [];
  for (let at = from; at < from + count; at++) {
    const unit = list[at] ?? unknownUnit;
    const last = runs.at(-1);
    if (last !== undefined && last[2] + last[1] === unit) last[1]++;
    else runs.push([at, 1, unit]);
  }
  return runs;
}

/** `first`: the unit at position 0, should the shard be a run. */
function readRuns(bytes: Buffer, listed: number) {
  const list = new Array<number>(listed).fill(unknownUnit);
  const positions: UnitRuns = [];
  let first = 0;
  for (let i = 0; i < bytes.length; i += runBytes) {
    const [at, length] = [bytes.readUInt32BE(i), bytes.readUInt32BE(i + 4)];
    const unit = bytes.readDoubleBE(i + 8);
    if (i === 0) first = unit - at;
    const last = positions.at(-1);
    if (last !== undefined && last[0] + last[1] === at) last[1] += length;
    else positions.push([at, length]);
    for (let j = 0; j < length && at + j < listed; j++) list[at + j] = unit + j;
  }
  return { positions, list, first };
}

/** The last of it, which is as good as drawn by lot. */
const nameOf = (token: string): string => token.slice(-12);

/** In the place of a unit that another lease has. */
const unknownUnit = -1;

const purposeFor = ({ hostId, accountId }: Holder): string => `lease ${hostId} ${accountId}`;

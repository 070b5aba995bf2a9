/**
 * What the grid keeps for trust: records of hosts and accounts, cases of units, and the checks that are
 * out. A check is a shard that lists its units, and its order says who may have them.
 *
 * Settled cases stay, so that what a host said can still be discounted when it is convicted.
 */
import type { AccountId, HostId, JobId } from '../../../protocol/ids.ts';
import type { JobDocument } from '../../../protocol/job.ts';
import type { UnitRuns } from '../../../protocol/messages.ts';
import type { Payment } from '../award.ts';
import { dayOf } from '../day.ts';
import { isFinal, type Job } from '../job.ts';
import type { Shard } from '../shard.ts';
import type { Speed } from '../speed.ts';
import { assurances, isEachChecked } from './assurance.ts';
import type { Case, Testimony } from './case.ts';
import type { Records } from './judge.ts';
import { type Reliability, stranger } from './reliability.ts';
import type { Identity } from './repute.ts';

export type HostRecord = {
  accountId: AccountId;
  network: string;
  runtime: string;
  isAnchor: boolean;
  record: Reliability;
  /** Once it was learned; it is no matter of trust, and kept here to be written with the rest. */
  speed?: Speed;
};

/** Where a result is: in the journal of this shard, at this position, from this host. */
export type Place = { shard: number; position: number; hostId: HostId };

export type Told = Testimony & {
  /** What was paid for it. */
  micro: number;
  /** Null until the journal that it is in was read. */
  place: Place | null;
  /** It tells of another's result, whether that is right. */
  isVerdict?: true;
};

export type UnitCase = {
  trust: JobDocument['trust'];
  wanted: number;
  testimonies: Told[];
  /** Whether a check of it is out: then it is judged when that has come back. */
  isOut: boolean;
  /** The answer as the case was last settled; '' until then. */
  canonical: string;
  /**
   * What a verifier has rejected. Then there are no testimonies until the unit was computed anew, by somebody else,
   * and who said something else than what stands in the end was wrong.
   */
  rejected?: readonly Told[];
};

/** A unit whose canonical result was wrong, or of which somebody else's was. */
export type Amendment = {
  jobId: JobId;
  unit: number;
  /** Where the canonical result is now; null when it is where it was. */
  place: Place | null;
  revoked: { hostId: HostId; accountId: AccountId; micro: number; isVerdict?: true }[];
};

/** What the amendment takes back from those who were wrong. */
export const revocations = ({ unit, revoked }: Amendment): Payment[] =>
  revoked
    .filter(({ micro }) => micro > 0)
    .map((lost) => ({ kind: 'revoke', ...lost, units: [[unit, 1]] }));

/** By job, the split shards that a host has results in, as runs. */
export type Work = Record<JobId, UnitRuns>;

/** A check shard, from when it was ordered until what came of it is heard. */
export type Order = Shard;

/**
 * Whether an accepted result is to count only when more accounts are behind it, or was rejected by a verifier. Until
 * the draw has seen a result there is no case of it.
 */
export function isPending(job: Job, unit: number, about: UnitCase | undefined): boolean {
  if (isFinal(job, unit)) return false;
  if (about?.rejected !== undefined) return about.canonical === '';
  if (!isEachChecked(job.document.trust)) return false;
  return about === undefined ? job.state !== 'complete' : about.canonical === '';
}

export const caseName = (jobId: JobId, unit: number): string => `${jobId} ${unit}`;
export function parseCaseName(name: string): { jobId: JobId; unit: number } {
  const [jobId = '', unit] = name.split(' ');
  return { jobId, unit: Number(unit) };
}

/** Of a unit that was accepted on this host's word alone, until now. */
export function newCase(
  { accountId, network, isAnchor }: HostRecord,
  hostId: HostId,
  trust: UnitCase['trust'],
): UnitCase {
  const told = { answer: '', status: 'heard', micro: 0, place: null } as const;
  const testimonies = [{ hostId, accountId, network, isAnchor, ...told }];
  return { trust, wanted: 1, isOut: false, canonical: '', testimonies };
}

export const toCase = ({ trust, wanted, testimonies }: UnitCase): Case => ({
  assurance: assurances[trust],
  wanted,
  testimonies,
});

/** How many results an account had when a day had ended on which it made some. */
export type DayEnd = { day: number; accountId: AccountId; results: number };

/** Records that a step reads and changes: everything is read first, and what changed is written. */
export class RecordBook implements Records {
  readonly changedHosts = new Map<HostId, HostRecord>();
  readonly changedAccounts = new Map<AccountId, Reliability>();
  private readonly hosts: ReadonlyMap<HostId, HostRecord>;
  private readonly accounts: ReadonlyMap<AccountId, Reliability>;
  private readonly now: number;

  constructor(
    hosts: ReadonlyMap<HostId, HostRecord>,
    accounts: ReadonlyMap<AccountId, Reliability>,
    now: number,
  ) {
    this.hosts = hosts;
    this.accounts = accounts;
    this.now = now;
  }

  get hostIds(): HostId[] {
    return [...this.hosts.keys()];
  }

  identityOf(hostId: HostId): Identity {
    const { accountId, isAnchor, record } = this.host(hostId);
    const account =
      this.changedAccounts.get(accountId) ?? this.accounts.get(accountId) ?? stranger(this.now);
    return { isAnchor, host: record, account };
  }

  keep(hostId: HostId, { host, account }: Identity): void {
    const known = this.host(hostId);
    this.changedHosts.set(hostId, { ...known, record: host });
    this.changedAccounts.set(known.accountId, account);
  }

  keepSpeed(hostId: HostId, speed: Speed): void {
    this.changedHosts.set(hostId, { ...this.host(hostId), speed });
  }

  /** Of accounts whose first result of a new day this is: what they had before. */
  get dayEnds(): DayEnd[] {
    return [...this.changedAccounts].flatMap(([accountId, { lastSeenAt }]) => {
      const before = this.accounts.get(accountId);
      if (before === undefined || dayOf(before.lastSeenAt) >= dayOf(lastSeenAt)) return [];
      return [{ day: dayOf(before.lastSeenAt), accountId, results: before.results }];
    });
  }

  host(hostId: HostId): HostRecord {
    const known = this.changedHosts.get(hostId) ?? this.hosts.get(hostId);
    if (known === undefined) throw new Error(`host ${hostId} was never enrolled`);
    return known;
  }
}

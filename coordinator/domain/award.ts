/**
 * award: what outbox records come to in the ledger. Everything a host earned in a job by these records
 * is one grant, which names its units; the journals see to it that no unit is in two of them. Should one be all the
 * same, that is a defect: its payment is left out and told of, and everybody else is paid.
 *
 *   grant    payer → the volunteer's pending, and an escrow pays the fee; what it lacks its owner adds, or bad debt lends
 *   revoke   the volunteer's pending → payer, the youngest day first; what is not there any more comes
 *            from what they have available, and the rest is bad debt. A payer who owes something gives it up
 */
import type { AccountId, HostId, JobId, TeamId } from '../../protocol/ids.ts';
import type { UnitRuns } from '../../protocol/messages.ts';
import {
  escrowAccount,
  escrowAheadMicro,
  feeOf,
  fillEscrow,
  type Purse,
  scientistAccount,
} from './funding.ts';
import type { JobFacts } from './job.ts';
import {
  availableAccount,
  type Bucket,
  type EntryDraft,
  emptyDraft,
  type Grant,
  type Holder,
  type LedgerAccount,
  least,
  lend,
  move,
  type PendingChange,
  pendingAccount,
} from './ledger.ts';
import { runsSize } from './shard.ts';
import { type StandingChange, standingKinds } from './standing.ts';
import { addRun } from './unit-runs.ts';

/** What a decision is worth to a host, or was when it is taken back. */
export type Payment = {
  kind: 'grant' | 'revoke';
  accountId: AccountId;
  hostId: HostId;
  micro: number;
  /** Indices of units, not positions in a shard. */
  units: UnitRuns;
  /** For running the job's verifier on others' results of these units. An account may do so again. */
  isVerdict?: true;
};
export type OutboxRecord = {
  number: number;
  jobId: JobId;
  /** Paid for checks of units that were accepted before. */
  isCheck: boolean;
  payments: Payment[];
};

/** What stands in the ledger before the step, as far as the step asks for it. */
export type AwardFacts = {
  day: number;
  /** Null when the mint pays. */
  payerOf(jobId: JobId): EscrowPayer | null;
  feeAccount: bigint;
  /** The team that an account is in: what it earns counts for that one, for good. */
  teamOf(accountId: AccountId): TeamId | null;
  /** Where a host is, if it has said so when it was written down. */
  countryOf(hostId: HostId): string | null;
  pendingOf(holder: Holder): PendingChange[];
  availableOf(accountId: AccountId): bigint;
};

export type EscrowPayer = { job: JobFacts; escrow: bigint; purse: Purse };

/** A payment that names a unit which its account was paid for, or lost, in the same step: a journal decided twice. */
export type LeftOut = { record: number; jobId: JobId; payment: Payment; unit: number };

export function awardDraft(
  source: { partition: number; from: number; to: number },
  records: readonly OutboxRecord[],
  facts: AwardFacts,
): { draft: EntryDraft; leftOut: LeftOut[] } {
  const draft = emptyDraft('award');
  draft.source = source;
  const { grants, leftOut } = grantsOf(records, facts);
  draft.grants = grants;
  const standings = new Standings(facts);
  for (const grant of draft.grants) {
    if (grant.kind === 'grant') give(draft, grant, facts, standings);
  }
  for (const grant of draft.grants) {
    if (grant.kind === 'revoke') takeBack(draft, grant, facts, standings);
  }
  payFees(draft, facts);
  fillEscrows(draft, facts);
  draft.standings = standings.changes;
  return { draft, leftOut };
}

/** One for each kind, host and job; but each verdict by itself, for of a unit there may be several. */
function grantsOf(
  records: readonly OutboxRecord[],
  { payerOf }: AwardFacts,
): { grants: Grant[]; leftOut: LeftOut[] } {
  // Grants first: what is revoked may have been granted by a later record of the same step.
  const grants = { grant: [] as Grant[], revoke: [] as Grant[] };
  const leftOut: LeftOut[] = [];
  const known = new Map<JobId, Known>();
  for (const { number, jobId, payments } of records) {
    const ofJob = known.get(jobId) ?? { grant: new Gathered(), revoke: new Gathered() };
    known.set(jobId, ofJob);
    const payer = payerOf(jobId) === null ? 'mint' : escrowAccount(jobId);
    for (const payment of payments) {
      const { kind, accountId, hostId, micro, units } = payment;
      const isVerdict = payment.isVerdict === true;
      const gathered = ofJob[kind];
      const twice = isVerdict ? null : gathered.name(accountId, units);
      if (twice !== null) {
        leftOut.push({ record: number, jobId, payment, unit: twice });
        continue;
      }
      let grant = isVerdict ? undefined : gathered.byHost.get(hostId);
      if (grant === undefined) {
        const ids = { accountId, hostId, jobId };
        grant = { kind, ...ids, units: [], micro: 0n, payer, fee: 0n };
        if (isVerdict) grant.isVerdict = true;
        else gathered.byHost.set(hostId, grant);
        grants[kind].push(grant);
      }
      grant.micro += BigInt(micro);
      for (const run of units) addRun(grant.units, run);
    }
  }
  return { grants: [...grants.grant, ...grants.revoke], leftOut };
}

type Known = Record<Payment['kind'], Gathered>;

/** What is granted in a job, or revoked. */
class Gathered {
  readonly byHost = new Map<HostId, Grant>();
  private readonly byAccount = new Map<AccountId, UnitRuns>();

  /** Notes units of an account. Returns one that was there already. */
  name(accountId: AccountId, units: UnitRuns): number | null {
    let named = this.byAccount.get(accountId);
    if (named === undefined) {
      named = [];
      this.byAccount.set(accountId, named);
    }
    for (const run of units) {
      const twice = addRun(named, run);
      if (twice !== null) return twice;
    }
    return null;
  }
}

/** Fees follow from what is paid: those of what is taken back come back as well. */
function payFees(draft: EntryDraft, { payerOf, feeAccount }: AwardFacts): void {
  let collected = feeAccount;
  for (const grant of draft.grants) {
    const payer = payerOf(grant.jobId);
    if (payer === null) continue;
    const fee = feeOf(grant.micro, payer.job);
    // Rounded down for each posting: of several that are taken back as one, it may be a little less.
    grant.fee = grant.kind === 'grant' ? fee : least(fee, collected);
    const [from, to] = grant.kind === 'grant' ? [grant.payer, 'fee'] : ['fee', grant.payer];
    move(draft, from, to, grant.fee);
    collected += grant.kind === 'grant' ? grant.fee : -grant.fee;
  }
}

/**
 * No escrow ends below zero: first its owner pays, with some to spare for what comes next, then bad debt lends. What it
 * has lent is paid back before anything else: else whoever lets a liar be paid by it, and then be revoked, had the credit.
 */
function fillEscrows(draft: EntryDraft, { payerOf }: AwardFacts): void {
  const left = (account: LedgerAccount, has: bigint) => has + (draft.postings.get(account) ?? 0n);
  for (const jobId of new Set(draft.grants.map((grant) => grant.jobId))) {
    const payer = payerOf(jobId);
    if (payer === null) continue;
    const { owner } = payer.job;
    const escrow = escrowAccount(jobId);
    const owed = payer.purse.owed + (draft.owed.get(owner) ?? 0n);
    const lacks = -left(escrow, payer.escrow);
    if (lacks > 0n) {
      const purse = {
        scientist: left(scientistAccount(owner), payer.purse.scientist),
        available: left(availableAccount(owner), payer.purse.available),
      };
      const ahead = owed + escrowAheadMicro;
      const missing = fillEscrow(draft, payer.job, lacks + ahead, purse);
      if (missing > ahead) lend(draft, owner, escrow, missing - ahead);
    }
    lend(draft, owner, escrow, -least(left(escrow, payer.escrow), owed));
  }
}

function give(draft: EntryDraft, grant: Grant, facts: AwardFacts, standings: Standings): void {
  const { accountId, hostId, jobId, micro, payer, units } = grant;
  const bucket = { accountId, hostId, jobId, teamId: facts.teamOf(accountId), day: facts.day };
  move(draft, payer, pendingAccount(accountId), micro);
  if (micro !== 0n) draft.pending.push({ ...bucket, micro });
  standings.add(bucket, micro, runsSize(units), isSelfPaid(grant, facts));
}

function takeBack(draft: EntryDraft, grant: Grant, facts: AwardFacts, standings: Standings): void {
  const { accountId, hostId, jobId, micro, payer, units } = grant;
  const own = draft.pending.filter((change) => change.hostId === hostId && change.jobId === jobId);
  const held = summed([...facts.pendingOf({ accountId, hostId, jobId }), ...own]);
  let left = micro;
  let unitsLeft = runsSize(units);
  for (const { micro: has, ...bucket } of held.sort((a, b) => b.day - a.day)) {
    const taken = least(has, left);
    if (taken <= 0n) continue;
    move(draft, pendingAccount(accountId), payer, taken);
    draft.pending.push({ ...bucket, micro: -taken });
    standings.add(bucket, -taken, -unitsLeft, isSelfPaid(grant, facts));
    left -= taken;
    unitsLeft = 0;
  }
  if (left === 0n && unitsLeft === 0) return;
  const has =
    facts.availableOf(accountId) + (draft.postings.get(availableAccount(accountId)) ?? 0n);
  const taken = least(has, left);
  move(draft, availableAccount(accountId), payer, taken);
  lend(draft, accountId, payer, left - taken);
  // It was final, so it was granted before the oldest day that is still pending.
  const day = Math.min(facts.day, ...held.map((bucket) => bucket.day)) - 1;
  const bucket = { accountId, hostId, jobId, teamId: facts.teamOf(accountId), day };
  standings.add(bucket, -left, -unitsLeft, isSelfPaid(grant, facts));
}

/** One for each team and day. */
function summed(changes: readonly PendingChange[]): PendingChange[] {
  const sums = new Map<string, PendingChange>();
  for (const change of changes) {
    const key = `${change.teamId} ${change.day}`;
    const sum = sums.get(key);
    if (sum === undefined) sums.set(key, { ...change });
    else sum.micro += change.micro;
  }
  return [...sums.values()];
}

/** Whoever works for their own job is paid, but it is no recent credit: it could be done in a circle. */
const isSelfPaid = ({ accountId, jobId }: Grant, { payerOf }: AwardFacts): boolean =>
  payerOf(jobId)?.job.owner === accountId;

/** Sums what a step changes, so that a job that a hundred hosts worked on is one change. */
class Standings {
  private readonly byKey = new Map<string, StandingChange>();
  private readonly facts: Pick<AwardFacts, 'countryOf'>;

  constructor(facts: Pick<AwardFacts, 'countryOf'>) {
    this.facts = facts;
  }

  get changes(): StandingChange[] {
    return [...this.byKey.values()].filter(({ micro, units }) => micro !== 0n || units !== 0);
  }

  add(bucket: Bucket, micro: bigint, units: number, isSelfPaid: boolean): void {
    const { day } = bucket;
    const recentMicro = isSelfPaid ? 0n : micro;
    const ids = {
      volunteer: bucket.accountId,
      host: bucket.hostId,
      job: bucket.jobId,
      team: bucket.teamId,
      country: this.facts.countryOf(bucket.hostId),
    };
    for (const kind of standingKinds) {
      const id = ids[kind];
      if (id === null) continue;
      const key = `${kind} ${id} ${day}`;
      const change = this.byKey.get(key);
      if (change === undefined) this.byKey.set(key, { kind, id, day, micro, units, recentMicro });
      else {
        change.micro += micro;
        change.units += units;
        change.recentMicro += recentMicro;
      }
    }
  }
}

/**
 * award: what outbox records come to in the ledger. Everything a host earned in a job by these records
 * is one grant, which names its units; the journals see to it that no unit is in two of them.
 *
 *   grant    payer → the volunteer's pending (and the fee)
 *   revoke   the volunteer's pending → payer, the youngest day first; what is not there any more comes
 *            from what they have available, and the rest is bad debt
 */
import type { AccountId, HostId, JobId } from '../../protocol/ids.ts';
import type { UnitRuns } from '../../protocol/messages.ts';
import {
  availableAccount,
  type Bucket,
  type EntryDraft,
  emptyDraft,
  type Grant,
  type LedgerAccount,
  move,
  pendingAccount,
} from './ledger.ts';
import { runsSize } from './shard.ts';
import type { StandingChange, StandingKind } from './standing.ts';
import { addRun } from './unit-runs.ts';

/** What a decision is worth to a host, or was when it is taken back. */
export type Payment = {
  kind: 'grant' | 'revoke';
  accountId: AccountId;
  hostId: HostId;
  micro: number;
  /** Indices of units, not positions in a shard. */
  units: UnitRuns;
};
export type OutboxRecord = { number: number; jobId: JobId; payments: Payment[] };

/** What stands in the ledger before the step, as far as the step asks for it. */
export type AwardFacts = {
  day: number;
  payerOf(jobId: JobId): LedgerAccount;
  /** Pending credit of a host in a job by day, the youngest first. */
  pendingOf(bucket: Omit<Bucket, 'day'>): { day: number; micro: bigint }[];
  availableOf(accountId: AccountId): bigint;
};

/** Throws when a unit is in the records twice: then a journal decided twice, and nothing is paid. */
export function awardDraft(
  source: { partition: number; from: number; to: number },
  records: readonly OutboxRecord[],
  facts: AwardFacts,
): EntryDraft {
  const draft = emptyDraft('award');
  draft.source = source;
  draft.grants = grantsOf(records, facts);
  const standings = new Standings();
  for (const grant of draft.grants) {
    if (grant.kind === 'grant') give(draft, grant, facts.day, standings);
  }
  for (const grant of draft.grants) {
    if (grant.kind === 'revoke') takeBack(draft, grant, facts, standings);
  }
  draft.standings = standings.changes;
  return draft;
}

/** One for each kind, host and job. */
function grantsOf(records: readonly OutboxRecord[], { payerOf }: AwardFacts): Grant[] {
  const grants = new Map<string, Grant>();
  for (const { jobId, payments } of records) {
    for (const { kind, accountId, hostId, micro, units } of payments) {
      const key = `${kind} ${hostId} ${jobId}`;
      let grant = grants.get(key);
      if (grant === undefined) {
        const payer = payerOf(jobId);
        grant = { kind, accountId, hostId, jobId, units: [], micro: 0n, payer, fee: 0n };
        grants.set(key, grant);
      }
      grant.micro += BigInt(micro);
      for (const run of units) {
        const twice = addRun(grant.units, run);
        if (twice !== null)
          throw new Error(`unit ${twice} of ${jobId}: ${kind} to ${hostId} twice`);
      }
    }
  }
  // Grants first: what is revoked may have been granted by a later record of the same step.
  return [...grants.values()].sort((a, b) => (a.kind < b.kind ? -1 : a.kind > b.kind ? 1 : 0));
}

function give(draft: EntryDraft, grant: Grant, day: number, standings: Standings): void {
  const { accountId, hostId, jobId, micro, payer, units } = grant;
  move(draft, payer, pendingAccount(accountId), micro);
  if (micro !== 0n) draft.pending.push({ accountId, hostId, jobId, day, micro });
  standings.add(grant, day, micro, runsSize(units));
}

function takeBack(draft: EntryDraft, grant: Grant, facts: AwardFacts, standings: Standings): void {
  const { accountId, hostId, jobId, micro, payer, units } = grant;
  const own = draft.pending.filter((change) => change.hostId === hostId && change.jobId === jobId);
  const days = new Map<number, bigint>();
  for (const { day, micro } of [...facts.pendingOf({ accountId, hostId, jobId }), ...own]) {
    days.set(day, (days.get(day) ?? 0n) + micro);
  }
  let left = micro;
  let unitsLeft = runsSize(units);
  for (const [day, has] of [...days].sort(([a], [b]) => b - a)) {
    const taken = least(has, left);
    if (taken === 0n) continue;
    move(draft, pendingAccount(accountId), payer, taken);
    draft.pending.push({ accountId, hostId, jobId, day, micro: -taken });
    standings.add(grant, day, -taken, -unitsLeft);
    left -= taken;
    unitsLeft = 0;
  }
  if (left === 0n && unitsLeft === 0) return;
  const has =
    facts.availableOf(accountId) + (draft.postings.get(availableAccount(accountId)) ?? 0n);
  const taken = least(has, left);
  move(draft, availableAccount(accountId), payer, taken);
  move(draft, 'baddebt', payer, left - taken);
  // It was final, so it was granted before the oldest day that is still pending.
  const day = Math.min(facts.day, ...days.keys()) - 1;
  standings.add(grant, day, -left, -unitsLeft);
}

const least = (a: bigint, b: bigint): bigint => {
  if (a < b) return a;
  return b;
};

/** Sums what a step changes, so that a job that a hundred hosts worked on is one change. */
class Standings {
  private readonly byKey = new Map<string, StandingChange>();

  get changes(): StandingChange[] {
    return [...this.byKey.values()].filter(({ micro, units }) => micro !== 0n || units !== 0);
  }

  add({ accountId, hostId, jobId }: Grant, day: number, micro: bigint, units: number): void {
    this.addOne('volunteer', accountId, day, micro, units);
    this.addOne('host', hostId, day, micro, units);
    this.addOne('job', jobId, day, micro, units);
  }

  private addOne(kind: StandingKind, id: string, day: number, micro: bigint, units: number): void {
    const key = `${kind} ${id} ${day}`;
    const change = this.byKey.get(key);
    if (change === undefined) this.byKey.set(key, { kind, id, day, micro, units });
    else {
      change.micro += micro;
      change.units += units;
    }
  }
}

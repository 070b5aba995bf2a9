/**
 * What a report does to a shard: pure, and safe to repeat. Given the state and some results of one
 * lease it says which entries to append, what to answer for each result, and what the append is
 * worth (counts and pay). A repeated report finds its replica recorded, appends nothing, and gets the
 * answer it got at first, whatever became of the unit since.
 *
 * Successes in columns are accepted as they are when nothing was heard of their units yet, which is
 * nearly always; else they are looked at one by one, as all other results are.
 */
import type { AccountId, HostId, LeaseId } from '../../protocol/ids.ts';
import type { UnitRuns } from '../../protocol/messages.ts';
import { isHostOutcome, type Outcome, type Verdict } from '../../protocol/outcome.ts';
import { creditMicro } from './credit.ts';
import { type JournalEntry, type RecordedResult, resultsOf, type Successes } from './journal.ts';
import { isCheck, runsSize, toRuns } from './shard.ts';
import type { ShardState } from './shard-state.ts';
import { decide, type ReplicaEnd, type Unit } from './unit.ts';

export type LeaseHolder = {
  leaseId: LeaseId;
  hostId: HostId;
  accountId: AccountId;
  positions: UnitRuns;
};

/** A payment that follows from an acceptance, of units by their positions. */
export type Pay = { accountId: AccountId; hostId: HostId; micro: number; positions: UnitRuns };

export type Recording = {
  entries: JournalEntry[];
  verdicts: Verdict[];
  canonical: number;
  failed: number;
  fuel: number;
  pay: Pay | null;
};

/** Of one report: first the columns, then, once those entries are appended, the others. */
export type Reported = { successes: Successes | null; results: readonly RecordedResult[] };

/** In the report's order. */
export function positionsIn({ successes, results }: Reported): number[] {
  const runs = successes?.positions ?? [];
  const positions = new Array<number>(runsSize(runs) + results.length);
  let at = 0;
  for (const run of runs) {
    for (let i = 0; i < run[1]; i++) positions[at++] = run[0] + i;
  }
  for (const { position } of results) positions[at++] = position;
  return positions;
}

export function recordSuccesses(
  state: ShardState,
  lease: LeaseHolder,
  successes: Successes,
): Recording {
  const { positions, fuel: fuels } = successes;
  const areVerdicts = state.shard.check?.worth !== undefined;
  if (areVerdicts || !areUntouched(state, positions))
    return recordResults(state, lease, resultsOf(successes));
  let [fuel, micro] = [0, 0];
  for (const one of fuels) {
    fuel += one;
    micro += creditMicro(one);
  }
  const { leaseId, hostId, accountId } = lease;
  const units = runsSize(positions);
  return {
    entries: [
      ...leaseEntry(state, lease),
      { kind: 'succeeded', leaseId, ...successes },
      { kind: 'accepted', leaseId, positions },
    ],
    verdicts: new Array<Verdict>(units).fill('accepted'),
    canonical: units,
    failed: 0,
    fuel,
    pay: { accountId, hostId, micro, positions },
  };
}

/** Units that nobody will report on any more fail, unless they are decided by now. */
export function giveUp(state: ShardState, positions: readonly number[], reason: string): Recording {
  const open = positions.filter((position) => state.isOpen(position));
  return {
    entries: open.length === 0 ? [] : [{ kind: 'failed', positions: open, reason }],
    verdicts: [],
    canonical: 0,
    failed: open.length,
    fuel: 0,
    pay: null,
  };
}

function areUntouched(state: ShardState, positions: UnitRuns): boolean {
  for (const run of positions) {
    for (let position = run[0]; position < run[0] + run[1]; position++) {
      if (!state.isUntouched(position)) return false;
    }
  }
  return true;
}

export function recordResults(
  state: ShardState,
  lease: LeaseHolder,
  results: readonly RecordedResult[],
): Recording {
  const recorded: RecordedResult[] = [];
  const accepted: number[] = [];
  const failures = new Map<string, number[]>();
  let fuel = 0;
  let micro = 0;
  // A check is one host's word, whatever it says; what to make of it is the court's.
  const accountsToFail = isCheck(state.shard) ? 1 : 2;
  // Only a report that names a unit twice needs to remember what it answered.
  const answered = isAscending(results) ? null : new Map<number, Verdict>();

  const answer = (result: RecordedResult): Verdict => {
    const unit = state.unit(result.position);
    const earlier = earlierVerdict(unit, lease.leaseId);
    if (earlier !== null) return earlier;
    if (unit.status !== 'open') return 'not_needed';
    recorded.push(result);
    const { outcome, exitCode } = result;
    const { leaseId, accountId } = lease;
    const end: ReplicaEnd = { outcome, exitCode, fuel: result.fuel, leaseId, accountId };
    const decision = decide(unit.ends, end, accountsToFail);
    if (decision.kind === 'accept') {
      accepted.push(result.position);
      fuel += result.fuel;
      micro += worthOf(state, result);
      return 'accepted';
    }
    if (decision.kind === 'fail') {
      const positions = failures.get(decision.reason) ?? [];
      failures.set(decision.reason, [...positions, result.position]);
    }
    return failureVerdict(result.outcome);
  };
  const verdicts = results.map((result) => {
    const verdict = answered?.get(result.position) ?? answer(result);
    answered?.set(result.position, verdict);
    return verdict;
  });

  const entries: JournalEntry[] = [];
  const { leaseId, hostId, accountId } = lease;
  if (recorded.length > 0) {
    entries.push(...leaseEntry(state, lease), { kind: 'recorded', leaseId, results: recorded });
  }
  if (accepted.length > 0) {
    entries.push({ kind: 'accepted', leaseId, positions: toRuns(accepted.sort((a, b) => a - b)) });
  }
  for (const [reason, failed] of failures)
    entries.push({ kind: 'failed', positions: failed, reason });

  const failed = [...failures.values()].reduce((sum, list) => sum + list.length, 0);
  const paid = toRuns(accepted.toSorted((a, b) => a - b));
  const pay = accepted.length > 0 ? { accountId, hostId, micro, positions: paid } : null;
  return { entries, verdicts, canonical: accepted.length, failed, fuel, pay };
}

/** The fuel of a verdict is nobody else's to confirm, so it earns no more than the result that it is about. */
function worthOf({ shard }: ShardState, { position, fuel }: RecordedResult): number {
  const { worth } = shard.check ?? {};
  const micro = creditMicro(fuel);
  return worth === undefined ? micro : Math.min(micro, worth[position] ?? 0);
}

/** Results stand after their lease; its own entry may not have been written yet. */
function leaseEntry(state: ShardState, lease: LeaseHolder): JournalEntry[] {
  if (state.leases.has(lease.leaseId)) return [];
  const { leaseId, hostId, accountId, positions } = lease;
  return [{ kind: 'leased', leaseId, hostId, accountId, positions }];
}

const isAscending = (results: readonly RecordedResult[]): boolean =>
  results.every(({ position }, i) => i === 0 || position > (results[i - 1]?.position ?? position));

/** What this replica's report was answered when it was recorded; null when it was not. */
function earlierVerdict(unit: Unit, leaseId: LeaseId): Verdict | null {
  if (unit.status === 'accepted' && unit.canonical === leaseId) return 'accepted';
  const end = unit.ends.find((candidate) => candidate.leaseId === leaseId);
  return end === undefined ? null : failureVerdict(end.outcome);
}

/** A host's own failure counts for nothing; a kernel's failure waits for a second opinion. */
const failureVerdict = (outcome: Outcome): Verdict =>
  isHostOutcome(outcome) ? 'invalid' : 'pending';

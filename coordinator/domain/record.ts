/**
 * What a report does to a shard: pure, and safe to repeat. Given the state and some results of one
 * lease it says which entries to append, what to answer for each result, and what the append is
 * worth (counts and pay). A repeated report finds its replica recorded and appends nothing.
 */
import type { AccountId, HostId, LeaseId } from '../../protocol/ids.ts';
import type { UnitRuns } from '../../protocol/messages.ts';
import type { Verdict } from '../../protocol/outcome.ts';
import { creditMicro } from './credit.ts';
import type { JournalEntry, RecordedResult } from './journal.ts';
import type { ShardState } from './shard-state.ts';
import { decide, type ReplicaEnd, type Unit } from './unit.ts';

export type LeaseHolder = {
  leaseId: LeaseId;
  hostId: HostId;
  accountId: AccountId;
  positions: UnitRuns;
};

/** A payment that follows from an acceptance. */
export type Pay = { accountId: AccountId; hostId: HostId; micro: number; units: number };

export type Recording = {
  entries: JournalEntry[];
  verdicts: Verdict[];
  canonical: number;
  failed: number;
  fuel: number;
  pay: Pay | null;
};

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
  const seen = new Set<number>();

  const verdicts = results.map((result): Verdict => {
    const unit = state.unit(result.position);
    const known = unit.ends.some((end) => end.leaseId === lease.leaseId);
    if (known || seen.has(result.position)) return standingVerdict(unit, lease.leaseId);
    if (unit.status !== 'open') return 'not_needed';
    seen.add(result.position);
    recorded.push(result);
    const end: ReplicaEnd = { ...endOf(result), leaseId: lease.leaseId };
    const decision = decide([...unit.ends, end]);
    if (decision.kind === 'accept') {
      accepted.push(result.position);
      fuel += result.fuel;
      micro += creditMicro(result.fuel);
      return 'accepted';
    }
    if (decision.kind === 'fail') {
      const positions = failures.get(decision.reason) ?? [];
      failures.set(decision.reason, [...positions, result.position]);
    }
    return failureVerdict(result);
  });

  const entries: JournalEntry[] = [];
  const { leaseId, hostId, accountId, positions } = lease;
  if (recorded.length > 0) {
    if (!state.leases.has(leaseId))
      entries.push({ kind: 'leased', leaseId, hostId, accountId, positions });
    entries.push({ kind: 'recorded', leaseId, results: recorded });
  }
  if (accepted.length > 0) entries.push({ kind: 'accepted', leaseId, positions: accepted });
  for (const [reason, failed] of failures)
    entries.push({ kind: 'failed', positions: failed, reason });

  const failed = [...failures.values()].reduce((sum, list) => sum + list.length, 0);
  const pay = accepted.length > 0 ? { accountId, hostId, micro, units: accepted.length } : null;
  return { entries, verdicts, canonical: accepted.length, failed, fuel, pay };
}

/** The answer to a repeated report: what became of that replica. */
function standingVerdict(unit: Unit, leaseId: LeaseId): Verdict {
  if (unit.status === 'accepted') return unit.canonical === leaseId ? 'accepted' : 'not_needed';
  const end = unit.ends.find((candidate) => candidate.leaseId === leaseId);
  return end === undefined ? 'pending' : failureVerdict(end);
}

/** A host's own failure counts for nothing; a kernel's failure waits for a second opinion. */
function failureVerdict(end: { outcome: ReplicaEnd['outcome'] }): Verdict {
  return end.outcome === 'host_error' || end.outcome === 'aborted' ? 'invalid' : 'pending';
}

function endOf(result: RecordedResult): Omit<ReplicaEnd, 'leaseId'> {
  return { outcome: result.outcome, exitCode: result.exitCode, fuel: result.fuel };
}

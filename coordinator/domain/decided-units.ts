/** What a journal says was decided: the canonical result of each unit, or the one that it failed by. */
import type { AccountId, HostId, LeaseId } from '../../protocol/ids.ts';
import { decodeEntries, type Ended, type RecordedResult, resultsOf } from './journal.ts';
import type { Holder } from './lease.ts';
import { fromRuns, runsInclude } from './shard.ts';

export type DecidedUnit = {
  position: number;
  verdict: 'accepted' | 'invalid';
  result: RecordedResult;
  detail: string | null;
};

/** In the order of their positions. */
export function decidedUnits(journal: Uint8Array): DecidedUnit[] {
  const recorded = new Map<LeaseId, RecordedResult[]>();
  const last = new Map<number, RecordedResult>();
  const decided = new Map<number, DecidedUnit>();
  for (const entry of decodeEntries(journal)) {
    if (entry.kind === 'recorded' || entry.kind === 'succeeded') {
      const { leaseId } = entry;
      const results = entry.kind === 'recorded' ? entry.results : resultsOf(entry);
      for (const result of results) last.set(result.position, result);
      recorded.set(leaseId, (recorded.get(leaseId) ?? []).concat(results));
    } else if (entry.kind === 'accepted') {
      for (const result of recorded.get(entry.leaseId) ?? []) {
        const { position } = result;
        if (runsInclude(entry.positions, position))
          decided.set(position, { position, verdict: 'accepted', result, detail: null });
      }
    } else if (entry.kind === 'failed') {
      for (const position of entry.positions) {
        const result = last.get(position);
        const detail = [entry.reason, result?.detail].filter((text) => text).join(': ');
        if (result !== undefined)
          decided.set(position, { position, verdict: 'invalid', result, detail });
      }
    }
  }
  return [...decided.values()].sort((a, b) => a.position - b.position);
}

/** By position, whose result a unit was accepted with. */
export function acceptedFrom(journal: Uint8Array): Map<number, Holder> {
  const holders = new Map<LeaseId, Holder>();
  const accepted = new Map<number, Holder>();
  for (const entry of decodeEntries(journal)) {
    if (entry.kind === 'leased') holders.set(entry.leaseId, entry);
    else if (entry.kind === 'accepted') {
      const holder = holders.get(entry.leaseId);
      if (holder === undefined)
        throw new Error(`accepted under ${entry.leaseId}, a lease of nobody`);
      for (const position of fromRuns(entry.positions)) accepted.set(position, holder);
    }
  }
  return accepted;
}

/** Everything that was recorded, by whom. */
export const resultsRecorded = (journal: Uint8Array): Ended[] => readEnded(journal).ended;

/** By position, the result that a unit was accepted with. */
export const resultsAccepted = (journal: Uint8Array): Map<number, Ended> =>
  readEnded(journal).accepted;

function readEnded(journal: Uint8Array): { ended: Ended[]; accepted: Map<number, Ended> } {
  const holders = new Map<LeaseId, { hostId: HostId; accountId: AccountId }>();
  const byLease = new Map<LeaseId, Ended[]>();
  const ended: Ended[] = [];
  const accepted = new Map<number, Ended>();
  for (const entry of decodeEntries(journal)) {
    if (entry.kind === 'leased') holders.set(entry.leaseId, entry);
    else if (entry.kind === 'accepted') {
      const ofLease = byLease.get(entry.leaseId) ?? [];
      for (const one of ofLease) {
        const { position } = one.result;
        if (runsInclude(entry.positions, position)) accepted.set(position, one);
      }
    } else if (entry.kind === 'recorded' || entry.kind === 'succeeded') {
      const { leaseId } = entry;
      const holder = holders.get(leaseId);
      if (holder === undefined) throw new Error(`results of lease ${leaseId} before the lease`);
      const { hostId, accountId } = holder;
      const results = entry.kind === 'recorded' ? entry.results : resultsOf(entry);
      const ofLease = results.map((result) => ({ leaseId, hostId, accountId, result }));
      byLease.set(leaseId, [...(byLease.get(leaseId) ?? []), ...ofLease]);
      for (const one of ofLease) ended.push(one);
    }
  }
  return { ended, accepted };
}

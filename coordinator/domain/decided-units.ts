/** What a journal says was decided: the canonical result of each unit, or the one that it failed by. */
import type { AccountId, HostId, LeaseId } from '../../protocol/ids.ts';
import { decodeEntries, type RecordedResult, resultsOf } from './journal.ts';
import { fromRuns } from './shard.ts';

export type DecidedUnit = {
  position: number;
  verdict: 'accepted' | 'invalid';
  result: RecordedResult;
  detail: string | null;
};

/** In the order of their positions. */
export function decidedUnits(journal: Uint8Array): DecidedUnit[] {
  const recorded = new Map<string, RecordedResult>();
  const last = new Map<number, RecordedResult>();
  const decided = new Map<number, DecidedUnit>();
  for (const entry of decodeEntries(journal)) {
    if (entry.kind === 'recorded' || entry.kind === 'succeeded') {
      for (const result of entry.kind === 'recorded' ? entry.results : resultsOf(entry)) {
        recorded.set(`${entry.leaseId}/${result.position}`, result);
        last.set(result.position, result);
      }
    } else if (entry.kind === 'accepted') {
      for (const position of fromRuns(entry.positions)) {
        const result = recorded.get(`${entry.leaseId}/${position}`);
        if (result !== undefined)
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

export type Ended = {
  leaseId: LeaseId;
  hostId: HostId;
  accountId: AccountId;
  result: RecordedResult;
};

/** Everything that was recorded, by whom. */
export function resultsRecorded(journal: Uint8Array): Ended[] {
  const holders = new Map<LeaseId, { hostId: HostId; accountId: AccountId }>();
  const ended: Ended[] = [];
  for (const entry of decodeEntries(journal)) {
    if (entry.kind === 'leased') holders.set(entry.leaseId, entry);
    if (entry.kind !== 'recorded' && entry.kind !== 'succeeded') continue;
    const holder = holders.get(entry.leaseId);
    if (holder === undefined) throw new Error(`results of lease ${entry.leaseId} before the lease`);
    const { leaseId } = entry;
    const { hostId, accountId } = holder;
    const results = entry.kind === 'recorded' ? entry.results : resultsOf(entry);
    for (const result of results) ended.push({ leaseId, hostId, accountId, result });
  }
  return ended;
}

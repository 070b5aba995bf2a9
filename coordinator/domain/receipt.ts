/**
 * What entries come to for each account: one receipt's grants, those of a host in a job as one (but what it was paid
 * for verdicts singly: of a unit there may be several). They are
 * made of entries that are final in the ledger, so they can be made again and come out the same.
 */
import type { AccountId } from '../../protocol/ids.ts';
import type { EntryLine } from '../../protocol/ledger.ts';
import type { Receipt } from '../../protocol/receipts.ts';
import { addRun } from './unit-runs.ts';

export type ReceiptBody = Omit<Receipt, 'number' | 'prev'>;

/** The entries follow each other. */
export function receiptsOf(entries: readonly EntryLine[]): Map<AccountId, ReceiptBody> {
  const bodies = new Map<AccountId, ReceiptBody>();
  const grants = new Map<string, Receipt['grants'][number]>();
  for (const { number, at, grants: granted } of entries) {
    for (const { kind, accountId, hostId, jobId, units, micro, isVerdict } of granted) {
      const body = bodies.get(accountId) ?? { at, entries: [number, number], grants: [] };
      bodies.set(accountId, body);
      body.at = at;
      body.entries[1] = number;
      const key = `${kind} ${hostId} ${jobId}`;
      const known = isVerdict === true ? undefined : grants.get(key);
      if (known === undefined) {
        const what = { hostId, jobId, units: units.map(([from, n]) => run(from, n)), micro };
        const grant = { kind, ...(isVerdict === true ? { isVerdict } : {}), ...what };
        if (isVerdict !== true) grants.set(key, grant);
        body.grants.push(grant);
      } else {
        known.micro = (BigInt(known.micro) + BigInt(micro)).toString();
        for (const one of units) addRun(known.units, one);
      }
    }
  }
  return bodies;
}

const run = (from: number, count: number): [number, number] => [from, count];

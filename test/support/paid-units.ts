/**
 * What a grid's ledger says was paid: it is replayed, which finds what was paid twice to an account, and its
 * units are told apart from the checks of them, which are paid as well.
 */
import { createHash } from 'node:crypto';
import { LedgerReplay } from '../../coordinator/domain/ledger-replay.ts';
import type { EntryLine, LedgerEnd } from '../../protocol/ledger.ts';
import type { RealGrid } from './real-grid.ts';

/** `units`: those that somebody was paid for; `grants`: how often, checks included. */
export async function paidUnits(
  grid: Pick<RealGrid, 'fetch'>,
): Promise<{ units: number; grants: number }> {
  const text = await (await grid.fetch('/v1/ledger')).text();
  const replay = new LedgerReplay();
  const units = new Set<string>();
  for (const line of text.trimEnd().split('\n')) {
    const value = JSON.parse(line) as EntryLine | LedgerEnd;
    if ('end' in value) {
      replay.finish(value);
      continue;
    }
    replay.add(value, createHash('sha256').update(line).digest('hex'));
    for (const grant of value.grants) {
      for (const [from, count] of grant.units) {
        for (let unit = from; unit < from + count; unit++) units.add(`${grant.jobId}/${unit}`);
      }
    }
  }
  return { units: units.size, grants: replay.units };
}

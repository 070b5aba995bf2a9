/** The whole ledger as lines: every entry from the first on, and how the accounts stand after the last. */
import type { LedgerEnd } from '../../protocol/ledger.ts';
import type { History } from '../store/history.ts';
import type { LedgerStore } from '../store/ledger-store.ts';

export type LedgerSnapshot = Awaited<ReturnType<LedgerStore['allBalances']>>;

/** The snapshot was taken before the last archive, so all of its entries are in files. */
export async function* ledgerLines(
  ledger: LedgerStore,
  history: History,
  { head, balances }: LedgerSnapshot,
): AsyncGenerator<string> {
  const mark = await ledger.archived();
  // Read after the mark: so whatever was left before it has its end.
  const ends = await ledger.segmentEnds();
  let number = 0;
  for await (const line of history.lines('entries', mark.entries, ends)) {
    if (number === head.number) break;
    number++;
    yield line;
  }
  const end: LedgerEnd = {
    end: {
      number: head.number,
      hash: head.hash,
      balances: Object.fromEntries([...balances].map(([name, micro]) => [name, micro.toString()])),
    },
  };
  yield JSON.stringify(end);
}

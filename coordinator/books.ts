/**
 * The books put together: the files of the ledger's history in the data folder, the key that signs
 * receipts, and the round that moves entries from Redis into those files. A question about the books
 * archives first, so that its answer is about everything up to now.
 */
import { join } from 'node:path';
import type { Books } from './api/ledger-routes.ts';
import { archiveEntries } from './flow/archive.ts';
import type { Clock, Context } from './flow/context.ts';
import { explainCredit } from './flow/explain-credit.ts';
import { ledgerLines } from './flow/ledger-lines.ts';
import { receiptLines } from './flow/receipts.ts';
import { startRound } from './queue/round.ts';
import { History } from './store/history.ts';
import { freshGridKey, openGridKey } from './tokens/grid-key.ts';

/** Half a minute of entries waits in Redis, some megabytes on a busy grid; each move is an fsync or two. */
const archivePace = { everyMs: 30_000, restMs: 0 };

export async function openBooks(
  context: Context,
  clock: Clock,
  dataDir: string,
): Promise<Books & { close(): Promise<void> }> {
  const { store, log, randomBytes } = context;
  const history = new History(join(dataDir, 'ledger'));
  const key = openGridKey(await store.grid.signingKey(freshGridKey()));
  const archive = () => archiveEntries(context, history);
  const round = startRound('archive', archivePace, { clock, log, randomBytes }, archive);
  return {
    publicKey: key.publicKey,
    async ledger() {
      const snapshot = await store.ledger.allBalances();
      await archive();
      return ledgerLines(store.ledger, history, snapshot);
    },
    async receipts(accountId) {
      await archive();
      return receiptLines(context, history, key, accountId);
    },
    async explainCredit(jobId, unit) {
      await archive();
      return await explainCredit(context, history, jobId, unit);
    },
    close: () => round.close(),
  };
}

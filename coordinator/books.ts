/**
 * The books put together: the files of the ledger's history in the data folder, the key that signs
 * receipts, and the round that moves entries from Redis into those files. A question about the books
 * archives first, so that its answer is about everything up to now. Where several coordinators share the folder, the
 * steward is asked to: each that writes begins new files.
 */
import { join } from 'node:path';
import type { Books } from './api/ledger-routes.ts';
import type { Engine } from './engine.ts';
import { archiveEntries } from './flow/archive.ts';
import type { Clock } from './flow/context.ts';
import { explainCredit } from './flow/explain-credit.ts';
import { ledgerLines } from './flow/ledger-lines.ts';
import { receiptLines } from './flow/receipts.ts';
import { startRound } from './queue/round.ts';
import { History } from './store/history.ts';
import { freshGridKey, openGridKey } from './tokens/grid-key.ts';

/** Half a minute of entries waits in Redis, some megabytes on a busy grid; each move is an fsync or two. */
const archivePace = { everyMs: 30_000, restMs: 0 };

/** The steward hears within a second that it is asked, and most often writes in some milliseconds. */
const stewardMsMax = 5000;
const lookEveryMs = 50;

export async function openBooks(
  { context, listen }: Pick<Engine, 'context' | 'listen'>,
  clock: Clock,
  folder: string,
): Promise<Books & { close(): Promise<void> }> {
  const { store, log, peers, randomBytes } = context;
  const history = new History(join(folder, 'ledger'));
  const key = openGridKey(await store.grid.signingKey(freshGridKey()));
  const isSteward = () => peers.isSteward(clock.now());
  const write = () => archiveEntries(context, history);
  const round = startRound('archive', archivePace, { clock, log, randomBytes }, async () => {
    if (isSteward()) await write();
  });
  listen(({ kind }) => {
    if (kind === 'books_asked') round.wake();
  });
  const archive = async () => {
    if (isSteward()) return await write();
    const { number } = await store.ledger.head();
    const isWritten = async () => (await store.ledger.archived()).number >= number;
    if (await isWritten()) return;
    peers.tell({ kind: 'books_asked' });
    for (let waitedMs = 0; waitedMs < stewardMsMax; waitedMs += lookEveryMs) {
      await new Promise<void>((done) => void clock.after(lookEveryMs, done));
      if (await isWritten()) return;
    }
    // There is none, or it hangs.
    await write();
  };
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

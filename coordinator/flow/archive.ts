/**
 * archive: takes entries of the ledger from Redis to the files of its history, and makes the receipts
 * of the accounts that they tell of. Files first, durably, then the mark: a crash in between is made
 * good by doing it again, from the mark on.
 *
 * Of several who do it at once, each writes into files of its own (store/history.ts), and one moves the mark.
 */
import { createHash } from 'node:crypto';
import type { AccountId } from '../../protocol/ids.ts';
import { type EntryLine, noHash } from '../../protocol/ledger.ts';
import type { Receipt } from '../../protocol/receipts.ts';
import { receiptsOf } from '../domain/receipt.ts';
import { type History, type Place, receiptLine } from '../store/history.ts';
import type { ArchiveMark, LedgerStore, ReceiptTail } from '../store/ledger-store.ts';
import type { Context } from './context.ts';

/** Some megabytes at most; at ten awards a second half a minute of them. */
const entriesPerStep = 256;

/** Throws HistoryDamaged when the files are not the ones that were written last. */
export async function archiveEntries(
  { store }: Pick<Context, 'store'>,
  history: History,
): Promise<void> {
  const { ledger } = store;
  await history.alone(async () => {
    for (;;) {
      const standing = await ledger.archived();
      const rows = await ledger.readEntries(standing.number, entriesPerStep);
      const last = rows.at(-1);
      if (last === undefined) return;
      const mark = await withinTerm(ledger, history, standing);
      if (mark === null) continue;
      if (rows[0]?.number !== mark.number + 1) {
        throw new Error(`entry ${mark.number + 1} of the ledger is neither in Redis nor in a file`);
      }
      const lines = rows.map(({ line }) => line);
      const entries = await history.append('entries', history.next(mark.entries), text(lines));
      const bodies = receiptsOf(lines.map((line) => JSON.parse(line) as EntryLine));
      const earlier = await ledger.receiptTails([...bodies.keys()]);
      const at = history.next(mark.receipts);
      const receipts = makeReceipts(bodies, earlier, at);
      const written =
        receipts.lines.length === 0
          ? mark.receipts
          : await history.append('receipts', at, text(receipts.lines));
      const next = { ...mark, number: last.number, entries, receipts: written };
      // Should the reply be lost, it may yet arrive: and what it names must not be written to again.
      history.term = null;
      if (await ledger.moveArchive(mark, next, receipts.tails)) history.term = mark.term ?? null;
    }
  });
}

/** The mark as this run may write on from it. Null when somebody else moved it or began a term meanwhile. */
async function withinTerm(
  ledger: LedgerStore,
  history: History,
  mark: ArchiveMark,
): Promise<ArchiveMark | null> {
  if (history.term !== null && history.term === mark.term) return mark;
  history.term = null;
  const own = await ledger.beginTerm(mark);
  history.term = own?.term ?? null;
  return own;
}

const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');

function makeReceipts(
  bodies: ReturnType<typeof receiptsOf>,
  earlier: ReadonlyMap<AccountId, ReceiptTail>,
  at: Place,
): { lines: string[]; tails: Map<AccountId, ReceiptTail> } {
  const lines: string[] = [];
  const tails = new Map<AccountId, ReceiptTail>();
  let offset = at.bytes;
  for (const [accountId, body] of bodies) {
    const before = earlier.get(accountId);
    const number = (before?.number ?? 0) + 1;
    const receipt: Receipt = { number, prev: before?.hash ?? noHash, ...body };
    const json = JSON.stringify(receipt);
    const line = receiptLine(json, before?.address ?? null);
    const bytes = Buffer.byteLength(line);
    const hash = createHash('sha256').update(json).digest('hex');
    tails.set(accountId, { number, hash, address: { segment: at.segment, offset, bytes } });
    lines.push(line);
    offset += bytes + 1;
  }
  return { lines, tails };
}

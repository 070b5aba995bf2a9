/**
 * Adds an entry to the ledger: reads the head, lets the draft be made upon what stands, and posts it
 * where that head still is the last entry; else it is made again. A lost reply is no special case: the
 * head, the watermark or the pending credit has moved on, and the next draft finds less to do or nothing.
 */
import { createHash } from 'node:crypto';
import { type EntryDraft, entryLine, type LedgerHead } from '../domain/ledger.ts';
import type { LedgerStore } from './ledger-store.ts';

/** Null when the draft was null: there is nothing to do. Returns what was posted. */
export async function postEntry(
  ledger: LedgerStore,
  now: () => number,
  makeDraft: (head: LedgerHead) => Promise<EntryDraft | null>,
): Promise<EntryDraft | null> {
  for (;;) {
    const head = await ledger.head();
    const draft = await makeDraft(head);
    if (draft === null) return null;
    const entry = entryLine(draft, head, now());
    const line = JSON.stringify(entry);
    const hash = createHash('sha256').update(line).digest('hex');
    if (await ledger.post({ ...draft, head, entry, line, hash })) return draft;
  }
}

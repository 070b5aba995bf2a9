/** finalise: credit whose hold is over becomes available, some hundred buckets an entry. */
import { finalDraft } from '../domain/final.ts';
import { lastFinalDay } from '../domain/hold.ts';
import { postEntry } from '../store/posting.ts';
import type { Context } from './context.ts';

/** An entry of these is some 50 KB, and a millisecond of Redis. */
const bucketsPerStep = 500;

/** Returns the accounts that have more available now. */
export async function finaliseCredit(
  context: Pick<Context, 'store' | 'now'>,
): Promise<Set<string>> {
  const { ledger } = context.store;
  const accounts = new Set<string>();
  for (;;) {
    const draft = await postEntry(ledger, context.now, async () => {
      const [oldest] = await ledger.pendingDays();
      if (oldest === undefined || oldest > lastFinalDay(context.now())) return null;
      return finalDraft(await ledger.pendingOfDay(oldest, bucketsPerStep));
    });
    if (draft === null) return accounts;
    for (const { accountId } of draft.pending) accounts.add(accountId);
  }
}

/** finalise: credit whose hold is over becomes available to whoever earned it. */
import {
  availableAccount,
  type Bucket,
  type EntryDraft,
  emptyDraft,
  move,
  pendingAccount,
} from './ledger.ts';

export function finalDraft(due: readonly (Bucket & { micro: bigint })[]): EntryDraft {
  const draft = emptyDraft('final');
  for (const { micro, ...bucket } of due) {
    const { accountId } = bucket;
    move(draft, pendingAccount(accountId), availableAccount(accountId), micro);
    draft.pending.push({ ...bucket, micro: -micro });
  }
  return draft;
}

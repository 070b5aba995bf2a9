/**
 * finalise credit: what was pending becomes available when the hold of whoever earned it is over: by the account
 * and the day, so it waits for nobody else's results. Of an account that nobody knew it waits until its results in
 * the job are final, because they are checked again before (finalise-results.ts).
 */
import type { AccountId } from '../../protocol/ids.ts';
import { finalDraft } from '../domain/final.ts';
import { finalFrom } from '../domain/hold.ts';
import type { Job } from '../domain/job.ts';
import type { PendingChange } from '../domain/ledger.ts';
import { type HoldState, holdState } from '../domain/trust/hold.ts';
import { withoutBefore } from '../domain/unit-runs.ts';
import { AccountHolds } from '../store/account-holds.ts';
import { postEntry } from '../store/posting.ts';
import { readableJob } from '../store/readable-journal.ts';
import type { Context } from './context.ts';

type CreditContext = Pick<Context, 'store' | 'now'>;

/** Returns the accounts that have more available now. */
export async function finaliseCredit(context: CreditContext): Promise<Set<string>> {
  const { store, now } = context;
  const { ledger } = store;
  const accounts = new Set<string>();
  const sweep = new CreditSweep(context, await AccountHolds.open(store.trust, now()));
  for (const day of await ledger.pendingDays()) {
    if (now() < finalFrom(day)) break;
    for (let from: string | null = ''; from !== null; ) {
      const at: string = from;
      const draft = await postEntry(ledger, now, async () => {
        const { buckets, next } = await ledger.pendingPage(day, at);
        from = next;
        const due = await sweep.due(buckets, day);
        return due.length === 0 ? null : finalDraft(due);
      });
      for (const { accountId } of draft?.pending ?? []) accounts.add(accountId);
    }
  }
  return accounts;
}

class CreditSweep {
  private readonly context: CreditContext;
  private readonly holds: AccountHolds;
  private readonly jobs = new Map<string, Job | null>();
  /** What an account earned later is held as well. */
  private readonly held = new Set<AccountId>();

  constructor(context: CreditContext, holds: AccountHolds) {
    this.context = context;
    this.holds = holds;
  }

  async due(buckets: readonly PendingChange[], day: number): Promise<PendingChange[]> {
    const open = buckets.filter(({ accountId }) => !this.held.has(accountId));
    const holds = await this.holds.of(
      open.map(({ accountId }) => accountId),
      day,
    );
    const due: PendingChange[] = [];
    for (const bucket of open) {
      const hold = holds.get(bucket.accountId);
      if (hold === undefined) throw new Error(`nothing is known of ${bucket.accountId}`);
      const { account, isSwept, ...since } = hold;
      const stateIf = (isConfirmed: boolean): HoldState =>
        holdState({ ...since, isConfirmed }, account, this.context.now());
      const isOver = !isSwept && stateIf(true) === 'final';
      if (!isOver) this.held.add(bucket.accountId);
      else if (stateIf(false) === 'final' || (await this.isFinal(bucket))) due.push(bucket);
    }
    return due;
  }

  /** Whether all that the host did in the job is final. */
  private async isFinal({ hostId, jobId }: PendingChange): Promise<boolean> {
    const { store } = this.context;
    const job = this.jobs.get(jobId) ?? (await readableJob(store.jobs, jobId));
    this.jobs.set(jobId, job);
    if (job === null || job.finalAt !== null) return true;
    const work = (await store.trust.read('work', [hostId])).get(hostId)?.[jobId] ?? [];
    return withoutBefore(work, job.counts.shardsFinal).length === 0;
  }
}

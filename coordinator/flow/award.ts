/**
 * award: pays the outbox of a partition into the ledger, in order and exactly once. The watermark in
 * the ledger is compared and set with the payment, so two coordinators that award at once pay once.
 * Trimming stays behind the watermark: what was applied may still be asked for in a recount.
 */
import { racWeight } from '../domain/standing.ts';
import type { Context } from './context.ts';

/** Big enough to catch up quickly, small enough that one script stays under a few milliseconds. */
const recordsPerStep = 256;
/** Applied records kept in the outbox, for looking into what just happened. */
const recordsKept = 1000;

/** Applies all that waits. Returns the accounts that were paid. */
export async function award(context: Context, partition: number): Promise<Set<string>> {
  const { store } = context;
  const paid = new Set<string>();
  for (;;) {
    const watermark = await store.watermark(partition);
    const records = await store.readOutbox(partition, watermark, recordsPerStep);
    const last = records.at(-1);
    if (last === undefined) break;
    if (records[0]?.number !== watermark + 1) {
      throw new Error(`the outbox of partition ${partition} has a gap after ${watermark}`);
    }
    const weight = racWeight(context.now(), context.grid.createdAt);
    if (await store.applyOutbox(partition, records, weight)) {
      for (const { payments } of records) for (const { accountId } of payments) paid.add(accountId);
      if (last.number > recordsKept) await store.trimOutbox(partition, last.number - recordsKept);
    }
    if (records.length < recordsPerStep) break;
  }
  return paid;
}

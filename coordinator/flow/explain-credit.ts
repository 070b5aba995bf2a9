/** why credit: what a unit was paid, to whom, by which entry, and whether it may still be revoked. */
import { GridError } from '../../protocol/errors.ts';
import type { UnitCredit } from '../../protocol/http.ts';
import type { AccountId, JobId, LeaseId } from '../../protocol/ids.ts';
import type { Receipt } from '../../protocol/receipts.ts';
import { creditMicro, fuelPerMicro } from '../domain/credit.ts';
import { dayMs, dayOf } from '../domain/day.ts';
import { resultsRecorded } from '../domain/decided-units.ts';
import { finalBy } from '../domain/hold.ts';
import type { Ended } from '../domain/journal.ts';
import type { Holder } from '../domain/lease.ts';
import { positionOf, splitShard } from '../domain/shard.ts';
import { ShardState } from '../domain/shard-state.ts';
import { isMature } from '../domain/trust/repute.ts';
import { hasRun } from '../domain/unit-runs.ts';
import { type History, readReceiptLine } from '../store/history.ts';
import type { Context } from './context.ts';

/** Throws GridError `job_unknown` or `unit_unknown`. What was earned since the last archive has no entry yet. */
export async function explainCredit(
  context: Context,
  history: History,
  jobId: JobId,
  unit: number,
): Promise<UnitCredit> {
  const job = await context.jobs.facts(jobId);
  if (job === null) throw new GridError('job_unknown', jobId);
  if (unit >= job.units) throw new GridError('unit_unknown', `The job has ${job.units} units.`);
  const shard = splitShard(job, Math.floor(unit / job.unitsPerShard));
  const state = ShardState.replay(shard, await context.store.readJournal(shard));
  const decided = state.unit(positionOf(shard.units, unit));
  const common = { jobId, unit, fuelPerMicro: fuelPerMicro.toString() };
  const nothing = { fuel: '0', creditMicro: '0', accountId: null, hostId: null, paid: null };
  if (decided.status === 'open') return { ...common, state: 'undecided', ...nothing };
  if (decided.status === 'failed') return { ...common, state: 'failed', ...nothing };
  const first = holderOf(state, decided.canonical);
  const amended = await readAmended(context, jobId, unit);
  if (amended !== null && amended.result.outcome !== 'success')
    return { ...common, state: 'failed', ...nothing };
  const accepted = decided.ends.find(({ leaseId }) => leaseId === decided.canonical);
  const holder: Holder = amended ?? first;
  const fuel = amended?.result.fuel ?? accepted?.fuel ?? 0;
  const paid = await findGrants(context, history, holder.accountId, jobId, unit);
  const by = (kind: string) => paid.find(({ grant }) => grant.kind === kind)?.receipt;
  const [granted, revoked] = [by('grant'), by('revoke')];
  const account = (await context.store.trust.read('accounts', [holder.accountId])).get(
    holder.accountId,
  );
  const isKnown = account !== undefined && isMature(account);
  const isHeld = granted !== undefined && (await isPending(context, holder, jobId, granted.at));
  return {
    ...common,
    state:
      revoked !== undefined
        ? 'revoked'
        : granted === undefined
          ? 'due'
          : isHeld
            ? 'pending'
            : 'available',
    fuel: fuel.toString(),
    creditMicro: creditMicro(fuel).toString(),
    accountId: holder.accountId,
    hostId: holder.hostId,
    ...(amended === null
      ? {}
      : { disproved: { accountId: first.accountId, hostId: first.hostId } }),
    paid:
      granted === undefined
        ? null
        : {
            receipt: granted.number,
            entries: granted.entries,
            at: new Date(granted.at).toISOString(),
            finalBy: new Date(finalBy(dayOf(granted.at), isKnown)).toISOString(),
          },
  };
}

/** The result that stands in the place of the one that was accepted first; null when that one stands. */
async function readAmended({ store }: Context, jobId: JobId, unit: number): Promise<Ended | null> {
  const place = (await store.readAmendments(jobId)).get(unit);
  if (place === undefined) return null;
  const { shard, position, hostId } = place;
  // Only its number tells which journal it is.
  const journal = await store.readJournal({ jobId, number: shard, units: { list: [] } });
  const found = resultsRecorded(journal).find(
    (one) => one.hostId === hostId && one.result.position === position,
  );
  if (found === undefined) throw new Error(`unit ${unit} of ${jobId} has no result any more`);
  return found;
}

function holderOf(state: ShardState, leaseId: LeaseId): Holder {
  const lease = state.leases.get(leaseId);
  if (lease === undefined) throw new Error(`the journal does not know lease ${leaseId}`);
  return lease;
}

/** Credit is held by the day: whether what the host earned in the job on that day is. */
async function isPending(
  { store }: Context,
  holder: Holder,
  jobId: JobId,
  at: number,
): Promise<boolean> {
  const held = await store.ledger.pendingOfHost({ ...holder, jobId }, [dayOf(at)]);
  return held.length > 0;
}

type Found = { receipt: Receipt; grant: Receipt['grants'][number] };

/** From the account's last receipt back to the one that grants the unit, or to before the job. */
async function findGrants(
  { store, jobs }: Context,
  history: History,
  accountId: AccountId,
  jobId: JobId,
  unit: number,
): Promise<Found[]> {
  const found: Found[] = [];
  const job = await jobs.facts(jobId);
  // A day more: the clock of another coordinator may have been ahead.
  const since = (job?.submittedAt ?? 0) - dayMs;
  const tail = (await store.ledger.receiptTails([accountId])).get(accountId);
  for (let at = tail?.address ?? null; at !== null; ) {
    const { json, before } = readReceiptLine(await history.read('receipts', at));
    const receipt = JSON.parse(json) as Receipt;
    if (receipt.at < since) break;
    for (const grant of receipt.grants) {
      if (grant.jobId !== jobId || grant.isVerdict === true) continue;
      if (hasRun(grant.units, [unit, 1])) found.push({ receipt, grant });
    }
    if (found.some(({ grant }) => grant.kind === 'grant')) break;
    at = before;
  }
  return found;
}

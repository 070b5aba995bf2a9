/**
 * What is due for late results of shards that are final: read from the journals, and where they were amended. One
 * whose unit is still being checked waits: its own account may be the one that is about to be paid for the check.
 * What is final is checked no more, so whoever is looked at here has been heard, or is being waited for.
 */
import type { Payment } from '../domain/award.ts';
import { resultsAccepted, resultsRecorded } from '../domain/decided-units.ts';
import type { JobFacts } from '../domain/job.ts';
import { decodeEntries, type Ended } from '../domain/journal.ts';
import { duePay, isGivenBack, type LateResult } from '../domain/late.ts';
import { positionOf, splitShard } from '../domain/shard.ts';
import { caseName, type Place } from '../domain/trust/docket.ts';
import type { LateEnd } from './job-store.ts';
import { readableJournal } from './readable-journal.ts';
import type { Store } from './store.ts';

export type LateDue = LateEnd & { waiting: readonly LateResult[] };

export async function latePay(
  store: Pick<Store, 'readJournal' | 'trust'>,
  job: JobFacts,
  late: readonly LateResult[],
  places: ReadonlyMap<number, Place>,
  digestOf: (bytes: Uint8Array) => string,
): Promise<LateDue> {
  const { jobId } = job;
  const names = late.map(({ unit }) => caseName(jobId, unit));
  const cases = await store.trust.read('cases', names);
  const isOut = ({ unit }: LateResult) => cases.get(caseName(jobId, unit))?.isOut === true;
  const gone = late.filter((one) => !isOut(one));
  const pay: Payment[] = [];
  for (const one of gone) {
    const leased = { jobId, number: one.lease.shard, units: { list: [] } };
    const journal = await readableJournal(store, leased);
    if (journal === null || isGivenBack(one, decodeEntries(journal))) continue;
    const shard = splitShard(job, one.shard);
    const first = await readableJournal(store, shard);
    const accepted = first && resultsAccepted(first).get(positionOf(shard.units, one.unit));
    if (!accepted) continue;
    const place = places.get(one.unit);
    const canonical = place === undefined ? accepted : await resultAt(store, job, place);
    const about = cases.get(caseName(jobId, one.unit));
    const due = canonical && duePay(one, accepted, canonical, about, digestOf);
    if (due) pay.push(due);
  }
  return { pay, gone, waiting: late.filter(isOut) };
}

async function resultAt(
  store: Pick<Store, 'readJournal'>,
  { jobId }: JobFacts,
  { shard, position, hostId }: Place,
): Promise<Ended | null> {
  // Only its number tells which journal it is.
  const where = { jobId, number: shard, units: { list: [] } };
  const journal = await readableJournal(store, where);
  const ended = journal === null ? [] : resultsRecorded(journal);
  return ended.find((one) => one.hostId === hostId && one.result.position === position) ?? null;
}

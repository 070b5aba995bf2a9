/** What is due for late results of shards that become final: read from the journals, and where they were amended. */
import type { Payment } from '../domain/award.ts';
import { resultsAccepted, resultsRecorded } from '../domain/decided-units.ts';
import type { JobFacts } from '../domain/job.ts';
import { decodeEntries, type Ended } from '../domain/journal.ts';
import { duePay, isGivenBack, type LateResult } from '../domain/late.ts';
import { positionOf, splitShard } from '../domain/shard.ts';
import { caseName, type Place } from '../domain/trust/docket.ts';
import { readableJournal } from './readable-journal.ts';
import type { Store } from './store.ts';

export async function latePay(
  store: Pick<Store, 'readJournal' | 'trust'>,
  job: JobFacts,
  late: readonly LateResult[],
  places: ReadonlyMap<number, Place>,
  digestOf: (bytes: Uint8Array) => string,
): Promise<Payment[]> {
  const { jobId } = job;
  const names = late.map(({ unit }) => caseName(jobId, unit));
  const cases = await store.trust.read('cases', names);
  const due: Payment[] = [];
  for (const one of late) {
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
    const pay = canonical && duePay(one, accepted, canonical, about, digestOf);
    if (pay) due.push(pay);
  }
  return due;
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

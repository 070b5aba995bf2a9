/**
 * Orders: the units that are to be checked become shards that list them. Many units together, because a
 * shard costs a queue entry, a journal and some milliseconds; not too many, because what came of them is
 * heard when all are done, or nobody goes on.
 */
import type { JobId } from '../../../protocol/ids.ts';
import { verifierOf } from '../../../protocol/job.ts';
import type { JobFacts } from '../job.ts';
import { type Shard, splitCount } from '../shard.ts';
import type { CheckNeeds, Heard } from './check.ts';
import type { UnitCase } from './docket.ts';

/** `since`: when it was ordered before, in ms, should nobody have said anything then. */
export type WantedCheck = {
  job: JobFacts;
  unit: number;
  needs: CheckNeeds;
  about: UnitCase;
  since?: number;
};

/** A shard costs the queue an entry whatever is in it; more would have its first units wait for its last. */
const unitsPerOrder = 128;

/**
 * Numbers go on from those of the job's split shards, so a shard's id tells which it is. `numbers` holds
 * each job's next one, and is moved on.
 */
export function toOrders(
  wanted: readonly WantedCheck[],
  numbers: Map<JobId, number>,
  now: number,
): Shard[] {
  const groups = new Map<string, WantedCheck[]>();
  for (const check of wanted) {
    const { job, needs, since = now } = check;
    const name = `${job.jobId} ${needs} ${isForVerifier(check)} ${since}`;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [check]);
    else group.push(check);
  }
  const orders: Shard[] = [];
  for (const group of groups.values()) {
    const sorted = group.toSorted((a, b) => a.unit - b.unit);
    for (let from = 0; from < sorted.length; from += unitsPerOrder) {
      orders.push(toOrder(sorted.slice(from, from + unitsPerOrder), numbers, now));
    }
  }
  return orders;
}

function toOrder(checks: WantedCheck[], numbers: Map<JobId, number>, now: number): Shard {
  const [first] = checks;
  if (first === undefined) throw new Error('an order of no units');
  const { job, needs, about, since = now } = first;
  const number = numbers.get(job.jobId) ?? splitCount(job);
  numbers.set(job.jobId, number + 1);
  return {
    jobId: job.jobId,
    number,
    units: { list: checks.map(({ unit }) => unit) },
    check: {
      needs,
      since,
      needsNetworks: about.trust === 'A3',
      heard: checks.map(({ about: { testimonies, rejected = [] } }) =>
        [...testimonies, ...rejected].map(toHeard),
      ),
      ...(isForVerifier(first) ? { verify: [] } : {}),
    },
  };
}

/** Where there is a verifier, a unit is computed anew only when there is no result to look at. */
const isForVerifier = ({ job, about }: WantedCheck): boolean =>
  verifierOf(job.document) !== null && about.testimonies.length > 0;

const toHeard = ({ hostId, accountId, network }: Heard): Heard => ({ hostId, accountId, network });

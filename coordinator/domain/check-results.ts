/**
 * What a shard that checks has brought, once it is closed: of each of its units, in the order of its list,
 * everything that was recorded.
 */
import { AcceptedResults } from './accepted-results.ts';
import { resultsRecorded } from './decided-units.ts';
import type { Ended } from './journal.ts';
import { type Shard, shardSize } from './shard.ts';
import { ShardState } from './shard-state.ts';

/** Null while a unit is undecided, unless nothing will be added. */
export function checkResults(shard: Shard, journal: Uint8Array, isOver = false): Ended[][] | null {
  const size = shardSize(shard.units);
  const accepted = new AcceptedResults(journal, size);
  // Nearly always: then there is no need to play the journal back.
  if (accepted.areAllAtOnce)
    return Array.from({ length: size }, (_, position) => oneOrNone(accepted.find(position)));
  if (!isOver && !ShardState.replay(shard, journal).isClosed) return null;
  const results = Array.from({ length: size }, (): Ended[] => []);
  for (const ended of resultsRecorded(journal)) results[ended.result.position]?.push(ended);
  return results;
}

const oneOrNone = (ended: Ended | undefined): Ended[] => (ended === undefined ? [] : [ended]);

/** A host reports to a store, without a coordinator between: the append that the group commit makes of it. */
import type { RecordedResult } from '../../../coordinator/domain/journal.ts';
import { type Shard, shardSize, toRuns } from '../../../coordinator/domain/shard.ts';
import { ShardState } from '../../../coordinator/domain/shard-state.ts';
import { draftAppend } from '../../../coordinator/flow/record/draft.ts';
import type { Store } from '../../../coordinator/store/store.ts';
import type { Verdict } from '../../../protocol/outcome.ts';
import { aLease } from '../builders.ts';

let leases = 1000;

export async function reportTo(
  store: Store,
  shard: Shard,
  host: number,
  results: readonly RecordedResult[],
  now = 1,
): Promise<Verdict[]> {
  const state = ShardState.replay(shard, await store.readJournal(shard));
  const positions = toRuns(results.map(({ position }) => position));
  const lease = aLease(++leases, positions, host);
  let verdicts: Verdict[] = [];
  const { append, answers } = draftAppend(shard, state, [
    {
      kind: 'report',
      shard,
      lease,
      reported: { successes: null, results },
      answer: (given) => {
        verdicts = given;
      },
      refuse: (error) => {
        throw error;
      },
    },
  ]);
  await store.append(0, [append], now);
  for (const answer of answers) answer();
  return verdicts;
}

/** What is left of a check is given up. */
export async function giveUpRest(store: Store, check: Shard, now = 1): Promise<void> {
  const state = ShardState.replay(check, await store.readJournal(check));
  const left = [...Array(shardSize(check.units)).keys()].filter((position) =>
    state.isOpen(position),
  );
  const { append } = draftAppend(check, state, [
    { kind: 'giveUp', shard: check, positions: left, reason: 'nobody came' },
  ]);
  await store.append(0, [append], now);
}

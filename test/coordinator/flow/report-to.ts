/** A host reports to a store, without a coordinator between: what the group commit writes of it. */
import type { RecordedResult } from '../../../coordinator/domain/journal.ts';
import { giveUp, recordResults } from '../../../coordinator/domain/record.ts';
import { isCheck, type Shard, shardSize, toRuns } from '../../../coordinator/domain/shard.ts';
import { ShardState } from '../../../coordinator/domain/shard-state.ts';
import { unitsAt } from '../../../coordinator/domain/unit-runs.ts';
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
  const journal = await store.readJournal(shard);
  const state = ShardState.replay(shard, journal);
  const positions = toRuns(results.map(({ position }) => position));
  const lease = aLease(++leases, positions, host);
  const { entries, verdicts, canonical, failed, fuel, pay } = recordResults(state, lease, results);
  state.apply(entries);
  const counts = isCheck(shard)
    ? { canonical: 0, failed: 0, fuel: 0, creditMicro: 0 }
    : { canonical, failed, fuel, creditMicro: pay?.micro ?? 0 };
  const { hostId, accountId } = lease;
  const payments =
    pay === null
      ? []
      : [
          {
            kind: 'grant' as const,
            hostId,
            accountId,
            micro: pay.micro,
            units: unitsAt(shard.units, pay.positions),
          },
        ];
  await store.append(
    0,
    [
      {
        shard,
        expectedLength: journal.length,
        bytes: state.takeBytes(),
        closes: state.isClosed,
        ...counts,
        pay: payments,
      },
    ],
    now,
  );
  return verdicts;
}

/** What is left of a check is given up. */
export async function giveUpRest(store: Store, check: Shard, now = 1): Promise<void> {
  const journal = await store.readJournal(check);
  const state = ShardState.replay(check, journal);
  const left = [...Array(shardSize(check.units)).keys()].filter((position) =>
    state.isOpen(position),
  );
  state.apply(giveUp(state, left, 'nobody came').entries);
  const counts = { canonical: 0, failed: 0, fuel: 0, creditMicro: 0 };
  const bytes = state.takeBytes();
  const append = { shard: check, expectedLength: journal.length, bytes, closes: true };
  await store.append(0, [{ ...append, ...counts, pay: [] }], now);
}

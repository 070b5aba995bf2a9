/**
 * The units whose result is a host's, of some shards of a job: whoever proves it wrong has to look at them
 * again. Read from the journals, one shard at a time.
 */
import type { HostId } from '../../protocol/ids.ts';
import type { UnitRuns } from '../../protocol/messages.ts';
import type { JobFacts } from '../domain/job.ts';
import { fromRuns, shardSize, splitShard, unitAt } from '../domain/shard.ts';
import { ShardState } from '../domain/shard-state.ts';
import { readableJournal } from './readable-journal.ts';
import type { Store } from './store.ts';

export async function* openResults(
  store: Pick<Store, 'readJournal'>,
  job: JobFacts,
  hostId: HostId,
  shards: UnitRuns,
): AsyncGenerator<number> {
  for (const number of fromRuns(shards)) {
    const shard = splitShard(job, number);
    const journal = await readableJournal(store, shard);
    if (journal === null) continue;
    const state = ShardState.replay(shard, journal);
    for (let position = 0; position < shardSize(shard.units); position++) {
      const unit = state.unit(position);
      if (unit.status !== 'accepted') continue;
      if (state.leases.get(unit.canonical)?.hostId !== hostId) continue;
      yield unitAt(shard.units, position);
    }
  }
}

/** feed: shards enter the window of this coordinator, as their journals say they stand. */
import type { JobId } from '../../protocol/ids.ts';
import { Pace } from '../domain/pace.ts';
import { parseShardId, type Shard, type ShardId, shardId } from '../domain/shard.ts';
import { ShardState } from '../domain/shard-state.ts';
import { partitionOf } from '../store/store.ts';
import type { Context } from './context.ts';

/** Holds the shards; an entry whose shard is no longer open is finished instead. Returns those held. */
export async function holdShards(
  context: Context,
  partition: number,
  ids: readonly ShardId[],
): Promise<ShardId[]> {
  // All at once: each takes two answers from Redis, and a busy window needs a hundred shards a second.
  const outcomes = await Promise.allSettled(
    ids.map(async (id) => {
      const isHeld = await hold(context, id);
      if (!isHeld) await context.queue.finish(partition, id);
      return isHeld;
    }),
  );
  const held = ids.filter((_, i) => {
    const outcome = outcomes[i];
    return outcome?.status === 'fulfilled' && outcome.value;
  });
  if (held.length > 0) context.happened({ kind: 'units_free' });
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed === undefined) return held;
  // Redis went away in the middle: what is not in the window must not stay locked by us.
  for (const id of ids) {
    if (context.window.state(id) === undefined) await context.queue.giveBack(partition, id);
  }
  throw failed.reason;
}

/**
 * Holds the shards of leases that a host presents, before the queue has handed them to us again:
 * after a restart the hosts are back sooner than that. Their leases would seem not to stand, and they
 * would throw away what they are at, while the journal keeps those same units out for them. The
 * entries come from the queue later, and find their shards here.
 */
export async function holdPresented(context: Context, shards: readonly Shard[]): Promise<void> {
  const ids = new Set(shards.map(shardId));
  const missing = [...ids].filter((id) => context.window.state(id) === undefined);
  if (missing.length === 0) return;
  await Promise.all(missing.map((id) => hold(context, id)));
  context.happened({ kind: 'units_free' });
}

/**
 * Lets other coordinators have the shards of these jobs: here they would only keep their units waiting.
 * What is out under leases is known from the journals to whoever holds them next.
 */
export async function handBackShards(
  context: Context,
  partition: number,
  jobIds: ReadonlySet<JobId>,
): Promise<void> {
  for (const id of heldShards(context, partition)) {
    if (!jobIds.has(parseShardId(id).jobId)) continue;
    context.window.drop(id);
    await context.queue.giveBack(partition, id);
  }
}

async function hold(context: Context, id: ShardId): Promise<boolean> {
  const { store, window, jobs, paces } = context;
  const { jobId, number } = parseShardId(id);
  const job = await jobs.facts(jobId);
  if (job === null) return false;
  const shard = await store.readOpenShard({ jobId, number });
  if (shard === null) return false;
  if (window.state(shardId(shard)) !== undefined) return true;
  const state = ShardState.replay(shard, await store.readJournal(shard));
  window.hold(job, state, context.now());
  if (!paces.has(jobId)) paces.set(jobId, new Pace(context.now()));
  return true;
}

/**
 * Brings queue and window in line with the open set, which is the truth. Entries may be missing from
 * the queue after a crash; shards may have been closed under us by another coordinator or a cancel.
 */
export async function reconcile(context: Context, partition: number): Promise<void> {
  const { store, window, queue } = context;
  // Read before the open set, so that a shard which opens meanwhile is not taken for a closed one.
  const held = heldShards(context, partition);
  const open = new Set((await store.openShards(partition)).map(shardId));
  for (const id of held) {
    if (open.has(id)) continue;
    window.drop(id);
    await queue.finish(partition, id);
  }
  const missing = [...open].filter((id) => window.state(id) === undefined);
  if (missing.length > 0) await queue.add(partition, missing);
  // Taken, but not in the window: a step failed in between.
  const stray = queue.held(partition).filter((id) => window.state(id) === undefined);
  if (stray.length > 0) await holdShards(context, partition, stray);
}

const heldShards = ({ window, grid }: Context, partition: number): ShardId[] =>
  window.shardIds.filter(
    (id) => partitionOf(parseShardId(id).jobId, grid.partitions) === partition,
  );

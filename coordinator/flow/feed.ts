/** feed: shards enter the window of this coordinator, as their journals say they stand. */
import type { JobId } from '../../protocol/ids.ts';
import type { JobFacts } from '../domain/job.ts';
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
 * Takes in, as guests, the shards of leases that a host presents: it comes from another coordinator that holds them or
 * has died, or the queue has not handed them to us again. Its leases would seem not to stand, and it would throw away
 * what it is at, while the journal keeps those same units out for it. The entries may come from the queue later, and
 * find their shards here.
 */
export async function holdPresented(context: Context, shards: readonly Shard[]): Promise<void> {
  const ids = new Set(shards.map(shardId));
  const missing = [...ids].filter((id) => context.window.state(id) === undefined);
  await Promise.all(
    missing.map(async (id) => {
      const taken = await read(context, id);
      if (taken !== null) context.window.guests.add(taken.job, taken.state, context.now());
    }),
  );
}

/** Takes in what others have recorded in shards that are held here. */
export async function rereadShards(context: Context, ids: readonly ShardId[]): Promise<void> {
  const { window, queue, grid } = context;
  const ours = ids.filter((id) => window.isHeld(id));
  await Promise.all(
    ours.map(async (id) => {
      const taken = await read(context, id);
      if (taken === null) {
        window.drop(id);
        await queue.finish(partitionOf(parseShardId(id).jobId, grid.partitions), id);
        return;
      }
      // Of what is on its way to the journal the window knows more than the journal does.
      const known = window.state(id)?.length ?? Number.POSITIVE_INFINITY;
      if (taken.state.length > known) window.refresh(taken.state, context.now());
    }),
  );
  if (ours.length > 0) context.happened({ kind: 'units_free' });
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
  const ids = heldShards(context, partition);
  await giveBack(
    context,
    ids.filter((id) => jobIds.has(parseShardId(id).jobId)),
  );
}

/** Lets other coordinators have shards. What is out of them to hosts that are connected here goes on. */
export async function giveBack(context: Context, ids: readonly ShardId[]): Promise<void> {
  const { window, queue, grid } = context;
  for (const id of ids) {
    window.yield(id, context.now());
    await queue.giveBack(partitionOf(parseShardId(id).jobId, grid.partitions), id);
  }
}

async function hold(context: Context, id: ShardId): Promise<boolean> {
  const { window, paces } = context;
  if (window.isHeld(id)) return (await openShard(context, id)) !== null;
  const taken = await read(context, id);
  if (taken === null) return false;
  const { job, state } = taken;
  if (window.isHeld(id)) return true;
  window.hold(job, state, context.now());
  if (!paces.has(job.jobId)) paces.set(job.jobId, new Pace(context.now()));
  return true;
}

/** Null when it is not open, or of a job that cannot be read. */
async function read(
  context: Context,
  id: ShardId,
): Promise<{ job: JobFacts; state: ShardState } | null> {
  const open = await openShard(context, id);
  if (open === null) return null;
  const { job, shard } = open;
  return { job, state: ShardState.replay(shard, await context.store.readJournal(shard)) };
}

async function openShard(
  { store, jobs }: Context,
  id: ShardId,
): Promise<{ job: JobFacts; shard: Shard } | null> {
  const { jobId, number } = parseShardId(id);
  const job = await jobs.facts(jobId);
  const shard = job === null ? null : await store.readOpenShard({ jobId, number });
  return job === null || shard === null ? null : { job, shard };
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
  const missing = [...open].filter((id) => !window.isHeld(id));
  if (missing.length > 0 && context.peers.isSteward(context.now()))
    await queue.add(partition, missing);
  // Taken, but not in the window: a step failed in between.
  const stray = queue.held(partition).filter((id) => !window.isHeld(id));
  if (stray.length > 0) await holdShards(context, partition, stray);
  window.guests.forgetDone();
}

const heldShards = ({ window, grid }: Context, partition: number): ShardId[] =>
  window.shardIds.filter(
    (id) => partitionOf(parseShardId(id).jobId, grid.partitions) === partition,
  );

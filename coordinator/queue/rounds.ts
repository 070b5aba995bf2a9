/** Everything that happens on a timer, in one list. */
import type { Demand } from '../domain/demand.ts';
import { award } from '../flow/award.ts';
import { type Clock, type Context, partitions } from '../flow/context.ts';
import { handBackShards, holdShards, reconcile } from '../flow/feed.ts';
import { expireLeases } from '../flow/renew.ts';
import { jobsLeftOut, splitJobs } from '../flow/split.ts';
import { type Round, type RoundParts, startRound } from './round.ts';

/** A window that runs low wakes the feeder; this is for work that other coordinators add. */
const feedPace = { everyMs: 250, restMs: 0 };
/** Leases last 30 s: a second is soon enough to free the units of one that ended. */
const expirePace = { everyMs: 1000, restMs: 0 };
/**
 * After commits that paid, and now and then for what another coordinator left behind. Ten times a
 * second at most: a batch costs Redis an fsync of its own, and nobody sees credit sooner.
 */
const awardPace = { everyMs: 1000, restMs: 100 };
/** Only a crash between two steps leaves something to reconcile. */
const reconcilePace = { everyMs: 5000, restMs: 0 };
/** A coordinator that has lost its hosts notices it this often. */
const handBackPace = { everyMs: 1000, restMs: 0 };
/**
 * How long its shards wait for its hosts to come back: after a hiccup of the network that takes some
 * seconds, and to hand a shard over costs a read of its journal.
 */
const hostlessMs = 5000;
/** Shards taken or split in one go: enough for 2,048 units, a few milliseconds of Redis. */
const shardsPerStep = 8;

export type Rounds = { feed(): void; award(): void; close(): Promise<void> };

export function startRounds(
  context: Context,
  clock: Clock,
  demand: Demand,
  hosts: () => number,
): Rounds {
  const parts: RoundParts = { clock, log: context.log, randomBytes: context.randomBytes };
  const all = partitions(context);
  const feeders = all.map((partition) =>
    startRound('feed', feedPace, parts, () => feed(context, partition, demand, hosts)),
  );
  const awards = all.map((partition) =>
    startRound('award', awardPace, parts, async () => {
      const accountIds = await award(context, partition);
      if (accountIds.size > 0) context.happened({ kind: 'paid', accountIds });
    }),
  );
  let hadHostsAt = clock.now();
  const others = [
    startRound('expire', expirePace, parts, async () => {
      expireLeases(context);
    }),
    startRound('hand back', handBackPace, parts, async () => {
      if (hosts() > 0) hadHostsAt = clock.now();
      if (clock.now() - hadHostsAt < hostlessMs) return;
      for (const partition of all) await handBackShards(context, partition);
    }),
    startRound('reconcile', reconcilePace, parts, async () => {
      for (const partition of all) await reconcile(context, partition);
    }),
  ];
  const rounds: Round[] = [...feeders, ...awards, ...others];
  return {
    feed: () => wakeAll(feeders),
    award: () => wakeAll(awards),
    close: async () => {
      await Promise.all(rounds.map((round) => round.close()));
    },
  };
}

const wakeAll = (rounds: readonly Round[]): void => {
  for (const round of rounds) round.wake();
};

/**
 * Fills the window up to what the hosts can use, and so that every open job has units in it: from the
 * queue first, then by splitting on.
 */
async function feed(
  context: Context,
  partition: number,
  demand: Demand,
  hosts: () => number,
): Promise<void> {
  while (hosts() > 0) {
    const isLow = context.window.free < demand.target(hosts(), context.now());
    const leftOut = isLow ? null : await jobsLeftOut(context, partition);
    if (leftOut?.size === 0) return;
    const ids = await context.queue.take(partition, shardsPerStep);
    if (ids.length > 0) await holdShards(context, partition, ids);
    else {
      const shardsMax = leftOut?.size ?? shardsPerStep;
      if ((await splitJobs(context, partition, shardsMax, leftOut)) === 0) return;
    }
  }
}

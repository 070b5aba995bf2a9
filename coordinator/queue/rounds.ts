/** Everything that happens on a timer, in one list. */
import type { JobId } from '../../protocol/ids.ts';
import type { Demand } from '../domain/demand.ts';
import { fits, type Machine } from '../domain/machine.ts';
import type { ShardId } from '../domain/shard.ts';
import type { Present } from '../domain/trust/closing.ts';
import { applyAmendments } from '../flow/amend.ts';
import { archiveJobs } from '../flow/archive-jobs.ts';
import { archiveJournals } from '../flow/archive-journals.ts';
import { award } from '../flow/award.ts';
import { takeBreath } from '../flow/clear-artifacts/breath.ts';
import { clearArtifacts } from '../flow/clear-artifacts/clear-artifacts.ts';
import type { ClearingTimes } from '../flow/clear-artifacts/times.ts';
import { closeJobs, type Decided, decidedJobs } from '../flow/close-jobs.ts';
import { type Clock, type Context, partitions } from '../flow/context.ts';
import { drawAudits } from '../flow/draw-audits.ts';
import { giveBack, handBackShards, holdShards, reconcile } from '../flow/feed.ts';
import { finaliseCredit } from '../flow/finalise-credit.ts';
import { finaliseResults } from '../flow/finalise-results.ts';
import { forgetJobs } from '../flow/forget.ts';
import { firstPages, forgetFinal } from '../flow/forget-final.ts';
import { reconcileFunds, refundEscrows } from '../flow/fund.ts';
import { cutOrders } from '../flow/hear-checks/cut-orders.ts';
import { countOrders, hearChecks } from '../flow/hear-checks/hear-checks.ts';
import { reconcilePauses } from '../flow/pause.ts';
import { expireLeases } from '../flow/renew.ts';
import { jobsLeftOut, splitJobs } from '../flow/split.ts';
import { sweepConvicted } from '../flow/sweep.ts';
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
/** Audits are drawn after the verdicts, and nobody waits for one; but a second of results at once would be felt. */
const trustPace = { everyMs: 500, restMs: 0 };
/** Holds end by the day, and a look goes through all that is held: some seconds of a big grid. */
const finalisePace = { everyMs: 600_000, restMs: 0 };
/** A page of five hundred a minute: three quarters of a million rows a day. */
const forgetPace = { everyMs: 60_000, restMs: 0 };
/**
 * Half a minute of journals waits in Redis: at full speed 60 MB. By then most of what is read soon after, checks and
 * reports that are repeated, has been.
 */
const archivePace = { everyMs: 30_000, restMs: 0 };
/** It looks in the store whether a round is due, which it is once a day (flow/clear-artifacts/times.ts). */
const clearLookMs = 3_600_000;
/** A job whose credit is spent goes on for so long at most, and is paid from bad debt. */
const fundPace = { everyMs: 2000, restMs: 0 };
/** Only a crash between two steps leaves something to reconcile. */
const reconcilePace = { everyMs: 5000, restMs: 0 };
/** A coordinator whose hosts have gone notices it this often. */
const handBackPace = { everyMs: 1000, restMs: 0 };
/**
 * How long shards wait here for a host that can run them: after a hiccup of the network hosts are back
 * within some seconds, and to hand a shard over costs a read of its journal.
 */
const unservedMs = 5000;
/** Four rounds of the others' feeders. */
const leaveQueueMs = 1000;
/** Whoever here may have a check has asked by then, if it is not at work for longer. */
const idleCheckMs = 2000;
/** Of idle checks at once: somebody else may have as little use for them, and to pass one on costs two reads. */
const checksPassedMax = 8;
/** Shards taken or split in one go: some milliseconds of Redis. */
const shardsPerStepMax = 32;
/** For reckoning how many shards a low window lacks. Of larger ones it then holds some more for a while. */
const usualUnitsPerShard = 256;

/** The hosts connected here: how many, and of each kind the largest. */
export type HostsHere = { count: number; machines: readonly Machine[]; present(): Present[] };

export type Rounds = {
  feed(): void;
  award(): void;
  trust(): void;
  reconcile(): void;
  /** This coordinator has become the one that does what one alone has to do. */
  steward(): void;
  close(): Promise<void>;
};

export function startRounds(
  context: Context,
  clock: Clock,
  demand: Demand,
  hosts: () => HostsHere,
  clearing: ClearingTimes,
): Rounds {
  let isClosed = false;
  const parts: RoundParts = { clock, log: context.log, randomBytes: context.randomBytes };
  const all = partitions(context);
  const isSteward = () => context.peers.isSteward(context.now());
  const bySteward = (work: () => Promise<void>) => async (): Promise<void> => {
    if (isSteward()) await work();
  };
  /** For a moment the queue is the others': what was given back for them must not be taken here again. */
  let leftQueueAt = Number.NEGATIVE_INFINITY;
  const takesFromQueue = () => Math.abs(context.now() - leftQueueAt) > leaveQueueMs;
  const feeders = all.map((partition) =>
    startRound('feed', feedPace, parts, () =>
      feed(context, partition, demand, hosts, takesFromQueue),
    ),
  );
  const awards = all.map((partition) =>
    startRound(
      'award',
      awardPace,
      parts,
      bySteward(async () => {
        const accountIds = await award(context, partition);
        if (accountIds.size > 0) context.happened({ kind: 'paid', accountIds });
      }),
    ),
  );
  const pages = firstPages();
  const servedAt = new Map<JobId, number>();
  const restingSince = new Map<string, number>();
  const idleSince = new Map<ShardId, number>();
  const trust = startRound('trust', trustPace, parts, async () => {
    const leads = isSteward();
    const decided: Decided[] = [];
    for (const partition of all) {
      decided.push(...(await decidedJobs(context, partition)));
      if (!leads) {
        await countOrders(context, partition);
        continue;
      }
      await drawAudits(context, partition);
      await hearChecks(context, partition);
      if ((await applyAmendments(context, partition)) > 0) wakeAll(awards);
    }
    // What is in this window nobody else can see.
    cutOrders(context, new Set(decided.map(({ jobId }) => jobId)), restingSince);
    if (!leads) return;
    await sweepConvicted(context);
    // Behind the sweep, which knows better what is to be checked of whoever was proven wrong.
    const present = () => [...hosts().present(), ...context.peers.presentElsewhere()];
    await closeJobs(context, decided, present);
  });
  const finalise = startRound(
    'finalise',
    finalisePace,
    parts,
    bySteward(async () => {
      for (const partition of all) await finaliseResults(context, partition);
      const accountIds = await finaliseCredit(context);
      if (accountIds.size > 0) context.happened({ kind: 'paid', accountIds });
    }),
  );
  const forget = startRound(
    'forget',
    forgetPace,
    parts,
    bySteward(() => forgetFinal(context, pages)),
  );
  const clearLook = { everyMs: Math.min(clearLookMs, clearing.everyMs), restMs: 0 };
  const clear = startRound(
    'clear artifacts',
    clearLook,
    parts,
    bySteward(() => {
      const breath = takeBreath(clock, () => !isClosed && isSteward());
      return clearArtifacts(context, clearing, breath);
    }),
  );
  const archives = all.map((partition) => {
    const round = startRound(
      'archive shards',
      archivePace,
      parts,
      bySteward(async () => {
        const isMore = await archiveJournals(context, partition);
        await archiveJobs(context, partition);
        if (isMore) round.wake();
      }),
    );
    return round;
  });
  const reconciling = startRound('reconcile', reconcilePace, parts, async () => {
    for (const partition of all) {
      await reconcile(context, partition);
      await reconcilePauses(context, partition);
      await forgetJobs(context, partition);
    }
  });
  // Days may have ended while nobody was here, and an earlier run may have left much behind.
  const steward = () => wakeAll([...awards, ...archives, trust, finalise, forget]);
  if (isSteward()) steward();
  const others = [
    startRound('expire', expirePace, parts, async () => {
      expireLeases(context);
    }),
    finalise,
    forget,
    clear,
    startRound('fund', fundPace, parts, async () => {
      for (const partition of all) await reconcileFunds(context, partition);
      if (isSteward()) await refundEscrows(context);
    }),
    startRound('hand back', handBackPace, parts, async () => {
      const jobIds = await unservedJobs(context, hosts().machines, servedAt);
      for (const partition of all) await handBackShards(context, partition, jobIds);
      const forOthers = [...checksForOthers(context, idleSince), ...spareFor(context)];
      if (forOthers.length === 0) return;
      leftQueueAt = context.now();
      await giveBack(context, forOthers);
    }),
    reconciling,
  ];
  const rounds: Round[] = [...feeders, ...awards, ...archives, trust, ...others];
  return {
    feed: () => wakeAll(feeders),
    award: () => wakeAll(awards),
    trust: () => trust.wake(),
    reconcile: () => reconciling.wake(),
    steward,
    close: async () => {
      isClosed = true;
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
  hosts: () => HostsHere,
  takesFromQueue: () => boolean,
): Promise<void> {
  for (;;) {
    const { count, machines } = hosts();
    if (count === 0) return;
    const lacking = demand.target(count, context.now()) - context.window.free;
    const leftOut = lacking > 0 ? null : await jobsLeftOut(context, partition, machines);
    if (leftOut?.size === 0) return;
    const wanted = Math.max(1, Math.ceil(lacking / usualUnitsPerShard));
    const shards = Math.min(wanted, shardsPerStepMax);
    const ids = takesFromQueue() ? await context.queue.take(partition, shards) : [];
    if (ids.length > 0) await holdShards(context, partition, ids);
    else {
      const shardsMax = leftOut?.size ?? shards;
      const opened = await splitJobs(context, partition, shardsMax, machines, leftOut);
      if (opened === 0) return;
    }
  }
}

/**
 * Jobs in the window that no host here could have run for a while: another coordinator may have hosts
 * that can. `servedAt` remembers since when.
 */
async function unservedJobs(
  { window, jobs, now }: Context,
  machines: readonly Machine[],
  servedAt: Map<JobId, number>,
): Promise<Set<JobId>> {
  const { jobIds } = window;
  for (const jobId of servedAt.keys()) if (!jobIds.has(jobId)) servedAt.delete(jobId);
  for (const jobId of jobIds) {
    const job = await jobs.facts(jobId);
    const isServed = job !== null && machines.some((machine) => fits(job, machine));
    if (isServed || !servedAt.has(jobId)) servedAt.set(jobId, now());
  }
  const unserved = [...servedAt].filter(([, at]) => Math.abs(now() - at) >= unservedMs);
  return new Set(unserved.map(([jobId]) => jobId));
}

/** Checks that nobody here takes: hosts of other coordinators may. `idleSince` remembers since when. */
function checksForOthers(
  { window, peers, now }: Context,
  idleSince: Map<ShardId, number>,
): ShardId[] {
  const idle = new Set(peers.haveHosts ? window.idleChecks : []);
  for (const id of idleSince.keys()) if (!idle.has(id)) idleSince.delete(id);
  for (const id of idle) if (!idleSince.has(id)) idleSince.set(id, now());
  const passed = [...idleSince].filter(([, since]) => Math.abs(now() - since) >= idleCheckMs);
  return passed.slice(0, checksPassedMax).map(([id]) => id);
}

/** Half of the shards that have units to grant, when hosts of others ask for some and get nothing. */
function spareFor({ window, peers }: Context): ShardId[] {
  const spare = window.spare(peers.hungryMachines);
  return spare.slice(0, Math.ceil(spare.length / 2));
}

/**
 * The engine: window, recorders and rounds tied to each other, over a store, a queue and a clock that
 * are given. It is a coordinator without Redis below it and without doors above, which is why the
 * simulation runs it as it is: memory, simulated time, and hosts that are only code.
 */
import type { Logger } from 'pino';
import type { AccountId, HostId, JobId } from '../protocol/ids.ts';
import { Capacities } from './domain/capacities.ts';
import { Demand } from './domain/demand.ts';
import { factsOf, type JobFacts } from './domain/job.ts';
import type { LeaseFacts } from './domain/lease.ts';
import type { Machine } from './domain/machine.ts';
import type { News } from './domain/news.ts';
import type { Peers } from './domain/peers.ts';
import type { ShardId } from './domain/shard.ts';
import type { Present } from './domain/trust/closing.ts';
import { KnownHosts } from './domain/trust/known-hosts.ts';
import { Turns } from './domain/turns.ts';
import { UploadAllowance } from './domain/upload-allowance.ts';
import type { Window } from './domain/window.ts';
import { type ClearingTimes, usualTimes } from './flow/clear-artifacts/times.ts';
import {
  type Clock,
  type Context,
  type Happening,
  type JobCache,
  partitions,
  type ShardQueue,
} from './flow/context.ts';
import { holdShards, rereadShards } from './flow/feed.ts';
import { type Here, meet } from './flow/meet.ts';
import { reconcilePauses } from './flow/pause.ts';
import { Recorder } from './flow/record/record.ts';
import { dropJob, withdrawLeases } from './flow/renew.ts';
import { startRound } from './queue/round.ts';
import { type Rounds, startRounds } from './queue/rounds.ts';
import { GridOwned } from './sole-coordinator.ts';
import type { GridFacts } from './store/grid-store.ts';
import { readableJob } from './store/readable-journal.ts';
import { partitionOf, type Store } from './store/store.ts';
import { LeaseTokens } from './tokens/lease-token.ts';
import type { Sealer } from './tokens/seal.ts';

export type EngineParts = {
  grid: GridFacts;
  store: Store;
  artifacts: Context['artifacts'];
  sealer: Sealer;
  auditSecret: Uint8Array;
  /** Also gives back what an earlier run of this coordinator had taken. */
  queue: ShardQueue & { takeBack(partition: number): Promise<ShardId[]> };
  /** Made outside, because the queue drops from it the shards that it lost. */
  window: Window;
  /** Under which it meets the others. */
  coordinatorId: string;
  /** Those who share the grid; `Peers.alone()` where nobody does. */
  peers: Peers;
  /** A coordinator that shares with nobody runs the grid now: this one cannot go on. */
  lost(error: Error): void;
  clock: Clock;
  randomBytes(count: number): Uint8Array;
  log: Logger;
  /** How long artifacts stay that nothing names. */
  clearing?: ClearingTimes;
};

/** Who is told what happens. */
export type Doors = {
  /** Hosts connected and welcomed. */
  readonly hosts: number;
  /** Those that ask and get nothing. */
  readonly asking: number;
  /** What the largest of them has; 0 when there is none. */
  readonly machines: readonly Machine[];
  /** Those that are at work or ask for some. */
  present(): Present[];
  serveWaiting(): void;
  cancelled(leases: readonly LeaseFacts[], reason: 'job_cancelled' | 'job_paused'): void;
  banned(id: HostId | AccountId, reason: string): void;
  paid(accountIds: Iterable<AccountId>): void;
};

export type Engine = {
  context: Context;
  demand: Demand;
  /** From now on these doors are told. Nothing is granted before, so they miss nothing. */
  attach(doors: Doors): void;
  /** Hears what other coordinators tell, after the engine has. */
  listen(listener: (news: News) => void): void;
  /** The window runs low. */
  feed(): void;
  /** Whether results cannot be stored at the moment. */
  isRefusing(): boolean;
  /** Results that were reported and wait for a commit. */
  backlog(): number;
  /** The longest that a commit has taken since it was last asked, or is taking. */
  takeLongestCommitMs(): number;
  /** The machine's clock was set: leases end by the new time. */
  clockMoved(byMs: number): void;
  /** Ends the rounds, and settles when everything reported is stored and answered. */
  close(): Promise<void>;
};

/** Takes up what an earlier run held, then starts the rounds. Throws GridOwned where the grid is to be shared, and is not. */
export async function startEngine(parts: EngineParts): Promise<Engine> {
  const { grid, store, queue, window, clock, log, peers } = parts;
  // The parts call each other back; these late-bound ends break the knot.
  let doors: Doors | null = null;
  let rounds: Rounds | null = null;

  const demand = new Demand();
  const paces: Context['paces'] = new Map();
  const jobs = jobCache(store);
  const listeners: ((news: News) => void)[] = [];
  const happened = (happening: Happening) => {
    happenedHere(happening);
    tellOthers(peers, happening);
  };
  const happenedHere = (happening: Happening) => {
    if (happening.kind === 'units_free') doors?.serveWaiting();
    else if (happening.kind === 'job_submitted') rounds?.feed();
    else if (happening.kind === 'checks_ordered') rounds?.feed();
    else if (happening.kind === 'paid') doors?.paid(happening.accountIds);
    else if (happening.kind === 'job_decided') rounds?.trust();
    else if (happening.kind === 'job_ended') {
      paces.delete(happening.jobId);
      context.splitTurns.forget(happening.jobId);
    } else if (happening.kind === 'job_removed') jobs.forget(happening.jobId);
    else if (happening.kind === 'job_resumed') rounds?.feed();
    else if (happening.kind === 'job_stopped') {
      const leases = window.leasesOf(happening.jobId);
      withdrawLeases(context, leases);
      doors?.cancelled(leases, 'job_paused');
    } else if (happening.kind === 'banned') {
      doors?.banned(happening.id, happening.reason);
      withdrawLeases(context, window.leasesOfHolder(happening.id));
    } else if (happening.kind === 'job_cancelled') {
      void dropJob(context, happening.jobId).then((leases) =>
        doors?.cancelled(leases, 'job_cancelled'),
      );
    }
  };
  /** What another coordinator told. */
  const heard = (news: News) => {
    if (news.kind === 'known') context.knownHosts.hear(new Map(news.hosts), new Map(news.accounts));
    else if (news.kind === 'renewed') {
      for (const [leaseId, hostId] of news.leases) window.renew(leaseId, hostId, clock.now());
    } else if (news.kind === 'recorded') {
      rereadShards(context, news.shards).catch((error) =>
        log.debug({ err: error }, 'what another coordinator recorded is read later'),
      );
    } else if (news.kind === 'uploads_named') {
      for (const [accountId, digest] of news.uploads) context.uploads.settle(accountId, digest);
    } else if (news.kind === 'pay_due') rounds?.award();
    else if (news.kind !== 'books_asked') {
      // Before its leases are taken back: their units must not be granted again.
      if (news.kind === 'job_stopped' || news.kind === 'job_paused') window.pause(news.jobId);
      if (news.kind === 'job_resumed') rounds?.reconcile();
      happenedHere(news);
    }
    for (const listener of listeners) listener(news);
  };
  const recorders = Array.from(
    { length: grid.partitions },
    (_, partition) =>
      new Recorder({
        partition,
        store,
        window,
        paces,
        clock,
        log,
        happened,
        closed: (id) => void queue.finish(partition, id),
        paid: () => {
          if (peers.isSteward(clock.now())) rounds?.award();
          else peers.tell({ kind: 'pay_due' });
        },
      }),
  );
  const recorderOf = (jobId: JobId): Recorder => {
    const recorder = recorders[partitionOf(jobId, grid.partitions)];
    if (recorder === undefined) throw new Error(`no partition for ${jobId}`);
    return recorder;
  };
  const context: Context = {
    grid,
    store,
    artifacts: parts.artifacts,
    queue,
    sealer: parts.sealer,
    leaseTokens: new LeaseTokens(parts.sealer),
    window,
    paces,
    ordersOut: new Map(),
    log,
    recorder: {
      record: (shard, lease, reported) => recorderOf(shard.jobId).record(shard, lease, reported),
      note: (shard, entry) => recorderOf(shard.jobId).note(shard, entry),
      giveUp: (shard, positions, reason) =>
        recorderOf(shard.jobId).giveUp(shard, positions, reason),
    },
    peers,
    splitTurns: new Turns(),
    jobs,
    knownHosts: new KnownHosts((hosts, accounts) => peers.tellKnown(hosts, accounts)),
    capacities: new Capacities(),
    uploads: new UploadAllowance(),
    auditSecret: parts.auditSecret,
    cleared: { artifacts: 0, bytes: 0 },
    now: () => clock.now(),
    randomBytes: (count) => parts.randomBytes(count),
    happened,
  };

  context.knownHosts.watchElsewhere(() =>
    peers.presentElsewhere().map(({ accountId }) => accountId),
  );
  const here = hereNow(() => doors, window, clock);
  const come = async () => {
    const wasSteward = peers.isSteward(clock.now());
    const news = await meet(context, parts.coordinatorId, here());
    if (news === null) throw new GridOwned();
    if (peers.isSteward(clock.now()) && !wasSteward) rounds?.steward();
    // The steward's alone; of those who have died before it the locks run out.
    const dead = peers.takeDead(clock.now());
    if (peers.isSteward(clock.now())) giveBackOf(dead);
    for (const one of news) heard(one);
  };
  const giveBackOf = (dead: readonly string[]) => {
    for (const coordinatorId of dead) {
      log.info({ dead: coordinatorId }, 'a coordinator is gone: others have its shards');
      for (const partition of partitions(context)) {
        queue.giveBackOf(partition, coordinatorId).catch((error) => {
          log.debug({ err: error }, 'the shards of a dead coordinator come back by themselves');
        });
      }
    }
  };
  if (peers.share) await come();
  for (const partition of partitions(context)) {
    await reconcilePauses(context, partition);
    await holdShards(context, partition, await queue.takeBack(partition));
  }
  const hosts = () => ({
    count: doors?.hosts ?? 0,
    machines: doors?.machines ?? [],
    present: () => doors?.present() ?? [],
  });
  const running = startRounds(context, clock, demand, hosts, parts.clearing ?? usualTimes);
  rounds = running;
  const meetings = peers.share
    ? startRound('meet', meetPace, { clock, log, randomBytes: parts.randomBytes }, () =>
        come().catch((error) => {
          if (!(error instanceof GridOwned)) throw error;
          parts.lost(error);
        }),
      )
    : null;
  return {
    context,
    demand,
    attach: (attached) => {
      doors = attached;
    },
    listen: (listener) => void listeners.push(listener),
    feed: () => running.feed(),
    isRefusing: () => recorders.some((recorder) => recorder.isRefused),
    clockMoved: (byMs) => window.clockMoved(byMs),
    backlog: () => recorders.reduce((sum, { backlog }) => sum + backlog, 0),
    takeLongestCommitMs: () => Math.max(...recorders.map((recorder) => recorder.takeLongestMs())),
    close: async () => {
      await running.close();
      await Promise.all(recorders.map((recorder) => recorder.drain()));
      await meetings?.close();
      // What it has recorded last, others hold.
      if (peers.share)
        await come()
          .then(() => store.peers.leave(parts.coordinatorId))
          .catch((error) => log.debug({ err: error }, 'the others find out that this one is gone'));
    },
  };
}

/** News of a cancelled job, or of a ban, are felt within half a second; a meeting costs Redis an fsync. */
const meetPace = { everyMs: 300, restMs: 0 };
/** To look through sessions takes some microseconds each: a percent of the time at most. */
const lookAroundMs = { least: 1000, eachHost: 1 };
/** A window that is empty is filled again sooner than this, when there is anything to fill it with. */
const hungryAfterMs = 500;

/** What is connected here, looked up now and then. */
function hereNow(doors: () => Doors | null, window: Window, clock: Clock): () => Here {
  let at = Number.NEGATIVE_INFINITY;
  let known: Pick<Here, 'machines' | 'present'> = { machines: [], present: [] };
  let emptySince: number | null = null;
  return () => {
    const [here, now] = [doors(), clock.now()];
    const hosts = here?.hosts ?? 0;
    const restMs = Math.max(lookAroundMs.least, hosts * lookAroundMs.eachHost);
    if (here !== null && Math.abs(now - at) >= restMs) {
      at = now;
      known = { machines: [...here.machines], present: here.present() };
    }
    const isEmpty = window.free === 0 && here !== null && here.asking > 0;
    emptySince = isEmpty ? (emptySince ?? now) : null;
    const isHungry = emptySince !== null && Math.abs(now - emptySince) >= hungryAfterMs;
    return { ...known, hosts, isHungry };
  };
}

/** What concerns hosts, windows and doors of other coordinators as well. */
function tellOthers(peers: Peers, happening: Happening): void {
  if (happening.kind === 'recorded_elsewhere') peers.tellRecorded(happening.shard);
  else if (happening.kind === 'renewed_elsewhere')
    peers.tellRenewed(happening.leaseId, happening.hostId);
  else if (happening.kind === 'paid')
    peers.tell({ kind: 'paid', accountIds: [...happening.accountIds] });
  else if (happening.kind !== 'units_free' && happening.kind !== 'job_ended') peers.tell(happening);
}

/** Documents may be megabytes: read once, and kept for as many jobs as are likely to be worked on. */
function jobCache(store: Store, jobsMax = 256): JobCache & { forget(jobId: JobId): void } {
  const cache = new Map<JobId, JobFacts>();
  return {
    known: (jobId) => cache.get(jobId) ?? null,
    forget: (jobId) => void cache.delete(jobId),
    async facts(jobId) {
      const known = cache.get(jobId);
      if (known !== undefined) return known;
      const job = await readableJob(store.jobs, jobId);
      if (job === null) return null;
      const facts = factsOf(job);
      cache.set(jobId, facts);
      const [oldest] = cache.keys();
      if (cache.size > jobsMax && oldest !== undefined) cache.delete(oldest);
      return facts;
    },
  };
}

/**
 * The coordinator put together: Redis → store → window, recorder, queue → doors. Each part is made
 * here and nowhere else, and closed in the opposite order.
 */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import type { JobId } from '../protocol/ids.ts';
import { makeHttpServer } from './api/routes.ts';
import { Sessions } from './api/sessions.ts';
import { Artifacts } from './artifacts/artifacts.ts';
import { Demand } from './domain/demand.ts';
import { FairShare } from './domain/fair-share.ts';
import type { JobFacts } from './domain/job.ts';
import { parseShardId, type ShardId } from './domain/shard.ts';
import { Window } from './domain/window.ts';
import {
  type Clock,
  type Context,
  type Happening,
  type JobCache,
  partitions,
} from './flow/context.ts';
import { holdShards } from './flow/feed.ts';
import { Recorder } from './flow/record.ts';
import { dropJob } from './flow/renew.ts';
import { Kernels } from './kernels/kernels.ts';
import { lastingId } from './lasting-id.ts';
import { type OperatorToken, openOperatorToken } from './operator-token.ts';
import { type Rounds, startRounds } from './queue/rounds.ts';
import { BullShardQueue } from './queue/shard-queue.ts';
import { openRedis } from './redis/open.ts';
import { openRedisStore } from './store/redis-store.ts';
import { partitionOf, type Store } from './store/store.ts';
import { Sealer } from './tokens/seal.ts';

export type CoordinatorOptions = {
  host: string;
  port: number;
  dataDir: string;
  redisUrl?: string;
  logLevel?: string;
};

export type Coordinator = {
  /** Where it listens, with the port that was picked. */
  url: string;
  operatorToken: OperatorToken;
  /** The embedded Redis's process; null when the operator runs Redis. */
  redisPid(): number | null;
  /** Drains: what is under way is stored and answered, then everything stops. */
  close(): Promise<void>;
};

/** How many partitions a new grid gets. One carries more than one machine's volunteers; it is fixed for good. */
const partitionsOfNewGrid = 1;
const version = '0.1.0';

export async function startCoordinator(options: CoordinatorOptions): Promise<Coordinator> {
  const log = pino({ level: options.logLevel ?? 'info' }, pino.destination(2));
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
  const closers: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const redis = await openRedis({
      dataDir: options.dataDir,
      log: (line) => log.info(line),
      ...(options.redisUrl === undefined ? {} : { url: options.redisUrl }),
    });
    closers.push(() => redis.close());
    const store = await openRedisStore(redis.connection);
    closers.push(() => store.close());
    const grid = await store.openGrid({
      gridId: randomBytes(16).toString('hex'),
      partitions: partitionsOfNewGrid,
      createdAt: Date.now(),
    });
    const sealer = new Sealer(
      await store.leaseKeys({ keyId: randomBytes(4).toString('hex'), secret: randomBytes(32) }),
    );
    const operatorToken = await openOperatorToken(store, options.dataDir, Date.now());
    const artifacts = await Artifacts.open(join(options.dataDir, 'artifacts'));
    const kernels = new Kernels(artifacts);

    // The parts below call each other back; these late-bound doors break the knot.
    let sessions: Sessions | null = null;
    let rounds: Rounds | null = null;
    const window = new Window();
    const demand = new Demand();
    const queue = await BullShardQueue.open({
      address: redis.connection,
      partitions: grid.partitions,
      coordinatorId: await lastingId(options.dataDir),
      log,
      lost: (id) => window.drop(id),
    });
    closers.push(() => queue.close());

    const finish = (id: ShardId) => {
      void queue.finish(partitionOf(parseShardId(id).jobId, grid.partitions), id);
    };
    const happened = (happening: Happening) => {
      if (happening.kind === 'units_free') sessions?.serveWaiting();
      else if (happening.kind === 'job_submitted') rounds?.feed();
      else if (happening.kind === 'paid') sessions?.paid(happening.accountIds);
      else if (happening.kind === 'job_ended') context.paces.delete(happening.jobId);
      else void dropJob(context, happening.jobId).then((leases) => sessions?.cancelled(leases));
    };
    const paces: Context['paces'] = new Map();
    const recorders = Array.from(
      { length: grid.partitions },
      (_, partition) =>
        new Recorder({
          partition,
          store,
          window,
          paces,
          log,
          clock: machineClock,
          happened,
          closed: finish,
          paid: () => rounds?.award(),
        }),
    );
    closers.push(async () => {
      await Promise.all(recorders.map((recorder) => recorder.drain()));
    });
    const recorderOf = (jobId: JobId): Recorder => {
      const recorder = recorders[partitionOf(jobId, grid.partitions)];
      if (recorder === undefined) throw new Error(`no partition for ${jobId}`);
      return recorder;
    };

    const context: Context = {
      grid,
      store,
      artifacts,
      queue,
      sealer,
      window,
      paces,
      log,
      recorder: {
        record: (shard, lease, results) => recorderOf(shard.jobId).record(shard, lease, results),
        note: (shard, entry) => recorderOf(shard.jobId).note(shard, entry),
      },
      splitShare: new FairShare<JobId>(),
      jobs: jobCache(store),
      now: Date.now,
      randomBytes: pooledRandomBytes,
      happened,
    };

    for (const partition of partitions(context)) {
      await holdShards(context, partition, await queue.takeBack(partition));
    }
    rounds = startRounds(context, demand, () => sessions?.hosts ?? 0);
    closers.push(rounds.close);

    const isRefusing = () => recorders.some((recorder) => recorder.isRefused);
    const http = makeHttpServer({
      context,
      prepareKernel: (digest, memoryBytesMax) => kernels.prepare(digest, memoryBytesMax),
      hosts: () => sessions?.hosts ?? 0,
      isReady: () => !isRefusing(),
      version,
      log,
    });
    sessions = new Sessions(http.server, {
      context,
      demand,
      feed: () => rounds?.feed(),
      isRefusing,
    });
    const doors = sessions;
    closers.push(async () => {
      await doors.close();
      await http.close();
    });
    const url = await http.listen({ host: options.host, port: options.port });
    return { url, operatorToken, redisPid: () => redis.pid ?? null, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Ten bytes for a lease id at a time would cost a call into OpenSSL each. */
const randomPoolBytes = 4096;
let randomPool = randomBytes(randomPoolBytes);
function pooledRandomBytes(count: number): Uint8Array {
  if (randomPool.length < count) randomPool = randomBytes(Math.max(randomPoolBytes, count));
  const bytes = randomPool.subarray(0, count);
  randomPool = randomPool.subarray(count);
  return bytes;
}

const machineClock: Clock = {
  now: Date.now,
  soon: (run) => void setImmediate(run),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/** Documents may be megabytes: read once, and kept for as many jobs as are likely to be worked on. */
function jobCache(store: Store, jobsMax = 256): JobCache {
  const cache = new Map<JobId, JobFacts>();
  return {
    async facts(jobId) {
      const known = cache.get(jobId);
      if (known !== undefined) return known;
      const job = await store.readJob(jobId);
      if (job === null) return null;
      const { state: _state, counts: _counts, endedAt: _endedAt, ...facts } = job;
      cache.set(jobId, facts);
      const [oldest] = cache.keys();
      if (cache.size > jobsMax && oldest !== undefined) cache.delete(oldest);
      return facts;
    },
  };
}

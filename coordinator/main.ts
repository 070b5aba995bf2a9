/**
 * The coordinator put together: Redis → store, queue → engine → doors. Each part is made here and
 * nowhere else, and closed in the opposite order.
 */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { makeHttpServer } from './api/routes.ts';
import { Sessions } from './api/sessions.ts';
import { Tally } from './api/tally.ts';
import type { S3Place } from './artifacts/s3-place.ts';
import { openBooks } from './books.ts';
import { machineClock } from './clock.ts';
import { Peers } from './domain/peers.ts';
import { strainNumber } from './domain/strain.ts';
import { Window } from './domain/window.ts';
import { type Engine, startEngine } from './engine.ts';
import type { ClearingTimes } from './flow/clear-artifacts/times.ts';
import type { Context } from './flow/context.ts';
import { boundHeapGrowth } from './heap-growth.ts';
import { Kernels } from './kernels/kernels.ts';
import { lastingId } from './lasting-id.ts';
import { openLog } from './log.ts';
import { appendTimes, openMetrics } from './metrics/metrics.ts';
import { openArtifacts } from './open-artifacts.ts';
import { type OperatorToken, openOperatorToken } from './operator-token.ts';
import { BullShardQueue } from './queue/shard-queue.ts';
import { ownFolder } from './redis/folder-owner.ts';
import { openRedis } from './redis/open.ts';
import { assertOwnFolder, openSharedFolder } from './shared-folder.ts';
import { ownGrid } from './sole-coordinator.ts';
import { startAgain } from './start-again.ts';
import { ArchiveFolder } from './store/archive-folder.ts';
import type { RedisAddress } from './store/redis-connection.ts';
import { openRedisStore } from './store/redis-store.ts';
import { watchStrain } from './strain-watch.ts';
import { Sealer } from './tokens/seal.ts';

export type CoordinatorOptions = {
  host: string;
  port: number;
  dataDir: string;
  redisUrl?: string;
  /** The folder that the coordinators of one Redis share. Without it this one is the only one. */
  sharedDir?: string;
  /** Where in S3 artifacts are, if they are not in a folder. */
  artifacts?: S3Place;
  /** How long artifacts stay that nothing names. */
  clearing?: ClearingTimes;
  logLevel?: string;
  /** It cannot go on: its Redis died again and again, or another coordinator owns the grid. Close it. */
  onLost?: (error: Error) => void;
  /** What takes a while at the start: Redis is fetched, or loads its journal. */
  onWait?: (line: string) => void;
};

export type Coordinator = {
  /** Where it listens, with the port that was picked. */
  url: string;
  operatorToken: OperatorToken;
  /** Where its Redis is. */
  redisConnection: RedisAddress;
  /** The embedded Redis's process; null when the operator runs Redis. */
  redisPid(): number | null;
  /** Drains: what is under way is stored and answered, then everything stops. */
  close(): Promise<void>;
};

/**
 * How many partitions a new grid gets; it is fixed for good. One carries more than one machine's volunteers, so one
 * server gets one. Of a cluster each master should have some, and a part of them should be left to give away when
 * another master is added: a partition is what moves.
 */
const partitionsOfNewGrid = (masters: number): number => (masters === 1 ? 1 : 2 * masters);
const version = '0.1.0';

export async function startCoordinator(options: CoordinatorOptions): Promise<Coordinator> {
  const opened = openLog(options.logLevel);
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
  return await startAgain(
    () => startOnce(options, opened),
    (line) => {
      opened.log.warn(line);
      options.onWait?.(line);
    },
  );
}

async function startOnce(
  options: CoordinatorOptions,
  { log, identify, linesLogged }: ReturnType<typeof openLog>,
): Promise<Coordinator> {
  const { onLost = () => undefined } = options;
  const closers: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  const growFreely = boundHeapGrowth();
  closers.push(async () => growFreely());
  try {
    const redis = await openRedis({
      dataDir: options.dataDir,
      log: (line) => {
        log.info(line);
        options.onWait?.(line);
      },
      onLost,
      ...(options.redisUrl === undefined ? {} : { url: options.redisUrl }),
    });
    closers.push(() => redis.close());
    const times = appendTimes();
    const { sharedDir } = options;
    const filesDir = sharedDir ?? options.dataDir;
    const files = await ArchiveFolder.open(join(filesDir, 'archive'), (err) =>
      log.error({ err }, 'a file of the archive is damaged: restore it from a backup'),
    );
    const store = await openRedisStore(redis.connection, times.appended, files, (line) =>
      log.warn(line),
    );
    closers.push(() => store.close());
    const grid = await store.grid.open({
      gridId: randomBytes(16).toString('hex'),
      partitions: partitionsOfNewGrid(redis.masters),
      createdAt: Date.now(),
    });
    const coordinatorId = await lastingId(options.dataDir);
    identify({ gridId: grid.gridId, coordinatorId });
    let running: Engine | null = null;
    const clock = machineClock((byMs) => {
      log.warn({ byMs }, 'the clock of this machine was set: leases are moved along with it');
      running?.clockMoved(byMs);
    });
    if (sharedDir === undefined) {
      const ownership = await ownGrid(store, coordinatorId, clock, log, onLost);
      closers.push(() => ownership.close());
      await assertOwnFolder(store, options.dataDir);
    } else {
      // Two under one id would take each other's shards for their own.
      const folder = await ownFolder(options.dataDir);
      closers.push(() => folder.release());
      await openSharedFolder(store, sharedDir);
    }
    const secrets = await store.grid.leaseKeys({
      keyId: randomBytes(4).toString('hex'),
      secret: randomBytes(32),
    });
    const sealer = new Sealer(secrets);
    const operatorToken = await openOperatorToken(store, options.dataDir, Date.now());
    const isShared = sharedDir !== undefined;
    const { artifacts, failures, room, ...opened } = await openArtifacts({
      ...{ store, gridId: grid.gridId, isShared, dataDir: options.dataDir, log },
      folder: join(filesDir, 'artifacts'),
      s3: options.artifacts ?? null,
    });
    closers.push(async () => opened.close());
    const kernels = new Kernels(artifacts);

    const window = new Window();
    const queue = await BullShardQueue.open({
      address: redis.connection,
      partitions: grid.partitions,
      coordinatorId,
      log,
      lost: (id) => window.yield(id, clock.now()),
    });
    closers.push(() => queue.close());
    const peers = isShared ? new Peers() : Peers.alone();
    const engine = await startEngine({
      grid,
      store,
      artifacts,
      sealer,
      auditSecret: secrets[0].secret,
      queue,
      window,
      coordinatorId,
      peers,
      lost: onLost,
      clock,
      randomBytes: pooledRandomBytes,
      log,
      ...(options.clearing === undefined ? {} : { clearing: options.clearing }),
    });
    running = engine;
    closers.push(() => engine.close());

    const books = await openBooks(engine, clock, filesDir);
    closers.push(() => books.close());

    let sessions: Sessions | null = null;
    const strain = watchStrain({
      commitMs: () => engine.takeLongestCommitMs(),
      changed: (level, waits) => {
        log.info({ level, ...waits }, 'the strain on this coordinator changed');
        if (level !== 'strained') sessions?.serveWaiting();
      },
    });
    closers.push(async () => strain.close());
    const tally = new Tally();
    const metrics = openMetrics(times.registry, {
      tally,
      version,
      levels: store.levels,
      partitions: grid.partitions,
      dataDir: filesDir,
      hostsConnected: () => sessions?.hosts ?? 0,
      hostsAsking: () => sessions?.asking ?? 0,
      windowFreeUnits: () => window.free,
      windowShards: () => window.shardIds.length,
      backlog: () => engine.backlog(),
      isRefusing: () => engine.isRefusing(),
      artifactFailures: failures,
      artifactsCleared: engine.context.cleared,
      lookForRoom: () => room.look(),
      uploads: () => uploadFigures(engine.context),
      strain: () => strainNumber(strain.level),
      coordinators: () => peers.count,
      isSteward: () => peers.isSteward(clock.now()),
      stewardships: () => peers.stewardships,
      unheardMs: () => peers.unheardMs(clock.now()),
      linesLogged,
    });
    const http = makeHttpServer({
      context: engine.context,
      prepareKernel: (...wanted) => kernels.prepare(...wanted),
      books,
      hosts: () => (sessions?.hosts ?? 0) + engine.context.peers.hostsElsewhere,
      why: {
        surroundings: () => sessions?.surroundings() ?? notYet,
        session: (hostId) => sessions?.session(hostId) ?? null,
      },
      connected: (max) => sessions?.connected(max) ?? [],
      isReady: () => !engine.isRefusing(),
      room,
      metrics,
      tally,
      version,
      log,
    });
    sessions = new Sessions(http.server, {
      context: engine.context,
      demand: engine.demand,
      feed: () => engine.feed(),
      isRefusing: () => engine.isRefusing(),
      strain: () => strain.level,
      tally,
    });
    const doors = sessions;
    engine.attach(doors);
    closers.push(async () => {
      await doors.close();
      await http.close();
    });
    const url = await http.listen({ host: options.host, port: options.port });
    return {
      url,
      operatorToken,
      redisConnection: redis.connection,
      redisPid: () => redis.pid ?? null,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

const uploadFigures = ({ uploads, now }: Context) => ({
  underWay: uploads.underWay,
  bytesStored: uploads.bytesStored,
  newcomerBytes: uploads.newcomerBytes(now()),
});

/** Before the doors are open nobody is connected. */
const notYet = { refusal: null, hosts: 0, machines: [], waiting: [] };

/** Ten bytes for a lease id at a time would cost a call into OpenSSL each. */
const randomPoolBytes = 4096;
let randomPool = randomBytes(randomPoolBytes);
let randomTaken = 0;
function pooledRandomBytes(count: number): Uint8Array {
  if (randomTaken + count > randomPool.length) {
    randomPool = randomBytes(Math.max(randomPoolBytes, count));
    randomTaken = 0;
  }
  randomTaken += count;
  return randomPool.subarray(randomTaken - count, randomTaken);
}

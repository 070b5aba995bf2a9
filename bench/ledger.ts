/**
 * The ledger: grants applied per second from a full outbox, on an embedded Redis with an fsync a write;
 * and what a page of the leaderboard costs Redis with a million volunteers on it, by Redis's own count.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { Payment } from '../coordinator/domain/award.ts';
import { splitShard } from '../coordinator/domain/shard.ts';
import { award } from '../coordinator/flow/award.ts';
import { openRedis } from '../coordinator/redis/open.ts';
import { keys } from '../coordinator/store/keys.ts';
import {
  makeClient,
  type RedisAddress,
  type RedisClient,
} from '../coordinator/store/redis-connection.ts';
import { openRedisStore } from '../coordinator/store/redis-store.ts';
import type { Store } from '../coordinator/store/store.ts';
import { idFromBytes } from '../protocol/ids.ts';
import { jobDocumentSchema } from '../protocol/job.ts';
import { cpuMicros } from './cpu.ts';

/** A group commit of a busy grid: eight hosts, a lease of 32 units each. */
const hostsPerRecord = 8;
const unitsPerGrant = 32;
const records = 4000;
const hosts = 512;

const volunteers = 1_000_000;
const rowsPerPage = 100;
const pages = 200;
/** Members a command: a million in some hundred fsyncs. */
const perCommand = 10_000;

type Measured = {
  unitsPerSecond: number;
  grantsPerSecond: number;
  unitsPerEntry: number;
  /** Of coordinator and Redis together. */
  cpuMicrosPerUnit: number;
  volunteers: number;
  pageRedisMs: number;
  rankRedisMs: number;
};

export async function ledger(say: (line: string) => void): Promise<Measured> {
  const dataDir = await mkdtemp(join(tmpdir(), 'manyhands-bench-'));
  const redis = await openRedis({ dataDir, log: () => undefined, onLost: () => undefined });
  const store = await openRedisStore(redis.connection);
  try {
    const grants = await measureGrants(store, [process.pid, redis.pid ?? 0]);
    say(
      `${count(grants.unitsPerSecond)} units paid a second, ${count(grants.grantsPerSecond)} grants, ` +
        `${count(grants.unitsPerEntry)} units an entry, ${grants.cpuMicrosPerUnit.toFixed(2)} µs of CPU a unit`,
    );
    const page = await measurePages(store, redis.connection);
    say(
      `a page of ${rowsPerPage} of ${count(volunteers)} volunteers: ${page.pageRedisMs.toFixed(3)} ms ` +
        `of Redis; somebody's rank: ${page.rankRedisMs.toFixed(3)} ms`,
    );
    return { ...grants, volunteers, ...page };
  } finally {
    await store.close();
    await redis.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function measureGrants(store: Store, pids: readonly number[]) {
  await store.grid.open({ gridId: 'bench', partitions: 1, createdAt: Date.now() });
  const units = records * hostsPerRecord * unitsPerGrant;
  const digest = `sha256:${'0'.repeat(64)}`;
  const job = {
    jobId: id('j'),
    owner: id('a'),
    document: jobDocumentSchema.parse({
      name: 'x',
      kernel: digest,
      units: { range: { count: units } },
    }),
    kernel: { digest, meteredDigest: digest, meteredBytes: 1, meterVersion: 1 },
    units,
    unitsPerShard: units,
    submittedAt: Date.now(),
  };
  await store.jobs.submit(job, true);
  const shard = splitShard(job, 0);
  await store.openShard(job, shard);
  const holders = Array.from({ length: hosts }, () => ({ accountId: id('a'), hostId: id('h') }));
  for (let record = 0; record < records; record++) {
    const pay = Array.from({ length: hostsPerRecord }, (_, i): Payment => {
      const nth = record * hostsPerRecord + i;
      const { accountId, hostId } = holders[nth % hosts] ?? { accountId: '', hostId: '' };
      const from = nth * unitsPerGrant;
      return { kind: 'grant', accountId, hostId, micro: 12_345, units: [[from, unitsPerGrant]] };
    });
    const counts = { closes: false, canonical: 0, failed: 0, fuel: 0, creditMicro: 0 };
    const append = { shard, expectedLength: record, bytes: Buffer.from('x'), ...counts, pay };
    await store.append(0, [append], Date.now());
  }
  const jobs = { facts: async () => job };
  const [cpu, startedAt] = [await cpuMicros(pids), performance.now()];
  await award({ store, jobs, now: Date.now, log: pino({ level: 'silent' }) }, 0);
  const seconds = (performance.now() - startedAt) / 1000;
  const cpuMicrosPerUnit = ((await cpuMicros(pids)) - cpu) / units;
  const { number } = await store.ledger.head();
  return {
    unitsPerSecond: Math.round(units / seconds),
    grantsPerSecond: Math.round((records * hostsPerRecord) / seconds),
    unitsPerEntry: Math.round(units / number),
    cpuMicrosPerUnit,
  };
}

async function measurePages(store: Store, connection: RedisAddress) {
  const redis = makeClient(connection, { maxRetriesPerRequest: 0 });
  const ids = Array.from({ length: volunteers }, () => id('a'));
  for (let from = 0; from < volunteers; from += perCommand) {
    const some = ids.slice(from, from + perCommand);
    const micros = some.map((_, i) => (from + i) * 7919);
    const weighed = some.flatMap((one, i) => [micros[i] ?? 0, one]);
    const fields = some.flatMap((one, i) => [one, micros[i] ?? 0]);
    await redis.zadd(keys.total('volunteer'), ...weighed);
    await redis.zadd(keys.recent('volunteer'), ...weighed);
    await redis.hset(keys.earned('volunteer'), ...fields);
    await redis.hset(keys.unitsPaid('volunteer'), ...fields);
  }
  const page = await redisMs(redis, async (nth) => {
    const rows = await store.ledger.standings('volunteer', 'total', nth * rowsPerPage, rowsPerPage);
    await store.accounts.names(rows.map((row) => row.id));
  });
  const rank = await redisMs(redis, async (nth) => {
    await store.ledger.rank('volunteer', 'recent', ids[nth * 4999] ?? '');
  });
  redis.disconnect();
  return { pageRedisMs: page, rankRedisMs: rank };
}

/** Milliseconds that Redis spent on one run, of `pages` runs, as it counts them itself. */
async function redisMs(redis: RedisClient, run: (nth: number) => Promise<void>): Promise<number> {
  await redis.config('RESETSTAT');
  for (let nth = 0; nth < pages; nth++) await run(nth);
  const stats = await redis.info('commandstats');
  const lines = stats.split('\n').filter((line) => !/cmdstat_(config|info)/.test(line));
  const micros = lines.reduce((sum, line) => sum + Number(/usec=(\d+)/.exec(line)?.[1] ?? 0), 0);
  return micros / 1000 / pages;
}

const id = (letter: 'j' | 'a' | 'h'): string => idFromBytes(letter, randomBytes(10));
const count = (value: number): string => Math.round(value).toLocaleString('en');

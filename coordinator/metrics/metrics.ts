/**
 * What a coordinator tells whoever watches it, as Prometheus reads it. Two kinds of figure:
 *
 *   looked up   what is counted or held anyway (figures.ts), copied here when somebody asks
 *   timed       commits and HTTP requests: one observation for each, whatever it carries
 *
 * So a unit costs nothing here. While Redis is away there is no answer, and that is the alarm.
 */
import { statfs } from 'node:fs/promises';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Metrics } from '../api/metrics-routes.ts';
import type { RedisLevels } from '../store/redis-levels.ts';
import type { AppendWatch } from '../store/redis-store.ts';
import { figures, type UploadRoom, type Watched } from './figures.ts';

const prefix = 'manyhands_';
/** A commit is an fsync: 0.5 ms on a good disk, 76 ms at worst when measured; beyond seconds it is stuck. */
const commitSeconds = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];
/** From a page out of memory to an artifact of a gigabyte. */
const requestSeconds = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30];

export type MetricsParts = Watched & {
  levels: RedisLevels;
  partitions: number;
  dataDir: string;
  lookForRoom(): Promise<UploadRoom>;
};

/** Times appends from the moment the store is there, which is before there is anything to look at. */
export function appendTimes(): { registry: Registry; appended: AppendWatch } {
  const registry = new Registry();
  const registers = [registry];
  const commits = new Histogram({
    name: `${prefix}commit_seconds`,
    help: 'A group commit, from its sending to the answer that it is on disk',
    buckets: commitSeconds,
    registers,
  });
  const counter = (name: string, help: string) =>
    new Counter({ name: `${prefix}${name}`, help, registers });
  const accepted = counter('units_accepted_total', 'Units with a canonical result');
  const failed = counter('units_failed_total', 'Units that failed for good');
  const fuel = counter('fuel_total', 'Fuel of canonical results');
  const again = counter('appends_stale_total', 'Appends that another one was ahead of');
  return {
    registry,
    appended(appends, replies, tookMs) {
      commits.observe(tookMs / 1000);
      for (const [i, append] of appends.entries()) {
        const { kind } = replies[i] ?? { kind: 'closed' };
        if (kind === 'stale') again.inc();
        if (kind !== 'written') continue;
        accepted.inc(append.canonical);
        failed.inc(append.failed);
        fuel.inc(append.fuel);
      }
    },
  };
}

export function openMetrics(registry: Registry, parts: MetricsParts): Metrics {
  // Processor time, memory, garbage collection, and how late the event loop is.
  collectDefaultMetrics({ register: registry, prefix });
  const registers = [registry];
  const requests = new Histogram({
    name: `${prefix}http_request_seconds`,
    help: 'An HTTP request, by route',
    labelNames: ['method', 'route', 'status'],
    buckets: requestSeconds,
    registers,
  });
  const instruments = figures.map(({ kind, name, help, labels, read }) => {
    const options = { name: prefix + name, help, labelNames: [...labels], registers };
    return { read, to: kind === 'gauge' ? new Gauge(options) : new Counter(options) };
  });
  return {
    contentType: registry.contentType,
    answered({ method, route, status, seconds }) {
      requests.observe({ method, route, status: `${Math.floor(status / 100)}xx` }, seconds);
    },
    async read() {
      const now = { ...parts, ...(await lookUp(parts)) };
      for (const { read, to } of instruments) {
        to.reset();
        for (const [labels, value] of read(now)) to.inc(labels, value);
      }
      return registry.metrics();
    },
  };
}

async function lookUp({ levels, partitions: count, dataDir, lookForRoom }: MetricsParts) {
  const [partitions, redis, { bavail, bsize }, uploadRoom] = await Promise.all([
    Promise.all(Array.from({ length: count }, (_, partition) => levels.partition(partition))),
    levels.redisState(),
    statfs(dataDir),
    lookForRoom(),
  ]);
  return { partitions, redis, dataFreeBytes: bavail * bsize, uploadRoom };
}

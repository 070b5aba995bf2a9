/**
 * Many volunteers on one coordinator: what each connection costs in memory, what all of them cost when
 * they are only connected, and how long a want waits for its lease while they work. Each asks for
 * one unit, answers it at once, and asks again some seconds later, as if it had computed.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { cpuMicros } from './cpu.ts';
import { Load } from './load.ts';
import { rssBytes } from './memory.ts';
import { startServer, stopServer } from './server.ts';

const hosts = 10_000;
/** Sockets of one process; the kernel often allows it no more than 1,024 to 20,000 files. */
const hostsPerProcess = 5000;
/** A thousand leases a second, of all of them together. */
const pauseMs = 10_000;
/** Longer than the coordinator's pings are apart, so that each host is pinged in it. */
const measureMs = 25_000;

type Measured = {
  hosts: number;
  connectSeconds: number;
  /** While they only are connected and pinged. */
  rssBytesPerHost: number;
  /** When they have worked. */
  rssBytesPerHostAtWork: number;
  cpuShare: number;
  leases: number;
  /** From a want to its lease. */
  leaseMsP50: number;
  leaseMsP99: number;
  leaseMsMax: number;
};

export async function manyHosts(say: (line: string) => void): Promise<Measured> {
  const dataDir = await mkdtemp(join(tmpdir(), 'manyhands-bench-'));
  const server = await startServer(dataDir);
  const loads: Load[] = [];
  try {
    await server.submit({ name: 'endless', units: { range: { count: 1_000_000_000 } } });
    await warmUp(server.url);
    const [rssBefore, startedAt] = [await rssBytes(server.pid), performance.now()];
    for (let left = hosts; left > 0; left -= hostsPerProcess) {
      const count = Math.min(left, hostsPerProcess);
      const order = { url: server.url, count, leaseUnits: 1, leasesInFlight: 1, pauseMs };
      loads.push(new Load({ ...order, isAtRest: true }));
    }
    while ((await sum(loads, (load) => load.welcome())) < hosts) await wait(200);
    const connectSeconds = (performance.now() - startedAt) / 1000;
    const rssOfEach = async () => ((await rssBytes(server.pid)) - rssBefore) / hosts;
    await wait(measureMs);
    const rssBytesPerHost = await rssOfEach();
    for (const load of loads) load.begin();
    await wait(2 * pauseMs);
    await Promise.all(loads.map((load) => load.roundTrips()));
    const pids = [server.pid, server.redisPid];
    const [cpu, at] = [await cpuMicros(pids), performance.now()];
    await wait(measureMs);
    const cpuShare = ((await cpuMicros(pids)) - cpu) / 1000 / (performance.now() - at);
    const rssBytesPerHostAtWork = await rssOfEach();
    const taken = (await Promise.all(loads.map((load) => load.roundTrips()))).flat();
    taken.sort((a, b) => a - b);
    const [leaseMsP50, leaseMsP99, leaseMsMax] = [0.5, 0.99, 1].map((part) =>
      quantile(taken, part),
    ) as Triple;
    say(`${hosts.toLocaleString('en')} hosts welcomed in ${connectSeconds.toFixed(1)} s`);
    say(
      `${kib(rssBytesPerHost)} of the coordinator's RSS each while they are connected and pinged, ${kib(rssBytesPerHostAtWork)} when they have worked`,
    );
    say(
      `${taken.length} leases in ${measureMs / 1000} s, at ${(100 * cpuShare).toFixed(0)} % of a core: want to lease ${leaseMsP50.toFixed(1)} ms in the median, ${leaseMsP99.toFixed(1)} in 99 of 100, ${leaseMsMax.toFixed(1)} at most`,
    );
    return {
      hosts,
      connectSeconds,
      rssBytesPerHost,
      rssBytesPerHostAtWork,
      cpuShare,
      leases: taken.length,
      leaseMsP50,
      leaseMsP99,
      leaseMsMax,
    };
  } finally {
    await Promise.all(loads.map((load) => load.stop()));
    await stopServer(server);
    await rm(dataDir, { recursive: true, force: true });
  }
}

const kib = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KiB`;

type Triple = [number, number, number];

/** So that what every process takes for its first work is not counted as the hosts'. */
async function warmUp(url: string): Promise<void> {
  const load = new Load({ url, count: 32, leaseUnits: 8, leasesInFlight: 16, pauseMs: 0 });
  await wait(3000);
  await load.stop();
  await wait(1000);
}

async function sum(loads: readonly Load[], ask: (load: Load) => Promise<number>): Promise<number> {
  const each = await Promise.all(loads.map(ask));
  return each.reduce((total, one) => total + one, 0);
}

const quantile = (sorted: readonly number[], part: number): number =>
  sorted[Math.min(Math.floor(part * sorted.length), sorted.length - 1)] ?? 0;

/**
 * What a unit costs with two coordinators on one Redis and one folder, against one: CPU time of coordinators and Redis
 * together. The same volunteers each time, all at the one, or half of them at each of the two; one and two in turns,
 * because the machine may be busier in one minute than in the next.
 */
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { startServer as startRedis } from '../coordinator/redis/embed.ts';
import { stopServersOn } from '../coordinator/redis/orphan.ts';
import { provideRedis } from '../coordinator/redis/provide.ts';
import { cpuMicros } from './cpu.ts';
import { Load } from './load.ts';
import { type BenchServer, startServer, stopServer } from './server.ts';
import type { Rate } from './unit-rate.ts';

const leaseSizes = [1, 8, 32];
const turns = 2;
const volunteers = 32;
const leasesInFlight = 16;
/** As in unit-rate.ts. */
const warmUpMs = 4000;
const measureMs = 5000;

type Case = { leaseUnits: number; one: Rate; two: Rate; ratioCpu: number };

export async function several(say: (line: string) => void): Promise<{ cases: Case[] }> {
  const cases: Case[] = [];
  for (const leaseUnits of leaseSizes) {
    const [ones, twos]: [Rate[], Rate[]] = [[], []];
    for (let turn = 0; turn < turns; turn++) {
      ones.push(await measure(1, leaseUnits));
      twos.push(await measure(2, leaseUnits));
    }
    const [one, two] = [mean(ones), mean(twos)];
    const ratioCpu = two.cpuMicrosPerUnit / one.cpuMicrosPerUnit;
    cases.push({ leaseUnits, one, two, ratioCpu });
    say(`leases of ${leaseUnits}`);
    say(`  one coordinator   ${rate(one)}`);
    say(`  two coordinators  ${rate(two)}, CPU ratio ${ratioCpu.toFixed(2)}`);
  }
  return { cases };
}

async function measure(coordinators: number, leaseUnits: number): Promise<Rate> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'manyhands-bench-')));
  const connection = { path: join(folder, 'redis.sock') };
  const { signal } = new AbortController();
  const server = await provideRedis(() => undefined);
  const redisPid = await startRedis({ server, folder, connection, log: () => undefined, signal });
  const servers: BenchServer[] = [];
  const loads: Load[] = [];
  try {
    const shared = { redisUrl: `unix://${connection.path}`, sharedDir: join(folder, 'shared') };
    for (let i = 0; i < coordinators; i++)
      servers.push(await startServer(join(folder, `coordinator-${i}`), shared));
    await servers[0]?.submit({ name: 'endless', units: { range: { count: 1_000_000_000 } } });
    const count = volunteers / coordinators;
    for (const { url } of servers)
      loads.push(new Load({ url, count, leaseUnits, leasesInFlight, pauseMs: 0 }));
    await wait(warmUpMs);
    const pids = [redisPid, ...servers.map(({ pid }) => pid)];
    const [units, cpu, at] = [await recorded(loads), await cpuMicros(pids), performance.now()];
    await wait(measureMs);
    const done = (await recorded(loads)) - units;
    const seconds = (performance.now() - at) / 1000;
    return {
      unitsPerSecond: done / seconds,
      cpuMicrosPerUnit: ((await cpuMicros(pids)) - cpu) / done,
    };
  } finally {
    await Promise.all(loads.map((load) => load.stop()));
    await Promise.all(servers.map(stopServer));
    await stopServersOn(folder);
    await rm(folder, { recursive: true, force: true });
  }
}

async function recorded(loads: readonly Load[]): Promise<number> {
  const each = await Promise.all(loads.map((load) => load.recorded()));
  return each.reduce((sum, one) => sum + one, 0);
}

const mean = (rates: readonly Rate[]): Rate => ({
  unitsPerSecond: rates.reduce((sum, one) => sum + one.unitsPerSecond, 0) / rates.length,
  cpuMicrosPerUnit: rates.reduce((sum, one) => sum + one.cpuMicrosPerUnit, 0) / rates.length,
});

const rate = ({ unitsPerSecond, cpuMicrosPerUnit }: Rate): string =>
  `${Math.round(unitsPerSecond).toLocaleString('en')} units/s at ${cpuMicrosPerUnit.toFixed(1)} µs of CPU`;

/**
 * What a unit costs by how many wait: jobs from ten thousand units to a billion, one after the other on one
 * coordinator, in turns. A job is stored as its rule and split as its units are needed, so it should make no
 * difference; of each the same few thousand units are measured, from the first to some before its end.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { cpuMicros } from './cpu.ts';
import { Load } from './load.ts';
import { type BenchServer, startServer, stopServer } from './server.ts';

const sizes = [4, 5, 6, 7, 8, 9].map((digits) => 10 ** digits);
/** Each costs a quarter of a second of CPU, counted in ticks of 10 ms: ten rounds tell two hundredths apart. */
const rounds = 10;
const skippedUnits = 1000;
const measuredUnits = 7000;
/** Until then V8 compiles what runs most (bench/throughput.ts). */
const warmUpMs = 6000;
const lookEveryMs = 5;
/** Leases of one: what is not the unit's own would be hidden by what leases of many share. */
const shape = { count: 32, leaseUnits: 1, leasesInFlight: 16, pauseMs: 0 };

type Case = { units: number; cpuMicrosPerUnit: number; ratio: number };

export async function backlog(say: (line: string) => void): Promise<{ cases: Case[] }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'manyhands-bench-'));
  const server = await startServer(dataDir);
  const load = new Load({ url: server.url, ...shape });
  try {
    const warming = await submit(server, 10 ** 9);
    await wait(warmUpMs);
    await cancel(server, warming);
    const costs = new Map(sizes.map((units): [number, number[]] => [units, []]));
    for (let round = 0; round < rounds; round++) {
      for (const [units, known] of costs) known.push(await measure(server, load, units));
    }
    const [least = 0] = sizes;
    const base = median(costs.get(least) ?? []);
    const cases = sizes.map((units) => {
      const cpuMicrosPerUnit = median(costs.get(units) ?? []);
      return { units, cpuMicrosPerUnit, ratio: cpuMicrosPerUnit / base };
    });
    for (const { units, cpuMicrosPerUnit, ratio } of cases) {
      const name = units.toLocaleString('en').padStart(13);
      say(`${name} units: ${cpuMicrosPerUnit.toFixed(1)} µs of CPU each, ${ratio.toFixed(2)}x`);
    }
    return { cases };
  } finally {
    await load.stop();
    await stopServer(server);
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** Microseconds of coordinator and Redis for a unit of a job of so many. */
async function measure(server: BenchServer, load: Load, units: number): Promise<number> {
  const pids = [server.pid, server.redisPid];
  const before = await load.recorded();
  const jobId = await submit(server, units);
  const from = await untilRecorded(load, before + skippedUnits);
  const cpu = await cpuMicros(pids);
  const to = await untilRecorded(load, from + measuredUnits);
  const used = (await cpuMicros(pids)) - cpu;
  await cancel(server, jobId);
  return used / (to - from);
}

async function untilRecorded(load: Load, units: number): Promise<number> {
  for (;;) {
    const recorded = await load.recorded();
    if (recorded >= units) return recorded;
    await wait(lookEveryMs);
  }
}

const submit = (server: BenchServer, count: number): Promise<string> =>
  server.submit({ name: `${count} units`, units: { range: { count } } });

/** One that is over by now is as good. */
async function cancel({ url, tokenFile }: BenchServer, jobId: string): Promise<void> {
  const token = (await readFile(tokenFile, 'utf8')).trim();
  const headers = { authorization: `Bearer ${token}` };
  const reply = await fetch(`${url}/v1/jobs/${jobId}/cancel`, { method: 'POST', headers });
  if (!reply.ok && reply.status !== 409) throw new Error(`cancel: ${await reply.text()}`);
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

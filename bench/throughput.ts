/**
 * Units recorded per second, and what a unit costs, against BullMQ's ordinary Worker with one entry
 * per unit on the same kind of Redis in the same run.
 *
 * Ours: a coordinator in a process of its own over an embedded Redis (appendfsync always), 32
 * volunteers over real WebSockets who echo, with 16 leases of 1, 8 or 32 units out at once, group
 * commit, ledger and all; and once more with all of them hosts of one account, of which nothing is checked, so that it
 * can be seen what checks cost: one unit in twenty is computed again. BullMQ: Queue.addBulk and a Worker with concurrency 50 that keeps each result
 * as the entry's return value, in a process of its own, over a Redis set up the same. Both have run for some
 * seconds before they are measured. Wall rates swing with whatever else the machine does; the figure to
 * compare is CPU time per unit, of server and Redis together.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { cpuMicros } from './cpu.ts';
import { Load } from './load.ts';
import { startServer, stopServer } from './server.ts';

const leaseSizes = [1, 8, 32];
const volunteers = 32;
const leasesInFlight = 16;
/** Until then V8 compiles what runs most: in its fourth second a unit costs a quarter less than in the first. */
const warmUpMs = 4000;
const measureMs = 5000;
const bullmqUnits = 20_000;

type Rate = { unitsPerSecond: number; cpuMicrosPerUnit: number };
type Case = {
  leaseUnits: number;
  unitsPerSecond: number;
  cpuMicrosPerUnit: number;
  uncheckedUnitsPerSecond: number;
  uncheckedCpuMicrosPerUnit: number;
  bullmqUnitsPerSecond: number;
  bullmqCpuMicrosPerUnit: number;
  ratioCpu: number;
  uncheckedRatioCpu: number;
};

export async function throughput(say: (line: string) => void): Promise<{ cases: Case[] }> {
  const cases: Case[] = [];
  for (const leaseUnits of leaseSizes) {
    const bullmq = await measureBullmq();
    const ours = await measureOurs({ leaseUnits, isOneAccount: false });
    const unchecked = await measureOurs({ leaseUnits, isOneAccount: true });
    const ratioCpu = bullmq.cpuMicrosPerUnit / ours.cpuMicrosPerUnit;
    const uncheckedRatioCpu = bullmq.cpuMicrosPerUnit / unchecked.cpuMicrosPerUnit;
    cases.push({
      leaseUnits,
      ...ours,
      uncheckedUnitsPerSecond: unchecked.unitsPerSecond,
      uncheckedCpuMicrosPerUnit: unchecked.cpuMicrosPerUnit,
      bullmqUnitsPerSecond: bullmq.unitsPerSecond,
      bullmqCpuMicrosPerUnit: bullmq.cpuMicrosPerUnit,
      ratioCpu,
      uncheckedRatioCpu,
    });
    say(`leases of ${leaseUnits}`);
    say(`  BullMQ            ${rate(bullmq)}`);
    say(`  ours              ${rate(ours)}, CPU ratio ${ratioCpu.toFixed(1)}`);
    say(`  … nothing checked ${rate(unchecked)}, CPU ratio ${uncheckedRatioCpu.toFixed(1)}`);
  }
  return { cases };
}

async function measureOurs(how: { leaseUnits: number; isOneAccount: boolean }): Promise<Rate> {
  const dataDir = await mkdtemp(join(tmpdir(), 'manyhands-bench-'));
  const server = await startServer(dataDir);
  await server.submit({ name: 'endless', units: { range: { count: 1_000_000_000 } } });
  const { url } = server;
  const load = new Load({ url, count: volunteers, ...how, leasesInFlight, pauseMs: 0 });
  try {
    await wait(warmUpMs);
    const pids = [server.pid, server.redisPid];
    const [units, cpu, at] = [await load.recorded(), await cpuMicros(pids), performance.now()];
    await wait(measureMs);
    const done = (await load.recorded()) - units;
    const seconds = (performance.now() - at) / 1000;
    return {
      unitsPerSecond: done / seconds,
      cpuMicrosPerUnit: ((await cpuMicros(pids)) - cpu) / done,
    };
  } finally {
    await load.stop();
    await stopServer(server);
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function measureBullmq(): Promise<Rate> {
  const dataDir = await mkdtemp(join(tmpdir(), 'manyhands-bench-'));
  const peer = fork(new URL('./bullmq-process.js', import.meta.url), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  try {
    peer.send({ dataDir, units: bullmqUnits });
    const [measured] = (await once(peer, 'message')) as [Rate];
    return measured;
  } finally {
    const ended = once(peer, 'exit');
    peer.send('stop');
    await ended;
    await rm(dataDir, { recursive: true, force: true });
  }
}

const rate = ({ unitsPerSecond, cpuMicrosPerUnit }: Rate): string =>
  `${Math.round(unitsPerSecond).toLocaleString('en')} units/s at ${cpuMicrosPerUnit.toFixed(1)} µs of CPU`;

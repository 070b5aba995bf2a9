/**
 * Units recorded per second, and what a unit costs, against BullMQ's ordinary Worker with one entry
 * per unit on the same kind of Redis in the same run.
 *
 * Ours: a coordinator in a process of its own over an embedded Redis (appendfsync always), 32
 * volunteers over real WebSockets who echo, with 16 leases of 1, 8 or 32 units out at once, group
 * commit, ledger and all. BullMQ: Queue.addBulk and a Worker with concurrency 50 that keeps each result
 * as the entry's return value, in a process of its own, over a Redis set up the same. Wall rates swing with whatever else the machine does; the figure
 * to compare is CPU time per unit, of server and Redis together.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { cpuMicros } from './cpu.ts';
import { startServer, stopServer } from './server.ts';
import type { VolunteersOrder } from './volunteers-process.ts';

const leaseSizes = [1, 8, 32];
const volunteers = 32;
const warmUpMs = 1500;
const measureMs = 5000;
const bullmqUnits = 20_000;

type Rate = { unitsPerSecond: number; cpuMicrosPerUnit: number };
type Case = {
  leaseUnits: number;
  unitsPerSecond: number;
  cpuMicrosPerUnit: number;
  bullmqUnitsPerSecond: number;
  bullmqCpuMicrosPerUnit: number;
  ratioCpu: number;
};

export async function throughput(say: (line: string) => void): Promise<{ cases: Case[] }> {
  const cases: Case[] = [];
  for (const leaseUnits of leaseSizes) {
    const bullmq = await measureBullmq();
    const ours = await measureOurs(leaseUnits);
    const ratioCpu = bullmq.cpuMicrosPerUnit / ours.cpuMicrosPerUnit;
    cases.push({
      leaseUnits,
      ...ours,
      bullmqUnitsPerSecond: bullmq.unitsPerSecond,
      bullmqCpuMicrosPerUnit: bullmq.cpuMicrosPerUnit,
      ratioCpu,
    });
    say(
      `leases of ${String(leaseUnits).padStart(2)}: ${rate(ours)}   BullMQ: ${rate(bullmq)}   CPU ratio ${ratioCpu.toFixed(1)}`,
    );
  }
  return { cases };
}

async function measureOurs(leaseUnits: number): Promise<Rate> {
  const dataDir = await mkdtemp(join(tmpdir(), 'manyhands-bench-'));
  const server = await startServer(dataDir);
  const load = start('./volunteers-process.js');
  try {
    await server.submit({ name: 'endless', units: { range: { count: 1_000_000_000 } } });
    load.send({ url: server.url, count: volunteers, leaseUnits } satisfies VolunteersOrder);
    await wait(warmUpMs);
    const pids = [server.pid, server.redisPid];
    const [units, cpu, at] = [await ask(load), await cpuMicros(pids), performance.now()];
    await wait(measureMs);
    const done = (await ask(load)) - units;
    const seconds = (performance.now() - at) / 1000;
    return {
      unitsPerSecond: done / seconds,
      cpuMicrosPerUnit: ((await cpuMicros(pids)) - cpu) / done,
    };
  } finally {
    await stop(load);
    await stopServer(server);
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function measureBullmq(): Promise<Rate> {
  const dataDir = await mkdtemp(join(tmpdir(), 'manyhands-bench-'));
  const peer = start('./bullmq-process.js');
  try {
    peer.send({ dataDir, units: bullmqUnits });
    const [measured] = (await once(peer, 'message')) as [Rate];
    return measured;
  } finally {
    await stop(peer);
    await rm(dataDir, { recursive: true, force: true });
  }
}

const start = (file: string): ChildProcess =>
  fork(new URL(file, import.meta.url), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });

async function ask(load: ChildProcess): Promise<number> {
  load.send('count');
  const [count] = (await once(load, 'message')) as [number];
  return count;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  if (child.connected) child.send('stop');
  await ended;
}

const rate = ({ unitsPerSecond, cpuMicrosPerUnit }: Rate): string =>
  `${Math.round(unitsPerSecond).toLocaleString('en')} units/s at ${cpuMicrosPerUnit.toFixed(1)} µs of CPU`;

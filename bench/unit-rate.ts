/**
 * What a unit costs, of ours and of BullMQ's Worker: for some seconds, once both have run for some. Wall rates swing
 * with whatever else the machine does; the figure to compare is CPU time per unit, of server and Redis together.
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

const volunteers = 32;
const leasesInFlight = 16;
/** Until then V8 compiles what runs most: in its fourth second a unit costs a quarter less than in the first. */
const warmUpMs = 4000;
const measureMs = 5000;
const bullmqUnits = 20_000;

export type Rate = { unitsPerSecond: number; cpuMicrosPerUnit: number };

/** 32 volunteers who echo, each with 16 leases out at once; of one account, nothing is checked. */
export async function measureOurs(how: {
  leaseUnits: number;
  isOneAccount: boolean;
}): Promise<Rate> {
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

/** In a process of its own, as ours is. */
export async function measureBullmq(): Promise<Rate> {
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

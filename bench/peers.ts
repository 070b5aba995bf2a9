/**
 * What a unit costs elsewhere: BullMQ's Worker, Celery and dask.distributed with one task a unit, and ours with leases of
 * 1 and of 32, one after the other in one run. Who has a journal has it on a Redis with appendfsync always. What is counted
 * as CPU is told in each program's header: queue and bookkeeping, and not whoever only computes, where
 * that can be told apart. Celery and Dask are the system's (Debian's packages); those that are not installed are left out.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../cli/package-root.ts';
import { openRedis } from '../coordinator/redis/open.ts';
import { measureBullmq, measureOurs, type Rate } from './unit-rate.ts';

/** The slowest of them takes a quarter of a minute, on a machine that does nothing else. */
const units = 5000;
const roundMsMax = 600_000;

type Peer = Rate & { version: string };

export async function peers(say: (line: string) => void): Promise<{ peers: Peer[] }> {
  const measured: Peer[] = [];
  const measure = async (name: string, run: () => Promise<Peer | null>) => {
    const peer = await run();
    if (peer === null) {
      say(`${name}: not installed (apt install python3-celery python3-redis python3-distributed)`);
      return;
    }
    measured.push(peer);
    const { version, unitsPerSecond, cpuMicrosPerUnit } = peer;
    const rate = Math.round(unitsPerSecond).toLocaleString('en');
    say(
      `${version.padEnd(28)} ${rate.padStart(8)} units/s at ${cpuMicrosPerUnit.toFixed(1)} µs of CPU`,
    );
  };
  await measure('dask.distributed', () => python('dask_peer.py', [`${units}`]));
  await measure('Celery', measureCelery);
  await measure('BullMQ', async () => ({ version: 'BullMQ', ...(await measureBullmq()) }));
  for (const leaseUnits of [1, 32]) {
    await measure('ours', async () => {
      const rate = await measureOurs({ leaseUnits, isOneAccount: false });
      return { version: `Manyhands, leases of ${leaseUnits}`, ...rate };
    });
  }
  return { peers: measured };
}

async function measureCelery(): Promise<Peer | null> {
  const dataDir = await mkdtemp(join(tmpdir(), 'manyhands-bench-'));
  const redis = await openRedis({ dataDir });
  try {
    const { connection, pid } = redis;
    if (!('path' in connection)) throw new Error('the embedded Redis listens on a socket');
    return await python('celery_peer.py', [connection.path, `${pid}`, `${units}`]);
  } finally {
    await redis.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** Null where Python has not what the program imports. */
async function python(program: string, args: readonly string[]): Promise<Peer | null> {
  const path = join(packageRoot, 'bench/python', program);
  try {
    const { stdout } = await promisify(execFile)('/usr/bin/python3', [path, ...args], {
      timeout: roundMsMax,
    });
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Peer;
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: string };
    if (code === 'ENOENT' || stderr?.includes('ModuleNotFoundError')) return null;
    throw error;
  }
}

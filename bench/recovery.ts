/**
 * From `kill -9` of a coordinator to full speed: it is started again at once on the same data folder and
 * port, as a service manager does, and its volunteers come back with the delays of a worker. Once with
 * its Redis left alive, which is taken over, and once with both killed, so that the journal is replayed.
 *
 * Full speed is nine tenths of the median of the seconds before. Afterwards every result that was
 * acknowledged is looked for, and the ledger replayed, which finds what was paid twice.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once, setMaxListeners } from 'node:events';
import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { commandPath } from '../cli/package-root.ts';
import { serversOn, stopServersOn } from '../coordinator/redis/orphan.ts';
import type { UnitRuns } from '../protocol/messages.ts';
import { backoffMs } from '../worker/backoff.ts';
import { type EchoVolunteer, newHoldings, openEchoVolunteer } from './echo-volunteer.ts';
import { emptyKernel } from './empty-kernel.ts';

const volunteers = 16;
/** Some ten thousand units a second: far from what a machine can do, so that its speed is the load's. */
const load = { leaseUnits: 8, leasesInFlight: 4, pauseMs: 40 };
const lookEveryMs = 250;
/** Until then hosts get few units each, because nothing is known of them. */
const warmUpMs = 6000;
const beforeMs = 4000;
/** A coordinator that needs longer has not recovered. */
const recoveryMsMax = 60_000;
const fullShare = 0.9;

type Case = { killed: string; takeoverSeconds: number; readySeconds: number };
type Measured = {
  takeoverSeconds: number;
  cases: Case[];
  acknowledged: number;
  lost: number;
  paidTwice: number;
};

export async function recovery(say: (line: string) => void): Promise<Measured> {
  const cases: Case[] = [];
  let [acknowledged, lost, paidTwice] = [0, 0, 0];
  for (const killsRedis of [false, true]) {
    const measured = await measure(killsRedis);
    cases.push(measured);
    acknowledged += measured.acknowledged;
    lost += measured.lost;
    paidTwice += measured.paidTwice;
    const { killed, readySeconds, takeoverSeconds } = measured;
    say(
      `${killed}: listening after ${readySeconds.toFixed(1)} s, full speed after ${takeoverSeconds.toFixed(1)} s; ` +
        `${measured.acknowledged.toLocaleString('en')} acknowledged, ${measured.lost} lost, ${measured.paidTwice} paid twice`,
    );
  }
  const takeoverSeconds = Math.max(...cases.map((one) => one.takeoverSeconds));
  return {
    takeoverSeconds,
    cases: cases.map(({ killed, takeoverSeconds, readySeconds }) => ({
      killed,
      takeoverSeconds,
      readySeconds,
    })),
    acknowledged,
    lost,
    paidTwice,
  };
}

async function measure(killsRedis: boolean) {
  const dataDir = await realpath(await mkdtemp(join(tmpdir(), 'manyhands-bench-')));
  let coordinator = await start(dataDir, '0');
  const { url } = coordinator;
  const jobId = await submit(url, dataDir);
  const crowd = new Crowd(url);
  try {
    await wait(warmUpMs);
    const full = fullShare * (await medianRate(crowd));
    const killedAt = performance.now();
    coordinator.child.kill('SIGKILL');
    if (killsRedis) {
      for (const pid of await serversOn(join(dataDir, 'redis'))) process.kill(pid, 'SIGKILL');
    }
    const starting = start(dataDir, new URL(url).port);
    const ready = starting.then(() => (performance.now() - killedAt) / 1000);
    const takeoverSeconds = await untilRate(crowd, full, killedAt);
    coordinator = await starting;
    await crowd.leave();
    return {
      killed: killsRedis ? 'coordinator and Redis' : 'coordinator',
      takeoverSeconds,
      readySeconds: await ready,
      acknowledged: crowd.recorded,
      lost: crowd.recorded - (await found(url, dataDir, jobId, crowd.acknowledged)),
      paidTwice: await paidTwice(url, dataDir),
    };
  } finally {
    await crowd.leave();
    await stop(coordinator.child);
    await stopServersOn(join(dataDir, 'redis'));
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** Volunteers who come back when they are cut off, each with a worker's delays. */
class Crowd {
  /** Units that were told to be accepted. */
  readonly acknowledged: UnitRuns = [];
  recorded = 0;
  private readonly left = new AbortController();
  private readonly all: Promise<void>[];

  constructor(url: string) {
    setMaxListeners(2 * volunteers, this.left.signal);
    this.all = Array.from({ length: volunteers }, (_, i) => this.stay(url, `echo-${i}`));
  }

  async leave(): Promise<void> {
    this.left.abort();
    await Promise.all(this.all);
  }

  private async stay(url: string, name: string): Promise<void> {
    const { signal } = this.left;
    const holdings = newHoldings();
    let attempt = 0;
    while (!signal.aborted) {
      const session: EchoVolunteer = openEchoVolunteer(
        url,
        name,
        {
          ...load,
          onRecorded: ({ units }, verdicts) => {
            if (verdicts.some(([verdict]) => verdict !== 'accepted')) return;
            this.acknowledged.push(...units);
            for (const [, count] of units) this.recorded += count;
          },
        },
        holdings,
      );
      const leave = () => session.close();
      signal.addEventListener('abort', leave);
      await session.ended;
      signal.removeEventListener('abort', leave);
      attempt = session.isWelcome ? 0 : attempt + 1;
      await wait(backoffMs(attempt, Math.random()), undefined, { signal }).catch(() => {
        // It leaves for good.
      });
    }
  }
}

async function medianRate(crowd: Crowd): Promise<number> {
  const rates: number[] = [];
  for (let ms = 0; ms < beforeMs; ms += lookEveryMs) rates.push(await rateOf(crowd));
  return rates.sort((a, b) => a - b)[rates.length >> 1] ?? 0;
}

/** Seconds from the kill to the beginning of the first look at which it is so fast again. */
async function untilRate(crowd: Crowd, full: number, killedAt: number): Promise<number> {
  let wasSlow = false;
  while (performance.now() < killedAt + recoveryMsMax) {
    const seconds = (performance.now() - killedAt) / 1000;
    const isFull = (await rateOf(crowd)) >= full;
    if (isFull && wasSlow) return seconds;
    // What was answered just before the kill is counted in the first look.
    wasSlow ||= !isFull;
  }
  throw new Error(`the coordinator was not back at full speed in ${recoveryMsMax / 1000} s`);
}

async function rateOf(crowd: Crowd): Promise<number> {
  const [before, at] = [crowd.recorded, performance.now()];
  await wait(lookEveryMs);
  return (1000 * (crowd.recorded - before)) / (performance.now() - at);
}

async function start(dataDir: string, port: string) {
  const args = [commandPath, 'coordinator', '--port', port, '--data', dataDir];
  const child = spawn(process.execPath, [...args, '--log-level', 'error'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('ready ')) return { child, url: line.slice('ready '.length) };
  }
  throw new Error('the coordinator did not start');
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}

const tokenFileIn = (dataDir: string): string => join(dataDir, 'operator.token');

async function submit(url: string, dataDir: string): Promise<string> {
  const token = (await readFile(tokenFileIn(dataDir), 'utf8')).trim();
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const { digest, wasm } = emptyKernel();
  const put = { method: 'PUT', headers: { authorization: headers.authorization }, body: wasm };
  await fetch(`${url}/v1/artifacts/${digest}`, put);
  const units = { range: { count: 1_000_000_000 } };
  const body = JSON.stringify({ name: 'endless', kernel: digest, units });
  const reply = await fetch(`${url}/v1/jobs`, { method: 'POST', headers, body });
  if (!reply.ok) throw new Error(`the bench's job was refused: ${await reply.text()}`);
  return ((await reply.json()) as { jobId: string }).jobId;
}

/** How many of these units have a result, as a scientist reads them. */
async function found(
  url: string,
  dataDir: string,
  jobId: string,
  units: UnitRuns,
): Promise<number> {
  const args = [commandPath, 'results', jobId, '--url', url, '--token-file', tokenFileIn(dataDir)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const there = new Set<number>();
  for await (const line of createInterface({ input: child.stdout })) {
    there.add((JSON.parse(line) as { unit: number }).unit);
  }
  let count = 0;
  for (const [from, length] of units) {
    for (let unit = from; unit < from + length; unit++) if (there.has(unit)) count++;
  }
  return count;
}

/** Zero when the replay of the ledger finds nothing wrong; it stops at the first thing that is. */
async function paidTwice(url: string, dataDir: string): Promise<number> {
  const args = ['ledger', 'verify', '--url', url, '--token-file', tokenFileIn(dataDir)];
  try {
    await promisify(execFile)(process.execPath, [commandPath, ...args]);
    return 0;
  } catch (error) {
    if (/a second grant/.test((error as { stderr?: string }).stderr ?? '')) return 1;
    throw error;
  }
}

/**
 * From `kill -9` of a coordinator to full speed, and what was lost by it. Two are alone, and started again at once on the
 * same data folder and port, as a service manager does: once with the Redis left alive, which is taken over, and once
 * with both killed, so that the journal is replayed. One is of two on one Redis, the one that is steward, and stays
 * away: its volunteers go to the other.
 *
 * Afterwards every result that was acknowledged is looked for, and the ledger replayed, which finds what was paid twice.
 */
import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { startServer as startRedis } from '../coordinator/redis/embed.ts';
import { serversOn, stopServersOn } from '../coordinator/redis/orphan.ts';
import { provideRedis } from '../coordinator/redis/provide.ts';
import {
  type CommandServer,
  startCommand,
  stopCommand,
  submitEndless,
} from './coordinator-command.ts';
import { Crowd } from './crowd.ts';
import { foundUnits, paidTwice } from './lost.ts';

/** Until then hosts get few units each, because nothing is known of them. */
const warmUpMs = 6000;

/**
 * `wholeSeconds`: until all is decided that was in its window, which takes two seconds when nothing is killed. `readySeconds` is
 * null where another coordinator was there all the time.
 */
type Case = {
  killed: string;
  takeoverSeconds: number;
  wholeSeconds: number;
  readySeconds: number | null;
};
type Lost = { acknowledged: number; lost: number; paidTwice: number };
type Measured = Lost & { takeoverSeconds: number; cases: Case[] };

export async function recovery(say: (line: string) => void): Promise<Measured> {
  const cases: Case[] = [];
  const total: Lost = { acknowledged: 0, lost: 0, paidTwice: 0 };
  for (const kill of [killAlone, killAloneAndRedis, killOneOfTwo]) {
    const { acknowledged, lost, paidTwice, ...measured } = await inFolder(kill);
    cases.push(measured);
    total.acknowledged += acknowledged;
    total.lost += lost;
    total.paidTwice += paidTwice;
    const { killed, readySeconds, takeoverSeconds, wholeSeconds } = measured;
    const ready = readySeconds === null ? '' : `listening after ${readySeconds.toFixed(1)} s, `;
    say(
      `${killed}: ${ready}full speed after ${takeoverSeconds.toFixed(1)} s, ` +
        `its window done after ${wholeSeconds.toFixed(1)} s; ` +
        `${acknowledged.toLocaleString('en')} acknowledged, ${lost} lost, ${paidTwice} paid twice`,
    );
  }
  const takeoverSeconds = Math.max(...cases.map((one) => one.takeoverSeconds));
  return { takeoverSeconds, cases, ...total };
}

async function inFolder(kill: (folder: string) => Promise<Case & Lost>): Promise<Case & Lost> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'manyhands-bench-')));
  try {
    return await kill(folder);
  } finally {
    await stopServersOn(join(folder, 'redis'));
    await rm(folder, { recursive: true, force: true });
  }
}

const killAloneAndRedis = (folder: string) => killAlone(folder, true);

async function killAlone(folder: string, killsRedis = false): Promise<Case & Lost> {
  let server = await startCommand(folder, '0');
  const { url } = server;
  const crowd = new Crowd([url]);
  try {
    const { jobId, full } = await atWork(server, crowd);
    const killedAt = performance.now();
    server.child.kill('SIGKILL');
    if (killsRedis) {
      for (const pid of await serversOn(join(folder, 'redis'))) process.kill(pid, 'SIGKILL');
    }
    const starting = startCommand(folder, new URL(url).port);
    const ready = starting.then(() => (performance.now() - killedAt) / 1000);
    const whole = crowd.secondsUntilWhole(killedAt);
    const takeoverSeconds = await crowd.secondsUntil(full, killedAt);
    const wholeSeconds = await whole;
    server = await starting;
    return {
      killed: killsRedis ? 'coordinator and Redis' : 'coordinator',
      takeoverSeconds,
      wholeSeconds,
      readySeconds: await ready,
      ...(await lostBy(server, crowd, jobId)),
    };
  } finally {
    await crowd.leave();
    await stopCommand(server);
  }
}

async function killOneOfTwo(folder: string): Promise<Case & Lost> {
  const socket = await redisIn(join(folder, 'redis'));
  const args = ['--redis', `unix://${socket}`, '--shared-folder', join(folder, 'shared')];
  const start = (name: string) => startCommand(join(folder, name), '0', args);
  const [steward, other] = [await start('first'), await start('second')];
  const crowd = new Crowd([steward.url, other.url]);
  try {
    const { jobId, full } = await atWork(steward, crowd);
    const killedAt = performance.now();
    steward.child.kill('SIGKILL');
    const whole = crowd.secondsUntilWhole(killedAt);
    return {
      killed: 'one of two coordinators',
      takeoverSeconds: await crowd.secondsUntil(full, killedAt),
      wholeSeconds: await whole,
      readySeconds: null,
      ...(await lostBy(other, crowd, jobId)),
    };
  } finally {
    await crowd.leave();
    await Promise.all([steward, other].map(stopCommand));
  }
}

async function atWork(server: CommandServer, crowd: Crowd) {
  const jobId = await submitEndless(server);
  await wait(warmUpMs);
  return { jobId, full: await crowd.fullRate() };
}

async function lostBy(server: CommandServer, crowd: Crowd, jobId: string): Promise<Lost> {
  await crowd.leave();
  return {
    acknowledged: crowd.recorded,
    lost: crowd.recorded - (await foundUnits(server, jobId, crowd.acknowledged)),
    paidTwice: await paidTwice(server),
  };
}

/** Returns the path of its socket. */
async function redisIn(folder: string): Promise<string> {
  await mkdir(folder);
  const connection = { path: join(folder, 'redis.sock') };
  const server = await provideRedis(() => undefined);
  const { signal } = new AbortController();
  await startRedis({ server, folder, connection, log: () => undefined, signal });
  return connection.path;
}

/**
 * A coordinator killed with SIGKILL at every step from the first result of a job to the last of its credit: once
 * before the step reaches Redis, once when Redis has done it and nobody has heard. In the job a volunteer lies in
 * each unit, so that steps of award and steps of revoke are taken; and another one comes too late. Whenever it is started again it goes on, and in
 * the end everybody has what is theirs, once.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { emptyKernel } from '../../bench/empty-kernel.ts';
import type { Submitted } from '../../protocol/http.ts';
import type { LedgerEnd } from '../../protocol/ledger.ts';
import type { HostResult, Lease } from '../../protocol/messages.ts';
import { encodeOutput } from '../../protocol/output.ts';
import type { FreshToken } from '../../protocol/tokens.ts';
import { type DeadlySocket, type Moment, openDeadlySocket } from '../support/deadly-socket.ts';
import { paidUnits } from '../support/paid-units.ts';
import { type PrivateRedis, startPrivateRedis } from '../support/private-redis.ts';
import { json } from '../support/real-grid.ts';
import {
  aSuccess,
  joinVolunteer,
  type Keys,
  newKeys,
  sha256,
  unitsOf,
  type Volunteer,
} from '../support/volunteer.ts';
import { GridProcesses } from './processes.ts';

/** Each a lie, and each checked. */
const units = 10;
/** A unit that burned 10^9 is worth a thousand microcredit, and costs its scientist 2 % more. */
const unitMicro = 1000n;
const allowanceMicro = 1_000_000_000n;
const dayMs = 86_400_000;
/** The hold of an account that has made few results is a month after the end of the day. */
const holdMs = 31 * dayMs;
/** What later.mjs lets pass: longer than a lease that nobody renews. */
const minuteMs = 60_000;
/** Late results are paid when they are final, and then held as any pay is. */
const roundMs = minuteMs + 2 * holdMs;

/** What a script is run on, or '' of whatever is no script. */
const keysOf = ([command = '', , count = '0', ...rest]: readonly string[]): string[] =>
  command.toLowerCase().startsWith('eval') ? rest.slice(0, Number(count)) : [];

type Step = (keys: readonly string[], words: readonly string[]) => boolean;
const posts =
  (kind: string, grant = ''): Step =>
  (keys, words) =>
    keys[0] === '{ledger}:head' &&
    words.some((word) => word.includes(`"kind":"${kind}","prev"`) && word.includes(grant));
const writesTrust =
  (...tables: string[]): Step =>
  ([version, ...keys]) =>
    version === '{trust}:version' && tables.every((name, i) => keys[i]?.startsWith(name));

/** Every step that writes, and how it looks to Redis. */
const steps: Record<string, Step> = {
  allow: posts('allow'),
  split: (keys) => keys.length === 2 && keys[1] === '{g0}:open',
  record: (keys, words) =>
    keys[1] === '{g0}:outbox' && words.some((word) => word.includes('"grant"')),
  award: posts('award', '"grant"'),
  'note late': ([late = '']) => late.startsWith('{g0}:late:'),
  draw: (keys) => keys[0] === '{trust}:version' && keys.includes('{trust}:watermarks'),
  'open a check': (keys) => keys.length === 4 && (keys[2] ?? '').startsWith('{g0}:journal:'),
  hear: (keys) => keys[0] === '{trust}:version' && keys.indexOf('{trust}:amendments') > 1,
  sweep: writesTrust('{trust}:sweeps'),
  amend: (keys) => (keys[0] ?? '').startsWith('{g0}:amendments:'),
  'forget the amendment': writesTrust('{trust}:amendments'),
  revoke: posts('award', '"revoke"'),
  close: (keys) => keys.length === 2 && keys[1] === '{g0}:jobs-open',
  'forget the tallies': writesTrust('{trust}:tallies '),
  refund: posts('refund'),
  'move the hold': (keys) => keys[1] === '{g0}:jobs-held',
  'let journals go': (keys) =>
    keys[1] === '{g0}:open' && (keys[2] ?? '').startsWith('{g0}:archived:'),
  'begin a term': (keys) => keys.length === 1 && keys[0] === '{ledger}:archive',
  archive: (keys) => keys[0] === '{ledger}:archive' && keys.length > 1,
  'settle late': ([, late = ''], words) =>
    late.startsWith('{g0}:late:') && words.some((word) => word.includes('"grant"')),
  finalise: posts('final'),
  'let the job go': (keys) =>
    keys[1] === '{g0}:jobs-kept' && (keys[2] ?? '').startsWith('{g0}:archived:'),
  unlist: (_, [command = '', key]) => command.toLowerCase() === 'zrem' && key === '{g0}:jobs',
};
/** Those that come when the holds are over, and those of a removal. */
const stepsAfterTheHold = ['settle late', 'finalise', 'let the job go', 'unlist'];

/** Some thirty coordinators start and die here, one after the other. */
vi.setConfig({ testTimeout: 240_000 });

let redis: PrivateRedis;
let grid: GridProcesses;
let socket: DeadlySocket;
beforeEach(async () => {
  redis = await startPrivateRedis();
  grid = new GridProcesses();
});
afterEach(async () => {
  await grid.dispose();
  await socket.close();
  await redis.stop();
});

test('[W2] [C1] [C2] [C3] [T2] kill -9 at any step of award and revoke loses nothing and does nothing twice', async () => {
  const anchor = newKeys();
  const accountIds: string[] = [];
  const lateIds: string[] = [];
  for (const [round, moment] of (['before', 'after'] as const).entries()) {
    const { jobId, owner, liarId, lateId, anchorId, remove } = await story(
      moment,
      round * roundMs,
      anchor,
    );
    expect((await grid.results(jobId)).every(isRight)).toBe(true);
    accountIds.push(owner);
    lateIds.push(lateId);

    const verified = await grid.run('ledger', 'verify', '--token-file', grid.tokenPath);
    expect(verified).toMatchObject({ code: 0, stderr: '' });
    const done = BigInt(units * (round + 1));
    const late = BigInt(lateIds.length);
    expect(await paidUnits(grid)).toEqual({ units: Number(done), grants: Number(done + late) });
    const paid = unitMicro * BigInt(units + 1);
    const left = allowanceMicro - (paid * 102n) / 100n;
    expect(await balances()).toEqual({
      mint: `${-allowanceMicro * BigInt(round + 1)}`,
      fee: `${(unitMicro * (done + late) * 2n) / 100n}`,
      [`volunteer:${anchorId}:available`]: `${unitMicro * done}`,
      ...Object.fromEntries(lateIds.map((id) => [`volunteer:${id}:available`, `${unitMicro}`])),
      ...Object.fromEntries(accountIds.map((id) => [`scientist:${id}`, `${left}`])),
    });
    const rows = (await (await grid.fetch('/v1/leaderboard')).json()) as {
      standings: { accountId: string; creditMicro: string }[];
    };
    expect(new Set(rows.standings.map(({ accountId }) => accountId))).toEqual(
      new Set([anchorId, ...lateIds]),
    );
    expect(liarId).not.toBe(anchorId);

    await remove();
    await expect(grid.fetch(`/v1/jobs/${jobId}`)).rejects.toThrow('job_unknown');
    expect(await grid.run('ledger', 'verify', '--token-file', grid.tokenPath)).toEqual(verified);
    await grid.killCoordinator('SIGTERM');
    await socket.close();
  }
});

/** A job from its first unit until its credit is final, with a coordinator that dies at each step. */
async function story(moment: Moment, aheadMs: number, anchorKeys: Keys) {
  let ahead = aheadMs;
  const left = new Set(Object.keys(steps));
  // One death at a time: until it is up again nothing is asked, and what dies is asked no more.
  let rising: Promise<void> = Promise.resolve();
  const start = () =>
    grid.startCoordinator({
      args: ['--redis', socket.url],
      env: {
        NODE_OPTIONS: `--import ${new URL('later.mjs', import.meta.url).href}`,
        AHEAD_MS: String(ahead),
      },
    });
  socket = await openDeadlySocket(
    redis.connection.path,
    moment,
    (words) => {
      const keys = keysOf(words);
      const name = [...left].find((one) => steps[one]?.(keys, words));
      if (name !== undefined) left.delete(name);
      return name !== undefined;
    },
    () => {
      rising = grid.killCoordinator('SIGKILL').then(start);
    },
  );
  await start();

  const token = await persist<FreshToken>('/v1/tokens', json({ scopes: ['submit'] }));
  const { wasm, digest } = emptyKernel();
  await grid.put(digest, wasm);
  const document = {
    name: 'all of it lies at first',
    kernel: digest,
    units: { range: { count: units } },
    trust: 'A2',
  };
  const { method, body, headers } = json(document);
  const { jobId } = await persist<Submitted>('/v1/jobs', {
    ...{ method: method ?? '', body: body ?? '' },
    headers: {
      ...(headers as Record<string, string>),
      authorization: `Bearer ${token.token}`,
      'idempotency-key': randomUUID(),
    },
  });
  const late = await leaseAndLeave();
  await rising;
  ahead += minuteMs;
  grid.signalCoordinator('SIGUSR2');
  const life = new AbortController();
  const liar = lasting(newKeys(), lie, life.signal);
  const anchor = lasting(anchorKeys, aSuccess, life.signal);
  const anchorHost = await anchor.joined;
  await persist(`/v1/hosts/${anchorHost.hostId}/vouch`, json({}));
  liar.asks(units);
  await liar.asked;
  const lateId = await late.reportAtLast();
  anchor.asks(Number.POSITIVE_INFINITY);

  await grid.until(jobId, ({ state }) => state === 'complete');
  const anchorId = anchorHost.welcome?.accountId ?? '';
  await until(async () => [...left].every((name) => stepsAfterTheHold.includes(name)));
  await rising;
  ahead += holdMs;
  await grid.killCoordinator('SIGTERM');
  await start();
  await until(async () => !left.has('finalise') && !left.has('settle late'));
  await rising;
  await until(async () => (await balances())[`volunteer:${lateId}:pending`] !== undefined);
  ahead += holdMs;
  await grid.killCoordinator('SIGTERM');
  await start();
  const isSettled = (account: string) => !/^escrow:|:pending$/.test(account);
  await until(async () => Object.keys(await balances()).every(isSettled));
  life.abort();
  const liarId = (await liar.joined).welcome?.accountId ?? '';
  /** Asked for until it is done: whoever was not answered asks again. */
  const remove = async () => {
    const isRemoved = async () =>
      (await grid.fetch(`/v1/jobs/${jobId}/remove`, json({})).catch(() => null))?.ok === true;
    await until(isRemoved);
    expect([...left]).toEqual([]);
    await rising;
  };
  return { jobId, owner: token.accountId, liarId, lateId, anchorId, remove };
}

/** A volunteer that takes a unit and is not heard of again before others have done it. */
async function leaseAndLeave(): Promise<{ reportAtLast(): Promise<string> }> {
  const keys = newKeys();
  const ask = async <T>(question: (host: Volunteer) => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        const host = await joinVolunteer(grid.url, { keys });
        const answer = await question(host);
        host.cut();
        return answer;
      } catch {
        // The coordinator has died, or is not up yet.
        await wait(20);
      }
    }
  };
  const [lease] = await ask((host) => host.want(1));
  if (lease === undefined) throw new Error('nothing was granted');
  return {
    async reportAtLast() {
      const { verdicts, accountId } = await ask(async (host) => ({
        verdicts: await host.report(
          lease.token,
          unitsOf(lease).map((unit) => aSuccess(unit)),
        ),
        accountId: host.welcome?.accountId ?? '',
      }));
      expect(verdicts).toEqual(['not_needed']);
      return accountId;
    },
  };
}

/** A volunteer that connects again whenever it is cut off, and reports again what it had no answer to. */
function lasting(keys: Keys, computes: (unit: number) => HostResult, signal: AbortSignal) {
  let allowed = 0;
  let allow: () => void = () => undefined;
  const mayAsk = new Promise<void>((resolve) => {
    allow = resolve;
  });
  let [join, finish] = [(_: Volunteer) => {}, () => {}];
  const joined = new Promise<Volunteer>((resolve) => {
    join = resolve;
  });
  const asked = new Promise<void>((resolve) => {
    finish = resolve;
  });
  let held: Lease[] = [];
  let connected: Volunteer | null = null;
  signal.addEventListener('abort', () => connected?.cut());
  const live = async (host: Volunteer) => {
    for (;;) {
      for (const lease of held) {
        const verdicts = await host.report(lease.token, unitsOf(lease).map(computes));
        expect(verdicts).not.toHaveProperty('refused');
        allowed -= unitsOf(lease).length;
        held = held.filter((other) => other !== lease);
      }
      if (allowed <= 0) finish();
      if (allowed <= 0) return void (await host.ended);
      held = await host.want(Math.min(allowed, 16));
    }
  };
  const run = async () => {
    while (!signal.aborted) {
      try {
        const leases = held.map(({ token, units: runs }) => ({ token, units: runs }));
        const host = await joinVolunteer(grid.url, { keys, hello: { leases } });
        connected = host;
        join(host);
        await Promise.race([mayAsk, host.ended]);
        await live(host);
      } catch {
        // The coordinator has died, or is not up yet.
        await wait(20);
      }
    }
  };
  void run();
  return {
    joined,
    /** All that it may ask for is recorded. */
    asked,
    asks(count: number) {
      allowed = count;
      allow();
    },
  };
}

const wrongOutput = encodeOutput({ stdout: Buffer.from('made up'), files: {} });
const lie = (unit: number): HostResult =>
  aSuccess(unit, { output: wrongOutput, digest: sha256(wrongOutput) });
const isRight = ({ unit, output }: { unit: number; output: unknown }): boolean => output === unit;

/** Asks until there is an answer. */
async function persist<T>(path: string, init: RequestInit = {}): Promise<T> {
  for (;;) {
    try {
      return (await (await grid.fetch(path, init)).json()) as T;
    } catch {
      await wait(20);
    }
  }
}

async function balances(): Promise<Record<string, string>> {
  for (;;) {
    try {
      const text = await (await grid.fetch('/v1/ledger')).text();
      return (JSON.parse(text.trimEnd().split('\n').at(-1) ?? '') as LedgerEnd).end.balances;
    } catch {
      // It died while it answered.
      await wait(20);
    }
  }
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await wait(50);
}

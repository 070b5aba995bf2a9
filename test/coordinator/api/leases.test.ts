import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { HostResult, Lease } from '../../../protocol/messages.ts';
import { type RealGrid, startRealGrid } from '../../support/real-grid.ts';
import {
  aSuccess,
  joinVolunteer,
  newKeys,
  unitsOf,
  type Volunteer,
} from '../../support/volunteer.ts';

let grid: RealGrid;
let otherGrid: RealGrid;
beforeAll(async () => {
  [grid, otherGrid] = await Promise.all([startRealGrid(), startRealGrid()]);
});
afterAll(async () => {
  await Promise.all([grid.stop(), otherGrid.stop()]);
});
afterEach(() => grid.cancelAll());

async function oneLease(host: Volunteer, units = 1): Promise<Lease> {
  const [lease] = await host.want(units);
  if (lease === undefined) throw new Error('a lease message without a lease');
  return lease;
}
const successes = (lease: Lease): HostResult[] => unitsOf(lease).map((unit) => aSuccess(unit));

describe('a token that is not this host’s lease is refused, and nothing is recorded', () => {
  test.each<[string, (token: string) => string]>([
    ['cut at the end', (token) => token.slice(0, -1)],
    ['cut in the middle', (token) => token.slice(0, token.length / 2)],
    ['without its seal', (token) => token.slice(0, token.lastIndexOf('.'))],
    ['with an empty seal', (token) => `${token.slice(0, token.lastIndexOf('.'))}.`],
    ['with something behind it', (token) => `${token}.x`],
    ['with a key nobody has', (token) => token.replace(/^[^.]*/, 'ffffffff')],
    ['with a key named like an object’s own', (token) => token.replace(/^[^.]*/, '__proto__')],
    ['with other facts under the old seal', (token) => withOtherBody(token)],
    ['with a seal of zeros', (token) => token.replace(/[^.]*$/, 'A'.repeat(22))],
    ['made of dots', () => '..'],
    ['that is a word', () => 'please'],
  ])('%s', async (_what, forge) => {
    const jobId = await grid.submit(1);
    const host = await joinVolunteer(grid.url);
    const lease = await oneLease(host);
    const answer = await host.report(forge(lease.token), successes(lease));
    expect(answer).toEqual({ refused: 'lease_invalid' });
    host.release(forge(lease.token), lease.units);
    expect(await host.next('notice')).toMatchObject({ code: 'lease_invalid', about: null });
    expect((await grid.show(jobId)).canonical).toBe(0);
    // The session goes on, and so does the lease.
    expect(await host.finish([lease])).toEqual(['accepted']);
  });

  function withOtherBody(token: string): string {
    const [key, body = '', seal] = token.split('.');
    const facts = Buffer.from(body, 'base64url');
    facts[facts.length - 1] = (facts.at(-1) ?? 0) ^ 1;
    return `${key}.${facts.toString('base64url')}.${seal}`;
  }

  test('of another host', async () => {
    const jobId = await grid.submit(1);
    const [holder, thief] = [await joinVolunteer(grid.url), await joinVolunteer(grid.url)];
    const lease = await oneLease(holder);
    expect(await thief.report(lease.token, successes(lease))).toEqual({ refused: 'lease_invalid' });
    thief.release(lease.token, lease.units);
    await thief.next('notice');
    thief.ask(1);
    expect((await thief.next('noWork')).reason).toBe('nothing_left');
    expect((await grid.show(jobId)).running).toBe(1);
  });

  test('of another host of the same account', async () => {
    await grid.submit(1);
    const { account } = newKeys();
    const holder = await joinVolunteer(grid.url, { keys: newKeys(account) });
    const other = await joinVolunteer(grid.url, { keys: newKeys(account) });
    const lease = await oneLease(holder);
    expect(await other.report(lease.token, successes(lease))).toEqual({ refused: 'lease_invalid' });
  });

  test('of another grid', async () => {
    const keys = newKeys();
    await otherGrid.submit(1);
    const there = await joinVolunteer(otherGrid.url, { keys });
    const lease = await oneLease(there);
    const here = await joinVolunteer(grid.url, { keys });
    expect(here.hostId).toBe(there.hostId);
    expect(await here.report(lease.token, successes(lease))).toEqual({ refused: 'lease_invalid' });
  });

  test('an upload token is no lease, and a lease is no upload token', async () => {
    await grid.submit(1);
    const host = await joinVolunteer(grid.url);
    const lease = await oneLease(host);
    const answer = await host.report(host.welcome?.uploadToken ?? '', successes(lease));
    expect(answer).toEqual({ refused: 'lease_invalid' });
    const reply = await grid.fetch(`/v1/artifacts/sha256:${'0'.repeat(64)}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${lease.token}` },
      body: 'x',
    });
    expect(reply.status).toBe(401);
  });
});

test('a report with one unit that is not in its lease is refused whole', async () => {
  const jobId = await grid.submit(8);
  const host = await joinVolunteer(grid.url);
  const lease = await oneLease(host, 2);
  const mine = successes(lease);
  for (const unit of [7, 8, 10 ** 12]) {
    const answer = await host.report(lease.token, [...mine, aSuccess(unit)]);
    expect(answer).toEqual({ refused: 'lease_invalid' });
  }
  expect((await grid.show(jobId)).canonical).toBe(0);
});

test('leases of a rule too long to send carry the parameters of their units', async () => {
  const values = Array.from({ length: 2000 }, (_, i) => `value ${i}`);
  const jobId = await grid.submit(1, {
    units: { list: values },
    run: { args: ['{value}'] },
  });
  const host = await joinVolunteer(grid.url);
  const want = host.ask(20);
  const { leases, jobs } = await host.next('lease', (message) => message.want === want);
  expect(jobs).toMatchObject([{ jobId, units: null }]);
  for (const lease of leases) {
    expect(lease.params).toEqual(unitsOf(lease).map((unit) => ({ value: `value ${unit}` })));
  }
  await host.finish(leases);
  for (const { unit, params } of await grid.results(jobId)) {
    expect(params).toEqual({ value: `value ${unit}` });
  }
});

test('released units go to whoever waits, at once', async () => {
  await grid.submit(4);
  const [holder, waiting] = [await joinVolunteer(grid.url), await joinVolunteer(grid.url)];
  const leases = await holder.take(4);
  waiting.ask(2);
  expect((await waiting.next('noWork')).reason).toBe('nothing_left');
  const back = leases[0] ?? (await oneLease(holder));
  holder.release(back.token, back.units);
  const { leases: granted } = await waiting.next('lease');
  expect(unitsOf(back)).toEqual(expect.arrayContaining(granted.flatMap(unitsOf)));
});

test('units are released once, only those of the lease, and never those that are done', async () => {
  const jobId = await grid.submit(4);
  const host = await joinVolunteer(grid.url);
  const leases = await host.take(4);
  const lease = leases[0] ?? (await oneLease(host));
  await host.finish([lease]);
  host.release(lease.token, [[0, 256]]);
  host.release(lease.token, [[10 ** 11, 256]]);
  await host.settled();
  expect(await grid.show(jobId)).toMatchObject({ running: 4 - unitsOf(lease).length, waiting: 0 });
});

test('[W5] a result of a unit that was given back is used while the unit is undecided', async () => {
  const jobId = await grid.submit(1);
  const [slow, quick] = [await joinVolunteer(grid.url), await joinVolunteer(grid.url)];
  const first = await oneLease(slow);
  slow.release(first.token, first.units);
  const second = await oneLease(quick);
  expect(await slow.report(first.token, successes(first))).toEqual(['accepted']);
  expect(await quick.report(second.token, successes(second))).toEqual(['not_needed']);
  expect((await grid.show(jobId)).canonical).toBe(1);
});

test('progress names leases that do not stand, also another’s', async () => {
  await grid.submit(2);
  const [host, other] = [await joinVolunteer(grid.url), await joinVolunteer(grid.url)];
  const lease = await oneLease(host);
  host.send({ type: 'progress', leases: [lease.leaseId] });
  other.send({ type: 'progress', leases: [lease.leaseId, 'l0000000000000000'] });
  const told = [await other.next('cancel'), await other.next('cancel')];
  expect(told.map(({ leaseId }) => leaseId)).toEqual([lease.leaseId, 'l0000000000000000']);
  await host.settled();
  expect(host.received.some(({ type }) => type === 'cancel')).toBe(false);
});

describe('when the clock moves', () => {
  /** The coordinator's clocks are this process's; its timers go on as before. */
  const passMs = (ms: number) => void vi.advanceTimersByTime(ms);
  /** Somebody sets the time of day; no time passes. */
  const setBy = (ms: number) => vi.setSystemTime(Date.now() + ms);
  beforeEach(() => void vi.useFakeTimers({ toFake: ['Date', 'performance'] }));
  afterEach(() => void vi.useRealTimers());

  test('[W5] on by more than 30 s a lease ends: its units are another’s at once, and a late result is still used', async () => {
    await grid.submit(2);
    const [silent, waiting] = [await joinVolunteer(grid.url), await joinVolunteer(grid.url)];
    const leases = await silent.take(2);
    waiting.ask(1);
    await waiting.next('noWork', ({ reason }) => reason === 'nothing_left');
    passMs(31_000);
    const { leases: granted } = await waiting.next('lease');
    const [mine = -1] = granted.flatMap(unitsOf);
    const late = leases.find((lease) => unitsOf(lease).includes(mine));
    expect(await silent.report(late?.token ?? '', [aSuccess(mine)])).toEqual(['accepted']);
    expect(await waiting.finish(granted)).toEqual(['not_needed']);
    silent.send({ type: 'progress', leases: leases.map(({ leaseId }) => leaseId) });
    expect((await silent.next('cancel')).reason).toBe('lease_expired');
  });

  test('on, a lease that was renewed stands, and another does not', async () => {
    await grid.submit(2);
    const [alive, silent] = [await joinVolunteer(grid.url), await joinVolunteer(grid.url)];
    const [renewed] = await alive.take(1);
    const [lost] = await silent.take(1);
    passMs(20_000);
    alive.send({ type: 'progress', leases: [renewed?.leaseId] });
    await alive.settled();
    passMs(20_000);
    const [again] = await alive.want(1);
    expect(unitsOf(again ?? { units: [] })).toEqual(unitsOf(lost ?? { units: [] }));
    alive.send({ type: 'progress', leases: [renewed?.leaseId, lost?.leaseId] });
    expect((await alive.next('cancel')).leaseId).toBe(lost?.leaseId);
  });

  test('back by an hour, nothing waits for that hour', async () => {
    const host = await joinVolunteer(grid.url);
    host.ask(1);
    await host.next('noWork');
    setBy(-3_600_000);
    const jobId = await grid.submit(1);
    const { leases } = await host.next('lease');
    expect(await host.finish(leases)).toEqual(['accepted']);
    // Its decision is a second old: nobody is here who could check it.
    passMs(1000);
    expect((await grid.ended(jobId)).state).toBe('complete');
    await host.next('credited');
  });
});

describe.each([
  ['back', -3_600_000],
  ['on', 3_600_000],
])('when the clock is set %s by an hour', (_, byMs) => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['Date', 'performance'] }));
  afterEach(() => void vi.useRealTimers());

  test('[W5] leases end 30 s after they were last renewed, and not before', async () => {
    await grid.submit(2);
    const [alive, silent] = [await joinVolunteer(grid.url), await joinVolunteer(grid.url)];
    const [kept] = await alive.take(1);
    const [lost] = await silent.take(1);
    vi.setSystemTime(Date.now() + byMs);
    const jobs = (await (await grid.fetch('/v1/jobs')).json()) as { jobs: { running: number }[] };
    expect(jobs.jobs[0]?.running).toBe(2);
    vi.advanceTimersByTime(20_000);
    alive.send({ type: 'progress', leases: [kept?.leaseId] });
    await alive.settled();
    vi.advanceTimersByTime(20_000);
    const [again] = await alive.want(1);
    expect(unitsOf(again ?? { units: [] })).toEqual(unitsOf(lost ?? { units: [] }));
    expect(await alive.finish([kept, again].flatMap((lease) => lease ?? []))).toEqual([
      'accepted',
      'accepted',
    ]);
  });
});

describe('leases presented in a hello', () => {
  test('stand after a lost connection, and go on', async () => {
    const jobId = await grid.submit(2);
    const host = await joinVolunteer(grid.url);
    const leases = await host.take(2);
    host.cut();
    const back = await joinVolunteer(grid.url, {
      keys: host.keys,
      hello: { leases: leases.map(({ token, units }) => ({ token, units })) },
    });
    expect(back.welcome?.heldLeases).toEqual(leases.map(({ leaseId }) => leaseId));
    expect(new Set(await back.finish(leases))).toEqual(new Set(['accepted']));
    expect((await grid.ended(jobId)).state).toBe('complete');
  });

  test('give back at once what the host says it has lost', async () => {
    await grid.submit(8);
    const host = await joinVolunteer(grid.url);
    const [lease = await oneLease(host), ...others] = await host.take(8);
    host.cut();
    const [kept = -1, ...lost] = unitsOf(lease);
    const back = await joinVolunteer(grid.url, {
      keys: host.keys,
      hello: {
        leases: [
          { token: lease.token, units: [[kept, 1]] },
          ...others.map(({ token, units }) => ({ token, units })),
        ],
      },
    });
    const other = await joinVolunteer(grid.url);
    const granted = (await other.take(lost.length)).flatMap(unitsOf);
    expect(granted.sort((a, b) => a - b)).toEqual(lost);
    expect(await back.report(lease.token, [aSuccess(kept)])).toEqual(['accepted']);
  });

  test('that are forged, foreign or finished are not held, and end no session', async () => {
    await grid.submit(3);
    const [host, other] = [await joinVolunteer(grid.url), await joinVolunteer(grid.url)];
    const [mine, theirs] = [await oneLease(host), await oneLease(other)];
    await host.finish([mine]);
    host.cut();
    const back = await joinVolunteer(grid.url, {
      keys: host.keys,
      hello: {
        leases: [mine, theirs, { ...mine, token: 'forged' }].map(({ token, units }) => ({
          token,
          units,
        })),
      },
    });
    expect(back.welcome?.heldLeases).toEqual([]);
    expect(await other.finish([theirs])).toEqual(['accepted']);
  });

  test('that claim units beyond the lease get none of them', async () => {
    await grid.submit(8);
    const host = await joinVolunteer(grid.url);
    const lease = await oneLease(host, 1);
    const back = await joinVolunteer(grid.url, {
      keys: host.keys,
      hello: { leases: [{ token: lease.token, units: [[0, 8]] }] },
    });
    expect(back.welcome?.heldLeases).toEqual([lease.leaseId]);
    const other = await joinVolunteer(grid.url);
    expect((await other.take(7)).flatMap(unitsOf)).toHaveLength(7);
  });
});

describe('after a restart of the coordinator', () => {
  test('[V1] leases that are presented again stand, and their results count', async () => {
    const jobId = await grid.submit(4);
    const host = await joinVolunteer(grid.url);
    const leases = await host.take(4);
    await grid.restart();
    const back = await joinVolunteer(grid.url, {
      keys: host.keys,
      hello: { leases: leases.map(({ token, units }) => ({ token, units })) },
    });
    expect(back.welcome?.heldLeases.sort()).toEqual(leases.map(({ leaseId }) => leaseId).sort());
    expect(new Set(await back.finish(leases))).toEqual(new Set(['accepted']));
    expect((await grid.ended(jobId)).state).toBe('complete');
  });

  test('units that nobody held are granted at once', async () => {
    await grid.submit(4);
    const host = await joinVolunteer(grid.url);
    const lease = await oneLease(host, 2);
    const leased = unitsOf(lease);
    await grid.restart();
    const other = await joinVolunteer(grid.url);
    const granted = (await other.take(4 - leased.length)).flatMap(unitsOf);
    expect([...granted, ...leased].sort()).toEqual([0, 1, 2, 3]);
  });

  test('[W3] what was recorded before gets its first answer, and is not paid again', async () => {
    const jobId = await grid.submit(4);
    const host = await joinVolunteer(grid.url);
    const lease = await oneLease(host, 2);
    await host.finish([lease]);
    const { creditMicro } = await grid.show(jobId);
    await grid.restart();
    const back = await joinVolunteer(grid.url, { keys: host.keys });
    expect(new Set(await back.finish([lease]))).toEqual(new Set(['accepted']));
    expect((await grid.show(jobId)).creditMicro).toBe(creditMicro);
  });
});

test('[P2] a host that takes and gives back, and does nothing, gets nothing for a while', async () => {
  await grid.submit(10);
  const host = await joinVolunteer(grid.url);
  let leases = 0;
  for (; ; leases++) {
    const id = host.ask(1);
    const answer = await Promise.race([
      host.next('lease', ({ want }) => want === id),
      // One that is kept, because the window is not fed yet, is answered in a moment.
      host.next('noWork', ({ want, retryAfterMs }) => want === id && retryAfterMs !== null),
    ]);
    if (answer.type === 'noWork') {
      expect(answer.reason).toBe('backing_off');
      expect(answer.retryAfterMs).toBeGreaterThan(10_000);
      break;
    }
    for (const { token, units } of answer.leases) host.release(token, units);
  }
  expect(leases).toBe(128);
  // Others get what it has given back.
  expect(await (await joinVolunteer(grid.url)).want(1)).toHaveLength(1);
});

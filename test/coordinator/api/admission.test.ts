/** Who is let in when many come: from one network, or as one host. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { Admission, admissionLimits } from '../../../coordinator/api/admission.ts';
import type { ErrorBody } from '../../../protocol/errors.ts';
import { sessionPath, subprotocol } from '../../../protocol/version.ts';
import { type RealGrid, startRealGrid } from '../../support/real-grid.ts';
import { joinVolunteer, newKeys, openVolunteer } from '../../support/volunteer.ts';

let grid: RealGrid;
beforeAll(async () => {
  grid = await startRealGrid();
});
afterAll(() => grid.stop());

/** As a proxy on the coordinator's machine tells it. */
const crowd = '203.0.113.7';
const neighbour = '203.0.113.200';
const elsewhere = '198.51.100.7';

describe('connections of one network that have not said who they are', () => {
  it('[P4] are so many, and the next is told when to come again, while others are let in', async () => {
    const silent = [];
    for (let i = 0; i < 128; i++) silent.push(await openVolunteer(grid.url, { address: crowd }));
    const { status, retryAfter, body } = await refusedFrom(neighbour);
    expect({ status, retryAfter }).toEqual({ status: 503, retryAfter: '5' });
    expect(body.error).toMatchObject({ code: 'crowded', retry: true, retryAfterMs: 5000 });
    await joinVolunteer(grid.url, { address: elsewhere });
    await silent[0]?.greet();
    const next = await openVolunteer(grid.url, { address: neighbour });
    await refusedFrom(crowd);
    next.cut();
    silent[1]?.cut();
    await expect
      .poll(async () => (await joinVolunteer(grid.url, { address: crowd })).hostId)
      .toMatch(/^h/);
  });
});

describe('sessions of one host', () => {
  it('[P4] are four: beyond that the oldest ends', async () => {
    const keys = newKeys();
    const sessions = [];
    for (let i = 0; i < 4; i++) sessions.push(await joinVolunteer(grid.url, { keys }));
    const newest = await joinVolunteer(grid.url, { keys });
    await sessions[0]?.ended;
    for (const kept of [...sessions.slice(1), newest]) await kept.settled();
  });
});

describe('seats', () => {
  const few = { sessions: 4, sessionsPerNetwork: 2, strangers: 3, strangersPerNetwork: 2 };
  const limits = { ...few, newcomersPerNetwork: 3 };
  const enter = (admission: Admission, address: string) => {
    expect(admission.refusal(address)).toBeNull();
    return admission.enter(address);
  };

  it('[P4] of a network are limited, also for those who are known; those of others are not', () => {
    const admission = new Admission(limits);
    const [first, second] = [enter(admission, crowd), enter(admission, neighbour)];
    first.welcomed();
    second.welcomed();
    expect(admission.refusal(crowd)).toMatchObject({ code: 'crowded', retryAfterMs: 60_000 });
    enter(admission, elsewhere);
    first.left();
    enter(admission, crowd);
  });

  it('[P4] are limited in all, also where the network is not known', () => {
    const admission = new Admission(limits);
    const seats = ['127.0.0.1', '10.0.0.1', '127.0.0.1'].map((address) =>
      enter(admission, address),
    );
    expect(admission.refusal(elsewhere)).toMatchObject({ retryAfterMs: 5000 });
    for (const seat of seats) seat.welcomed();
    enter(admission, '127.0.0.1').welcomed();
    expect(admission.refusal(elsewhere)).toMatchObject({ retryAfterMs: 60_000 });
    for (const seat of seats) seat.left();
    expect(admission.refusal(elsewhere)).toBeNull();
  });
});

describe('newcomers', () => {
  it('[P2] of a network are so many in an hour, whatever keys they come with', () => {
    const [hourMs, near, far] = [3_600_000, '203.0.113.0/24', '198.51.100.0/24'];
    const admission = new Admission({ ...admissionLimits, newcomersPerNetwork: 3 });
    const takes = (network: string | null, now: number) => admission.takesNewcomer(network, now);
    expect([0, 1, 2, 3].map((now) => takes(near, now))).toEqual([true, true, true, false]);
    expect(takes(far, 3)).toBe(true);
    expect([4, 5, 6, 7].map((now) => takes(null, now))).not.toContain(false);
    expect(takes(near, hourMs / 3)).toBe(true);
    expect(takes(near, hourMs / 3)).toBe(false);
  });
});

/** Asks for a session, and is not let in. */
async function refusedFrom(address: string) {
  const socket = new WebSocket(`${grid.url.replace(/^http/, 'ws')}${sessionPath}`, subprotocol, {
    headers: { 'x-forwarded-for': address },
  });
  socket.on('error', () => undefined);
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  return {
    status: response.statusCode,
    retryAfter: response.headers['retry-after'],
    body: JSON.parse(text) as ErrorBody,
  };
}

import { generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { certificateBytes, sessionBytes } from '../../../protocol/identity.ts';
import { limits } from '../../../protocol/limits.ts';
import type { Hello } from '../../../protocol/messages.ts';
import { type RealGrid, startRealGrid } from '../../support/real-grid.ts';
import {
  aSuccess,
  joinVolunteer,
  newKeys,
  openVolunteer,
  Volunteer,
} from '../../support/volunteer.ts';

let grid: RealGrid;
beforeAll(async () => {
  grid = await startRealGrid();
});
afterAll(() => grid.stop());
afterEach(() => grid.cancelAll());

const stranger = generateKeyPairSync('ed25519');

describe('a hello that proves nothing ends the session with 4401', () => {
  test.each<[string, (hello: Hello, gridId: string, nonce: Uint8Array) => Partial<Hello>]>([
    ['signed by another key', (_, gridId, nonce) => ({ signature: signed(gridId, nonce) })],
    ['signed for another grid', (_, _g, nonce) => ({ signature: signed('other', nonce) })],
    ['with a flipped bit in the signature', (hello) => ({ signature: flipped(hello.signature) })],
    ['certified by another account', (hello) => ({ certificate: certified(hello.hostKey) })],
    ['with the certificate of another host', () => ({ certificate: certified(Buffer.alloc(32)) })],
    ['with a host key that is no key', () => ({ hostKey: new Uint8Array(32).fill(0xff) })],
    ['with the certificate as signature', (hello) => ({ signature: hello.certificate })],
  ])('%s', async (_what, forge) => {
    const host = await openVolunteer(grid.url);
    const hello = await host.hello();
    const { gridId, nonce } = await host.challenged;
    host.send({ ...hello, ...forge(hello, gridId, nonce) });
    expect(await host.ended).toEqual({ code: 4401, reason: 'signature_invalid' });
  });

  test('the hello of another session, overheard', async () => {
    const honest = await openVolunteer(grid.url);
    const hello = await honest.hello();
    await honest.greet();
    const thief = await openVolunteer(grid.url);
    thief.send(hello);
    expect((await thief.ended).code).toBe(4401);
  });

  const signed = (gridId: string, nonce: Uint8Array) =>
    sign(null, sessionBytes(gridId, nonce), stranger.privateKey);
  const certified = (hostKey: Uint8Array) =>
    sign(null, certificateBytes(hostKey), stranger.privateKey);
  const flipped = (bytes: Uint8Array) => Uint8Array.from(bytes, (b, i) => (i === 3 ? b ^ 1 : b));
});

test('a host key that has worked belongs to the account that certified it', async () => {
  const mine = newKeys();
  const first = await joinVolunteer(grid.url, { keys: mine });
  await grid.submit(1);
  await first.finish(await first.want(1));
  const taken = await openVolunteer(grid.url, { keys: { ...newKeys(), host: mine.host } });
  taken.send(await taken.hello());
  expect(await taken.ended).toEqual({ code: 4403, reason: 'forbidden' });
  expect((await joinVolunteer(grid.url, { keys: mine })).hostId).not.toBe('');
});

test('[P2] a host key that never reported anything is forgotten with its session', async () => {
  const idle = newKeys();
  const host = await joinVolunteer(grid.url, { keys: idle });
  const error = await host.report('no lease of ours', [aSuccess(0)]);
  expect(error).toEqual({ refused: 'lease_invalid' });
  const other = await joinVolunteer(grid.url, { keys: { ...newKeys(), host: idle.host } });
  expect(other.hostId).toBe(host.hostId);
  expect(other.welcome?.accountId).not.toBe(host.welcome?.accountId);
});

test('another version of the protocol is told to update, in the hello and in the subprotocol', async () => {
  const newer = await openVolunteer(grid.url);
  newer.send(await newer.hello({ protocol: 2 }));
  expect((await newer.ended).code).toBe(4426);
  for (const offered of [null, 'manyhands.2', 'chat']) {
    const host = new Volunteer(grid.url, { subprotocol: offered });
    expect((await host.ended).code).not.toBe(1000);
    expect(host.received).toEqual([]);
  }
});

test('a host without the subprotocol is closed with 4426', async () => {
  const host = new Volunteer(grid.url, { subprotocol: null });
  expect(await host.ended).toEqual({ code: 4426, reason: 'protocol_unknown' });
});

test.each<[string, (host: Volunteer) => Promise<unknown[]>]>([
  ['a want before hello', async () => [{ type: 'want', id: 1, units: 1 }]],
  ['a bye before hello', async () => [{ type: 'bye' }]],
  ['a second hello in the same frame', async (host) => [[await host.hello(), await host.hello()]]],
  ['a second hello behind the first', async (host) => [await host.hello(), await host.hello()]],
])('%s is out of order: 4409', async (_what, frames) => {
  const host = await openVolunteer(grid.url);
  for (const frame of await frames(host)) host.send(frame);
  expect(await host.ended).toEqual({ code: 4409, reason: 'out_of_order' });
});

test('a hello after the welcome is out of order: 4409', async () => {
  const host = await joinVolunteer(grid.url);
  host.send(await host.hello());
  expect((await host.ended).code).toBe(4409);
});

test('wants wait for work and are answered when it comes; more than may wait are out of order', async () => {
  const host = await joinVolunteer(grid.url);
  host.ask(1);
  expect(await host.next('noWork')).toMatchObject({ reason: 'no_jobs', retryAfterMs: null });
  await grid.submit(2);
  await host.next('lease');
  expect(await host.want(1)).toHaveLength(1);
  for (let i = 0; i <= limits.wantsWaitingMax; i++) host.ask(1);
  expect((await host.ended).code).toBe(4409);
});

test('one account may bring many hosts, and one host key many sessions', async () => {
  const { account } = newKeys();
  const keys = newKeys(account);
  const first = await joinVolunteer(grid.url, { keys });
  const again = await joinVolunteer(grid.url, { keys });
  const other = await joinVolunteer(grid.url, { keys: newKeys(account) });
  expect(again.hostId).toBe(first.hostId);
  expect(other.hostId).not.toBe(first.hostId);
  expect(other.welcome?.accountId).toBe(first.welcome?.accountId);
  first.send({ type: 'bye' });
  expect((await first.ended).code).toBe(1000);
  await again.settled();
});

describe('an upgrade that is no session', () => {
  /** What the coordinator answers to these lines, said over plain TCP. */
  async function ask(lines: string[]): Promise<string> {
    const socket = await dial();
    socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    let text = '';
    for await (const chunk of socket) text += chunk;
    return text;
  }
  async function dial(): Promise<Socket> {
    const { hostname, port } = new URL(grid.url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    return socket;
  }
  const upgrade = (path: string) => [
    `GET ${path} HTTP/1.1`,
    'host: x',
    'connection: upgrade',
    'upgrade: websocket',
    'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-version: 13',
  ];

  test.each(['//', '//:', '/v1/other', 'http://[', '/v1/session/../grid', '*'])(
    'at %s is refused, and the coordinator lives on',
    async (path) => {
      expect(await ask(upgrade(path))).toMatch(/^HTTP\/1.1 4\d\d /);
      expect((await grid.fetch('/healthz')).status).toBe(200);
    },
  );

  test('without a key is refused', async () => {
    const lines = upgrade('/v1/session').filter((line) => !line.includes('key'));
    expect(await ask(lines)).toMatch(/^HTTP\/1.1 400 /);
  });

  test('whose other side is gone before the answer harms nobody', async () => {
    for (let i = 0; i < 20; i++) {
      const socket = await dial();
      socket.write(`${upgrade(i % 2 === 0 ? '/nowhere' : '/v1/session').join('\r\n')}\r\n\r\n`);
      socket.resetAndDestroy();
    }
    await joinVolunteer(grid.url);
  });
});

/** Linking over HTTP: one code, one host, ten minutes, three wrong tries; and what the grid never sees. */
import { generateKeyPairSync, sign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { certificateBytes } from '../../../protocol/identity.ts';
import {
  linkOfferedSchema,
  linkOfferSchema,
  linkSchema,
  linkTicketSchema,
} from '../../../protocol/links.ts';
import { json, type RealGrid, refusal, startRealGrid } from '../../support/real-grid.ts';
import { joinVolunteer, newKeys } from '../../support/volunteer.ts';

let grid: RealGrid;
beforeAll(async () => {
  grid = await startRealGrid();
});
afterAll(() => grid.stop());

const raw = (keys = newKeys()) => ({
  keys,
  hostKey: keys.host.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32),
  accountKey: keys.account.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32),
});
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');
const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

const offer = async () => {
  const reply = await fetch(`${grid.url}/v1/links`, { method: 'POST' });
  expect(reply.status).toBe(201);
  return linkOfferedSchema.parse(await reply.json());
};
const redeem = (code: string, hostKey: Uint8Array) =>
  fetch(`${grid.url}/v1/links/ticket`, json({ code, hostKey: text(hostKey), hostName: 'laptop' }));
const redeemed = async (code: string, hostKey: Uint8Array) =>
  linkTicketSchema.parse(await (await redeem(code, hostKey)).json()).ticket;
const certify = (token: string, accountKey: Uint8Array, certificate: Uint8Array) =>
  fetch(`${grid.url}/v1/links/offer`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json', ...bearer(token).headers },
    body: JSON.stringify({ accountKey: text(accountKey), certificate: text(certificate) }),
  });
const fetched = async (token: string) =>
  linkSchema.parse(await (await fetch(`${grid.url}/v1/links/ticket`, bearer(token))).json());

test('a host with the certificate it was given is a host of that account', async () => {
  const first = raw();
  const other = raw();
  const { code, offer: token } = await offer();
  expect(code).toMatch(/^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$/);
  const waiting = await fetch(`${grid.url}/v1/links/offer`, bearer(token));
  expect(linkOfferSchema.parse(await waiting.json())).toEqual({ hostKey: null, hostName: null });

  const typed = code.toLowerCase().replace('-', ' ');
  const ticket = await redeemed(typed, other.hostKey);
  expect(await fetched(ticket)).toEqual({ accountKey: null, certificate: null });
  const asked = await fetch(`${grid.url}/v1/links/offer`, bearer(token));
  expect(linkOfferSchema.parse(await asked.json())).toEqual({
    hostKey: text(other.hostKey),
    hostName: 'laptop',
  });
  const bytes = certificateBytes(other.hostKey);
  const certificate = sign(null, bytes, first.keys.account.privateKey);
  expect((await certify(token, first.accountKey, certificate)).status).toBe(204);
  const given = await fetched(ticket);
  expect(given).toEqual({ accountKey: text(first.accountKey), certificate: text(certificate) });

  const one = await joinVolunteer(grid.url, { keys: first.keys });
  const two = await joinVolunteer(grid.url, {
    keys: other.keys,
    hello: {
      accountKey: Buffer.from(given.accountKey ?? '', 'base64url'),
      certificate: Buffer.from(given.certificate ?? '', 'base64url'),
    },
  });
  expect(two.welcome?.accountId).toBe(one.welcome?.accountId);
  expect(two.hostId).not.toBe(one.hostId);
});

describe('a code', () => {
  test('[V2] serves one host; the same host may ask again', async () => {
    const { code } = await offer();
    const { hostKey } = raw();
    await redeemed(code, hostKey);
    await redeemed(code, hostKey);
    const error = await refusal(await redeem(code, raw().hostKey));
    expect(error).toMatchObject({ status: 409, code: 'link_used' });
    expect(error.message).toMatch(/`manyhands link`/);
  });

  test('of another grid, or no code at all, is unknown', async () => {
    for (const code of ['0000-0000', 'K7Q4', 'hello', '']) {
      const error = await refusal(await redeem(code, raw().hostKey));
      expect(error).toMatchObject({ status: 404, code: 'link_unknown' });
    }
  });

  test('[V2] is void after three wrong tries, also for who knows it', async () => {
    const { code } = await offer();
    const last = code.at(-1) === '0' ? '1' : '0';
    for (let i = 0; i < 3; i++) {
      const error = await refusal(await redeem(code.slice(0, -1) + last, raw().hostKey));
      expect(error.code).toBe('link_unknown');
    }
    const error = await refusal(await redeem(code, raw().hostKey));
    expect(error).toMatchObject({ status: 403, code: 'link_locked' });
  });

  test('[V2] has expired after ten minutes, for both ends', async () => {
    const { code, offer: token } = await offer();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 10 * 60_000 + 1 });
    try {
      const error = await refusal(await redeem(code, raw().hostKey));
      expect(error).toMatchObject({ status: 410, code: 'link_expired' });
      const reply = await fetch(`${grid.url}/v1/links/offer`, bearer(token));
      expect(await refusal(reply)).toMatchObject({ status: 410, code: 'link_expired' });
    } finally {
      vi.useRealTimers();
    }
  });
});

test('a certificate that is none is refused, and so are strangers’ tokens', async () => {
  const { code, offer: token } = await offer();
  const { hostKey, accountKey, keys } = raw();
  const early = sign(null, certificateBytes(hostKey), keys.account.privateKey);
  expect((await certify(token, accountKey, early)).status).toBe(403);
  await redeemed(code, hostKey);
  const stranger = generateKeyPairSync('ed25519').privateKey;
  const forged = sign(null, certificateBytes(hostKey), stranger);
  const error = await refusal(await certify(token, accountKey, forged));
  expect(error).toMatchObject({ status: 403, code: 'signature_invalid' });
  for (const path of ['offer', 'ticket']) {
    const reply = await fetch(`${grid.url}/v1/links/${path}`, bearer('k1.mine.mine'));
    expect(await refusal(reply)).toMatchObject({ status: 401, code: 'unauthorized' });
  }
});

test('codes are asked for, and tried, a few at a time from one network, and the error says when again', async () => {
  const from = (address: string) => ({ 'x-forwarded-for': address });
  const asked = async (path: string, address: string, body = {}) => {
    const init = json(body);
    const headers = { ...(init.headers as Record<string, string>), ...from(address) };
    return fetch(`${grid.url}${path}`, { ...init, headers });
  };
  const wrong = { code: '0000-0000', hostKey: text(raw().hostKey), hostName: '' };
  for (const [path, body, usual] of [
    ['/v1/links', {}, 201],
    ['/v1/links/ticket', wrong, 404],
  ] as const) {
    for (let i = 0; i < 30; i++) {
      expect((await asked(path, `203.0.113.${i}`, body)).status).toBe(usual);
    }
    const reply = await asked(path, '203.0.113.200', body);
    const seconds = Number(reply.headers.get('retry-after'));
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThanOrEqual(20);
    const error = await refusal(reply);
    expect(error).toMatchObject({ status: 429, code: 'link_tries', retry: true });
    expect(Math.ceil((error.retryAfterMs ?? 0) / 1000)).toBe(seconds);
    expect((await asked(path, '198.51.100.1', body)).status).toBe(usual);
  }
});

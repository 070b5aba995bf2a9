/** Teams: founded, joined and left by the key of an account, and named in a hello. */
import { sign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { countryLeaderboardSchema, placeSchema } from '../../../protocol/http.ts';
import { certificateBytes, requestBytes } from '../../../protocol/identity.ts';
import type { Lease } from '../../../protocol/messages.ts';
import { type TeamView, teamViewSchema } from '../../../protocol/teams.ts';
import { json, type RealGrid, refusal, startRealGrid } from '../../support/real-grid.ts';
import {
  aSuccess,
  joinVolunteer,
  type Keys,
  newKeys,
  openVolunteer,
  unitsOf,
  type Volunteer,
} from '../../support/volunteer.ts';

let grid: RealGrid;
let gridId = '';
beforeAll(async () => {
  grid = await startRealGrid();
  gridId = ((await (await grid.fetch('/v1/grid')).json()) as { gridId: string }).gridId;
});
afterAll(() => grid.stop());

const ask = (keys: Keys, method: string, path: string, of = { url: grid.url, gridId }) => {
  const at = Date.now();
  const key = keys.account.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  const signature = sign(null, requestBytes(of.gridId, method, path, at), keys.account.privateKey);
  const parts = [key.toString('base64url'), at, signature.toString('base64url')];
  return fetch(`${of.url}${path}`, {
    method,
    headers: { authorization: `Account ${parts.join('.')}` },
  });
};
/** As a linked machine does, which has no key of the account. */
const askAsHost = (keys: Keys, method: string, path: string, certifier = keys.account) => {
  const at = Date.now();
  const raw = (key: Keys['host']) =>
    key.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  const signature = sign(null, requestBytes(gridId, method, path, at), keys.host.privateKey);
  const certificate = sign(null, certificateBytes(raw(keys.host)), certifier.privateKey);
  const bytes = [raw(keys.host), raw(keys.account), certificate].map((part) =>
    part.toString('base64url'),
  );
  const authorization = `Host ${bytes.join('.')}.${at}.${signature.toString('base64url')}`;
  return fetch(`${grid.url}${path}`, { method, headers: { authorization } });
};
const pathOf = (name: string) => `/v1/teams/${encodeURIComponent(name)}`;
const found = (keys: Keys, name: string) => ask(keys, 'POST', pathOf(name));
const join = (keys: Keys, name: string) => ask(keys, 'POST', `${pathOf(name)}/members`);
const show = async (name: string): Promise<TeamView> =>
  teamViewSchema.parse(await (await fetch(`${grid.url}${pathOf(name)}`)).json());

/** Computes a unit, and waits until it is paid: then the account is one of the grid's. */
async function work(host: Volunteer): Promise<void> {
  await grid.submit(1);
  await host.finish(await host.take(1));
  await host.next('credited');
}
async function aWorker(): Promise<Keys> {
  const keys = newKeys();
  await work(await joinVolunteer(grid.url, { keys }));
  return keys;
}

describe('a team', () => {
  test('is founded, joined and left', async () => {
    const [ada, bob] = [await aWorker(), await aWorker()];
    const reply = await found(ada, 'Ｐｈｙｓｉｃｓ  101');
    expect(reply.status).toBe(201);
    const view = teamViewSchema.parse(await reply.json());
    expect(view).toMatchObject({ name: 'Physics 101', members: 1 });
    expect(await show('physics 101')).toEqual(view);
    expect((await join(bob, 'PHYSICS 101')).status).toBe(200);
    expect(await show('physics 101')).toEqual({ ...view, members: 2 });
    expect((await ask(ada, 'DELETE', '/v1/membership')).status).toBe(204);
    expect(await show('physics 101')).toEqual({ ...view, members: 1 });
  });

  test('that looks like another one is not founded', async () => {
    const ada = await aWorker();
    expect((await found(ada, 'Cosmos')).status).toBe(201);
    for (const name of ['COSMOS', 'c0sm0s', 'ϲοѕмоѕ'.normalize('NFC'), 'соѕмоѕ']) {
      const reply = await found(await aWorker(), name);
      expect([400, 409]).toContain(reply.status);
    }
  });

  test('is founded by accounts that have worked, a few each, under names that can be told apart', async () => {
    const idle = await refusal(await found(newKeys(), 'Nobody'));
    expect(idle).toMatchObject({ status: 403, code: 'forbidden' });
    const ada = await aWorker();
    const odd = await refusal(await found(ada, 'x'));
    expect(odd).toMatchObject({ status: 400, code: 'bad_request' });
    expect(odd.detail).toMatch(/2 to 40 characters/);
    for (let i = 1; i <= 5; i++) expect((await found(ada, `number ${i}${i}`)).status).toBe(201);
    const more = await refusal(await found(ada, 'one more'));
    expect(more).toMatchObject({ status: 409, code: 'team_limit' });
  });

  test('that is unknown is joined by nobody, and says what to do', async () => {
    const error = await refusal(await join(await aWorker(), 'no such team'));
    expect(error).toMatchObject({ status: 404, code: 'team_unknown', detail: 'no such team' });
    expect(error.message).toMatch(/`team create`/);
  });

  test('[C6] keeps what a member earned in it, also when they go to another one, or to none', async () => {
    const ada = await aWorker();
    const host = await joinVolunteer(grid.url, { keys: ada });
    for (const name of ['Once upon', 'From now on']) {
      expect((await found(ada, name)).status).toBe(201);
      await work(host);
    }
    expect((await ask(ada, 'DELETE', '/v1/membership')).status).toBe(204);
    await work(host);
    for (const name of ['Once upon', 'From now on']) {
      const { teamId, members } = await show(name);
      const row = await (await fetch(`${grid.url}/v1/standings/team/${teamId}`)).json();
      const { creditMicro, units } = placeSchema.parse(row);
      expect({ members, creditMicro, units }).toEqual({
        members: 0,
        creditMicro: '1000',
        units: 1,
      });
    }
  });

  test('of another grid is none here: who asks for it stays where they are, and is paid there', async () => {
    const elsewhere = await startRealGrid();
    try {
      const ada = await aWorker();
      expect((await found(ada, 'At home')).status).toBe(201);
      const keys = newKeys();
      const host = await joinVolunteer(elsewhere.url, { keys });
      await elsewhere.submit(1);
      await host.finish(await host.take(1));
      await host.next('credited');
      const { gridId: otherId } = (await (await elsewhere.fetch('/v1/grid')).json()) as {
        gridId: string;
      };
      const foreign = await ask(keys, 'POST', pathOf('Far away'), {
        url: elsewhere.url,
        gridId: otherId,
      });
      expect(foreign.status).toBe(201);

      expect(await refusal(await join(ada, 'Far away'))).toMatchObject({ code: 'team_unknown' });
      const hello = await openVolunteer(grid.url, { keys: ada });
      hello.send(await hello.hello({ team: 'Far away' }));
      expect(await hello.ended).toEqual({ code: 4404, reason: 'team_unknown' });
      // A request that was signed for one grid is nothing to another.
      const overheard = await ask(ada, 'DELETE', '/v1/membership', {
        url: grid.url,
        gridId: otherId,
      });
      expect(await refusal(overheard)).toMatchObject({ status: 401, code: 'request_unsigned' });

      await work(await joinVolunteer(grid.url, { keys: ada }));
      expect(await show('At home')).toMatchObject({ members: 1 });
      const { teamId } = await show('At home');
      const place = placeSchema.parse(
        await (await fetch(`${grid.url}/v1/standings/team/${teamId}`)).json(),
      );
      expect(place).toMatchObject({ creditMicro: '1000' });
    } finally {
      await elsewhere.stop();
    }
  });

  test('is not founded, joined or left without the account’s key', async () => {
    const keys = { ...newKeys(), account: newKeys().account };
    for (const [method, path] of [
      ['POST', pathOf('unsigned')],
      ['POST', `${pathOf('unsigned')}/members`],
      ['DELETE', '/v1/membership'],
    ] as const) {
      const reply = await fetch(`${grid.url}${path}`, { method });
      expect(await refusal(reply)).toMatchObject({ status: 401, code: 'request_unsigned' });
      const other = await ask(keys, method === 'POST' ? 'DELETE' : 'POST', path);
      expect(other.status).not.toBe(201);
    }
  });
});

describe('a host that its account has certified', () => {
  test('acts for the account, until it is banned', async () => {
    const keys = await aWorker();
    expect((await askAsHost(keys, 'POST', pathOf('Linked ones'))).status).toBe(201);
    expect(await show('Linked ones')).toMatchObject({ members: 1 });
    expect((await ask(keys, 'DELETE', '/v1/membership')).status).toBe(204);
    expect(await show('Linked ones')).toMatchObject({ members: 0 });
    const { hostId } = await joinVolunteer(grid.url, { keys });
    await grid.fetch(`/v1/hosts/${hostId}/ban`, json({ reason: 'stolen' }));
    const error = await refusal(await askAsHost(keys, 'GET', '/v1/receipts'));
    expect(error).toMatchObject({ status: 403, code: 'host_banned', detail: 'stolen' });
    expect((await ask(keys, 'GET', '/v1/receipts')).status).toBe(200);
  });

  test('acts for no account that has not certified it', async () => {
    const reply = await askAsHost(newKeys(), 'GET', '/v1/receipts', newKeys().account);
    expect(await refusal(reply)).toMatchObject({ status: 401, code: 'request_unsigned' });
  });
});

describe('a hello that names a team', () => {
  test('joins it with the first report, and not before', async () => {
    await found(await aWorker(), 'Helpers');
    const host = await joinVolunteer(grid.url, { hello: { team: 'helpers' } });
    expect(await show('Helpers')).toMatchObject({ members: 1 });
    await work(host);
    expect(await show('Helpers')).toMatchObject({ members: 2 });
  });

  test('joins it once, however many first reports are in a frame', async () => {
    await found(await aWorker(), 'Twice');
    const host = await joinVolunteer(grid.url, { hello: { team: 'Twice' } });
    await grid.submit(2);
    const leases = [await host.want(1), await host.want(1)].flat();
    const report = (lease: Lease, id: number) => ({
      type: 'report',
      id,
      token: lease.token,
      successes: null,
      results: unitsOf(lease).map((unit) => aSuccess(unit)),
    });
    host.send(leases.map((lease, i) => report(lease, 100 + i)));
    for (const id of [100, 101]) {
      expect((await host.next('recorded', (message) => message.report === id)).verdicts).toEqual([
        ['accepted', 1],
      ]);
    }
    expect(await show('Twice')).toMatchObject({ members: 2 });
    await host.next('credited', ({ units }) => units === 2);
  });

  test('that is refused for one of two reports is introduced by the other', async () => {
    const host = await joinVolunteer(grid.url);
    await grid.submit(1);
    const [lease] = await host.want(1);
    if (lease === undefined) throw new Error('a unit is free');
    const results = unitsOf(lease).map((unit) => aSuccess(unit));
    const common = { type: 'report', successes: null, results };
    host.send([
      { ...common, id: 200, token: 'k1.made.up' },
      { ...common, id: 201, token: lease.token },
    ]);
    expect(await host.next('notice', ({ about }) => about === 200)).toMatchObject({
      code: 'lease_invalid',
    });
    const recorded = await host.next('recorded', (message) => message.report === 201);
    expect(recorded.verdicts).toEqual([['accepted', 1]]);
  });

  test('moves an account that is known at once', async () => {
    await found(await aWorker(), 'Movers');
    const keys = await aWorker();
    await joinVolunteer(grid.url, { keys, hello: { team: 'Movers' } });
    expect(await show('Movers')).toMatchObject({ members: 2 });
    await joinVolunteer(grid.url, { keys });
    expect(await show('Movers')).toMatchObject({ members: 2 });
  });

  test('that does not exist is refused with 4404 and what to do', async () => {
    const host = await openVolunteer(grid.url);
    host.send(await host.hello({ team: 'no such team' }));
    expect((await host.next('notice')).text).toMatch(/No team has that name.*`team create`/);
    expect(await host.ended).toEqual({ code: 4404, reason: 'team_unknown' });
  });
});

describe('a hello that names a country', () => {
  test('has what the host earns count for it, on a leaderboard of countries', async () => {
    await work(await joinVolunteer(grid.url, { hello: { country: 'IS' } }));
    const read = async () => {
      const reply = await fetch(`${grid.url}/v1/leaderboard?countries=1`);
      return countryLeaderboardSchema.parse(await reply.json()).standings;
    };
    expect(await read()).toEqual([
      { rank: 1, country: 'IS', creditMicro: '1000', rac: expect.any(String), units: 1 },
    ]);
    const place = await fetch(`${grid.url}/v1/standings/country/IS`);
    expect(placeSchema.parse(await place.json())).toMatchObject({ id: 'IS', rank: 1, units: 1 });
  });

  test('[P1] that is none is refused', async () => {
    const host = await openVolunteer(grid.url);
    host.send(await host.hello({ country: 'XX' }));
    expect((await host.ended).code).toBe(4400);
  });
});

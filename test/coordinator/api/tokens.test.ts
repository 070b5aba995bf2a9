/** Tokens over HTTP: made, listed, expired, revoked; whose jobs they touch; and what is logged. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { auditLogSchema } from '../../../protocol/audit.ts';
import { limits } from '../../../protocol/limits.ts';
import {
  type FreshToken,
  freshTokenSchema,
  tokenListSchema,
  tokenViewSchema,
} from '../../../protocol/tokens.ts';
import { json, type RealGrid, refusal, startRealGrid } from '../../support/real-grid.ts';
import { aSuccess, joinVolunteer } from '../../support/volunteer.ts';

let grid: RealGrid;
beforeAll(async () => {
  grid = await startRealGrid();
});
afterAll(() => grid.stop());
afterEach(() => grid.cancelAll());

const make = async (body: object): Promise<FreshToken> => {
  const reply = await grid.fetch('/v1/tokens', json(body));
  expect(reply.status).toBe(201);
  return freshTokenSchema.parse(await reply.json());
};
const as = (token: string | null, init: RequestInit = {}): RequestInit => ({
  ...init,
  headers: {
    ...(init.headers as Record<string, string>),
    authorization: token === null ? '' : `Bearer ${token}`,
  },
});
const submitAs = async (token: string, parts: object = {}): Promise<string> => {
  const document = { name: 'a job', kernel: grid.kernel, units: { range: { count: 2 } }, ...parts };
  const reply = await grid.fetch('/v1/jobs', as(token, json(document)));
  expect(reply.status).toBe(201);
  return ((await reply.json()) as { jobId: string }).jobId;
};
const list = async () =>
  tokenListSchema.parse(await (await grid.fetch('/v1/tokens')).json()).tokens;
const revoke = (id: string, reason = '') => grid.fetch(`/v1/tokens/${id}/revoke`, json({ reason }));
const auditLog = async (query = '') =>
  auditLogSchema.parse(await (await grid.fetch(`/v1/audit-log${query}`)).json());

describe('a token', () => {
  test('[O2] is told once, and is nowhere on disk or in a list', async () => {
    const { token, ...view } = await make({ scopes: ['submit'], name: 'lab' });
    expect(token).toMatch(/^mh_[\w-]{43}$/);
    expect(await list()).toContainEqual(view);
    expect(JSON.stringify(await list())).not.toContain(token);
    await submitAs(token);
    const files = ['appendonly.aof.1.incr.aof', 'appendonly.aof.1.base.rdb'];
    const stored = await Promise.all(
      files.map((name) =>
        readFile(join(grid.dataDir, 'redis/appendonlydir', name), 'latin1').catch(() => ''),
      ),
    );
    expect(stored.join('')).toContain('lab');
    expect(stored.join('')).not.toContain(token);
  });

  test('[O2] that was revoked is refused from the next request on, and stays in the list', async () => {
    const { token, tokenId } = await make({ scopes: ['submit'] });
    await submitAs(token);
    const revoked = tokenViewSchema.parse(await (await revoke(tokenId)).json());
    expect(revoked.state).toBe('revoked');
    const error = await refusal(await grid.fetch('/v1/jobs', as(token, json({}))));
    expect(error).toMatchObject({ status: 401, code: 'token_revoked' });
    expect(error.message).toMatch(/ask the operator for a new one/);
    // A list that anybody may see would look complete to whoever has private jobs.
    expect(await refusal(await grid.fetch('/v1/jobs', as(token)))).toMatchObject({ status: 401 });
    expect(await list()).toContainEqual(revoked);
    expect(await (await revoke(tokenId)).json()).toEqual(revoked);
  });

  test('[O2] that has expired is refused and says so', async () => {
    const { token, tokenId } = await make({ scopes: ['read'], expiresInMs: 1 });
    while ((await list()).find((view) => view.tokenId === tokenId)?.state !== 'expired')
      await wait(1);
    const jobId = await grid.submit(1);
    const error = await refusal(await grid.fetch(`/v1/jobs/${jobId}/results`, as(token)));
    expect(error).toMatchObject({ status: 401, code: 'token_expired' });
  });

  test('of an operator that was revoked is replaced at the next start', async () => {
    const other = await startRealGrid();
    try {
      const { tokens } = tokenListSchema.parse(await (await other.fetch('/v1/tokens')).json());
      expect(tokens).toMatchObject([{ name: 'operator', scopes: ['operate'] }]);
      await other.fetch(`/v1/tokens/${tokens[0]?.tokenId}/revoke`, json({}));
      expect((await other.fetch('/v1/tokens')).status).toBe(401);
      await other.restart();
      const fresh = (await readFile(join(other.dataDir, 'operator.token'), 'utf8')).trim();
      expect(fresh).not.toBe(other.token);
      expect((await other.fetch('/v1/tokens', as(fresh))).status).toBe(200);
    } finally {
      await other.stop();
    }
  });

  test('without `operate` makes no tokens, lists none, revokes none and reads no log', async () => {
    const { token, tokenId } = await make({ scopes: ['submit', 'read'] });
    const asked: [string, RequestInit][] = [
      ['/v1/tokens', json({ scopes: ['operate'] })],
      ['/v1/tokens', {}],
      [`/v1/tokens/${tokenId}/revoke`, json({})],
      ['/v1/audit-log', {}],
    ];
    for (const [path, init] of asked) {
      const error = await refusal(await grid.fetch(path, as(token, init)));
      expect(error).toMatchObject({ status: 403, code: 'forbidden' });
      expect(error.detail).toBe('It takes the scope operate; this token has submit, read.');
      expect((await grid.fetch(path, as(null, init))).status).toBe(401);
    }
  });

  test.each<[string, object]>([
    ['scopes', {}],
    ['scopes', { scopes: [] }],
    ['scopes.0', { scopes: ['admin'] }],
    ['scopes', { scopes: ['read', 'read'] }],
    ['name', { scopes: ['read'], name: 'x'.repeat(limits.tokenNameCharsMax + 1) }],
    ['name', { scopes: ['read'], name: 'a\nb' }],
    ['expiresInMs', { scopes: ['read'], expiresInMs: 0 }],
    ['expiresInMs', { scopes: ['read'], expiresInMs: limits.tokenLifeMsMax + 1 }],
    ['accountId', { scopes: ['read'], accountId: 'me' }],
    ['(document)', { scopes: ['read'], secret: 'mh_mine' }],
  ])('[P1] with a wrong %s is not made: %o', async (path, body) => {
    const error = await refusal(await grid.fetch('/v1/tokens', json(body)));
    expect(error).toMatchObject({ status: 400, code: 'bad_request' });
    expect(error.issues[0]?.path).toBe(path);
  });

  test('that is unknown is not revoked', async () => {
    for (const id of ['k0000000000000000', 'x', '__proto__']) {
      expect(await refusal(await revoke(id))).toMatchObject({ status: 404, code: 'token_unknown' });
    }
  });
});

describe('a scientist’s job', () => {
  test('[O1] is cancelled by no other scientist, but by its owner and by operators', async () => {
    const [ada, bob] = [await make({ scopes: ['submit'] }), await make({ scopes: ['submit'] })];
    const [first, second] = [await submitAs(ada.token), await submitAs(ada.token)];
    const cancel = (jobId: string, token: string) =>
      grid.fetch(`/v1/jobs/${jobId}/cancel`, as(token, { method: 'POST' }));
    const error = await refusal(await cancel(first, bob.token));
    expect(error).toMatchObject({ status: 403, code: 'forbidden' });
    expect(error.detail).toMatch(/another scientist’s job/);
    expect((await grid.show(first)).state).toBe('open');
    expect((await cancel(first, ada.token)).status).toBe(200);
    expect((await cancel(second, grid.token)).status).toBe(200);
  });

  test('[O1] that is private is there for its owner and for operators, through every door', async () => {
    const host = await joinVolunteer(grid.url);
    const ada = await make({ scopes: ['submit'] });
    const bob = await make({ scopes: ['submit', 'read'] });
    const name = 'the secret of the pyramids';
    const jobId = await submitAs(ada.token, { public: false, name });
    const leases = await host.take(2);
    const brief = host.received.find((message) => message.type === 'lease');
    expect(JSON.stringify(brief)).not.toContain(name);
    await host.finish(leases);
    const doors: [string, RequestInit?][] = [
      ['', {}],
      ['/results'],
      ['/document'],
      ['/why'],
      ['/units/0/why'],
      ['/units/0/credit'],
      ['/cancel', { method: 'POST' }],
      ['/pause', { method: 'POST' }],
      ['/resume', { method: 'POST' }],
    ];
    for (const [door, init] of doors) {
      const path = `/v1/jobs/${jobId}${door}`;
      const unknown = `/v1/jobs/j0000000000000000${door}`;
      for (const token of [bob.token, null, 'mh_guessed']) {
        const error = await refusal(await grid.fetch(path, as(token, init)));
        const nobody = await refusal(await grid.fetch(unknown, as(token, init)));
        expect([401, 404]).toContain(error.status);
        // Not to be told from a job that there is none of.
        expect({ ...error, detail: '' }).toEqual({ ...nobody, detail: '' });
      }
      if (init?.method === 'POST') continue;
      expect((await grid.fetch(path, as(ada.token))).status).toBe(200);
      expect((await grid.fetch(path)).status).toBe(200);
    }
    const standing = `/v1/standings/job/${jobId}`;
    while ((await grid.fetch(standing)).status !== 200) await wait(10);
    expect((await grid.fetch(standing, as(ada.token))).status).toBe(200);
    for (const token of [bob.token, null])
      expect((await grid.fetch(standing, as(token))).status).toBe(404);

    const seenBy = async (token: string | null) =>
      (await (await grid.fetch('/v1/jobs', as(token))).text()).includes(jobId);
    expect([await seenBy(ada.token), await seenBy(grid.token)]).toEqual([true, true]);
    expect([await seenBy(bob.token), await seenBy(null)]).toEqual([false, false]);
    expect(await (await fetch(grid.url)).text()).not.toContain(jobId);
  });

  test('[O1] that is private does not crowd public ones out of the list', async () => {
    const ada = await make({ scopes: ['submit'] });
    const jobId = await grid.submit(1);
    for (let i = 0; i < 25; i++) await submitAs(ada.token, { public: false });
    expect(await (await fetch(grid.url)).text()).toContain(jobId);
  });

  test('[T3] that is public shows nothing of a result to others before it is final: they may be checking it', async () => {
    const host = await joinVolunteer(grid.url);
    const ada = await make({ scopes: ['submit'] });
    const bob = await make({ scopes: ['read', 'submit'] });
    const jobId = await submitAs(ada.token);
    const [lease] = await host.take(2);
    const { hostId, accountId } = host.welcome ?? { hostId: '', accountId: '' };
    await host.finish(lease === undefined ? [] : [lease]);
    const unit = lease?.units[0]?.[0] ?? 0;
    const doors = ['', '/document', '/why', '/results', '/revocations'];
    const owners = [`/units/${unit}/why`, `/units/${unit}/credit`];
    const seenBy = async (token: string | null, door: string) => {
      const reply = await grid.fetch(`/v1/jobs/${jobId}${door}`, as(token));
      return { status: reply.status, text: await reply.text() };
    };
    const digest = aSuccess(unit).digest;
    const secrets = [Buffer.from(digest ?? []).toString('hex'), hostId, accountId];
    for (const door of doors) {
      for (const token of [bob.token, null]) {
        const { text } = await seenBy(token, door);
        for (const secret of secrets) expect(text).not.toContain(secret);
        expect(text).not.toContain('"accepted"');
      }
      expect((await seenBy(bob.token, door)).status).toBe(200);
      expect((await seenBy(ada.token, door)).status).toBe(200);
    }
    expect((await seenBy(bob.token, '/results')).text).toBe('');
    expect((await seenBy(ada.token, '/results')).text).toContain(secrets[0]);
    for (const door of owners) {
      expect((await seenBy(bob.token, door)).status).toBe(403);
      expect((await seenBy(null, door)).status).toBe(401);
      expect((await seenBy(ada.token, door)).status).toBe(200);
      expect((await seenBy(grid.token, door)).status).toBe(200);
    }
  });

  test('stays theirs when their token is replaced by one for the same account', async () => {
    const old = await make({ scopes: ['submit'] });
    const jobId = await submitAs(old.token, { public: false });
    await revoke(old.tokenId);
    const { token } = await make({ scopes: ['submit'], accountId: old.accountId });
    expect((await grid.fetch(`/v1/jobs/${jobId}/results`, as(token))).status).toBe(200);
    const cancelled = await grid.fetch(`/v1/jobs/${jobId}/cancel`, as(token, { method: 'POST' }));
    expect(cancelled.status).toBe(200);
  });
});

describe('the audit log', () => {
  test('[O3] has each act of an operator, with who, what, when and why', async () => {
    const { tokenId, accountId } = await make({ scopes: ['submit'], name: 'lab' });
    await revoke(tokenId, 'left the lab');
    const jobId = await grid.submit(1);
    await grid.cancel(jobId);
    const [cancelled, revoked, made] = (await auditLog()).entries;
    const operator = { tokenName: 'operator', tokenId: expect.stringMatching(/^k/) };
    expect(made).toMatchObject({ ...operator, act: 'token_create', target: tokenId });
    expect(made?.detail).toBe(`submit, for ${accountId}`);
    expect(revoked).toMatchObject({ ...operator, act: 'token_revoke', reason: 'left the lab' });
    expect(cancelled).toMatchObject({ ...operator, act: 'job_cancel', target: jobId });
  });

  test('is read a page at a time, and says where the next one begins', async () => {
    for (const name of ['1', '2', '3']) await make({ scopes: ['read'], name });
    const whole = await auditLog();
    const first = await auditLog('?max=2');
    expect(first.entries).toEqual(whole.entries.slice(0, 2));
    const second = await auditLog(`?max=1&before=${first.more}`);
    expect(second.entries).toEqual(whole.entries.slice(2, 3));
    for (const query of ['?max=0', `?max=${limits.auditEntriesMax + 1}`, '?before=yesterday']) {
      expect((await grid.fetch(`/v1/audit-log${query}`)).status).toBe(400);
    }
  });

  test('does not tell what scientists do with their own', async () => {
    const { token } = await make({ scopes: ['submit'] });
    const before = (await auditLog()).entries.length;
    const jobId = await submitAs(token);
    await grid.fetch(`/v1/jobs/${jobId}/cancel`, as(token, { method: 'POST' }));
    expect((await auditLog()).entries).toHaveLength(before);
  });
});

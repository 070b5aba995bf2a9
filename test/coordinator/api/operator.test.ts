/** What an operator does to jobs, kernels, hosts and settings, and what volunteers and scientists see of it. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Act, acts, auditLogSchema } from '../../../protocol/audit.ts';
import { banViewSchema, hostListSchema } from '../../../protocol/hosts.ts';
import { type JobView, jobViewSchema } from '../../../protocol/http.ts';
import { disabledKernelsSchema, settingsSchema } from '../../../protocol/operation.ts';
import { json, type RealGrid, refusal, startRealGrid } from '../../support/real-grid.ts';
import { aLargeOutput, joinVolunteer, newKeys, openVolunteer } from '../../support/volunteer.ts';

let grid: RealGrid;
beforeAll(async () => {
  grid = await startRealGrid();
});
afterAll(() => grid.stop());
afterEach(() => grid.cancelAll());

const post = (path: string, body: object = {}) => grid.fetch(`/v1/${path}`, json(body));
const change = async (jobId: string, verb: string, body: object = {}): Promise<JobView> => {
  const reply = await post(`jobs/${jobId}/${verb}`, body);
  expect(reply.status).toBe(200);
  return jobViewSchema.parse(await reply.json());
};
const lastAct = async () => {
  const reply = await grid.fetch('/v1/audit-log?max=1');
  return auditLogSchema.parse(await reply.json()).entries[0];
};
const asScientist = async () => {
  const headers = { authorization: `Bearer ${await grid.makeToken('submit')}` };
  return (path: string, body: object = {}) => {
    const init = json(body);
    return grid.fetch(path, {
      ...init,
      headers: { ...(init.headers as Record<string, string>), ...headers },
    });
  };
};

describe('a paused job', () => {
  test('grants nothing more, takes what is out, and goes on when it is resumed', async () => {
    const host = await joinVolunteer(grid.url);
    const jobId = await grid.submit(4);
    const out = await host.take(1);
    const paused = await change(jobId, 'pause', { reason: 'a look' });
    expect(paused).toMatchObject({
      state: 'paused',
      paused: { cause: 'owner', reason: 'a look' },
      running: 1,
    });
    host.ask(1);
    expect(await host.next('noWork')).toMatchObject({ reason: 'no_jobs', retryAfterMs: null });
    expect(await host.finish(out)).toEqual(['accepted']);
    expect(await change(jobId, 'resume')).toMatchObject({ state: 'open', paused: null });
    await host.finish((await host.next('lease')).leases);
    await host.finish(await host.take(2));
    expect(await grid.ended(jobId)).toMatchObject({ state: 'complete', canonical: 4 });
  });

  test('does not keep other jobs waiting', async () => {
    const host = await joinVolunteer(grid.url);
    await change(await grid.submit(2000), 'pause');
    const other = await grid.submit(3);
    await host.finish(await host.take(3));
    expect(await grid.ended(other)).toMatchObject({ state: 'complete', canonical: 3 });
  });

  test('stays paused over a restart, and is resumed after it', async () => {
    const jobId = await grid.submit(2);
    const before = await joinVolunteer(grid.url);
    await before.take(1);
    await change(jobId, 'pause', { reason: 'overnight' });
    await grid.restart();
    const host = await joinVolunteer(grid.url);
    host.ask(1);
    expect(await host.next('noWork')).toMatchObject({ reason: 'no_jobs' });
    expect(await grid.show(jobId)).toMatchObject({ state: 'paused' });
    await change(jobId, 'resume');
    await host.next('lease');
  });

  test('completes when all that was left is out, and can be cancelled', async () => {
    const host = await joinVolunteer(grid.url);
    const jobId = await grid.submit(1);
    const out = await host.take(1);
    await change(jobId, 'pause');
    await host.finish(out);
    expect(await grid.ended(jobId)).toMatchObject({ state: 'complete', paused: null });
    const other = await grid.submit(1);
    await change(other, 'pause');
    await grid.cancel(other);
    expect(await grid.show(other)).toMatchObject({ state: 'cancelled', paused: null });
  });

  test('that is over is neither paused nor resumed', async () => {
    const jobId = await grid.submit(1);
    await grid.cancel(jobId);
    for (const verb of ['pause', 'resume']) {
      const error = await refusal(await post(`jobs/${jobId}/${verb}`));
      expect(error).toMatchObject({ status: 409, code: 'job_over' });
    }
  });

  test('[O1] by an operator is not resumed by its owner, nor paused by another scientist', async () => {
    const [ada, bob] = [await asScientist(), await asScientist()];
    const document = { name: 'hers', kernel: grid.kernel, units: { range: { count: 1 } } };
    const { jobId } = (await (await ada('/v1/jobs', document)).json()) as { jobId: string };
    expect((await bob(`/v1/jobs/${jobId}/pause`)).status).toBe(403);
    expect(await change(jobId, 'pause', { reason: 'too hot' })).toMatchObject({
      paused: { cause: 'operator', reason: 'too hot' },
    });
    expect(await lastAct()).toMatchObject({ act: 'job_pause', target: jobId, reason: 'too hot' });
    const still = jobViewSchema.parse(await (await ada(`/v1/jobs/${jobId}/resume`)).json());
    expect(still.paused).toEqual({ cause: 'operator', reason: 'too hot' });
    expect(await change(jobId, 'resume')).toMatchObject({ state: 'open' });
    await grid.cancel(jobId);
  });
});

describe('a disabled kernel', () => {
  const kernels = async () =>
    disabledKernelsSchema.parse(await (await grid.fetch('/v1/kernels/disabled')).json()).kernels;

  test('[O3] stops its jobs at once, takes their units back, and lets none be submitted', async () => {
    const host = await joinVolunteer(grid.url);
    const jobId = await grid.submit(2);
    const [lease] = await host.take(1);
    expect((await post(`kernels/${grid.kernel}/disable`, { reason: 'mines' })).status).toBe(200);
    try {
      expect(await host.next('cancel')).toMatchObject({
        leaseId: lease?.leaseId,
        reason: 'job_paused',
      });
      expect(await grid.show(jobId)).toMatchObject({
        state: 'paused',
        paused: { cause: 'kernel_disabled', reason: 'mines' },
        running: 0,
        waiting: 2,
      });
      const document = { name: 'x', kernel: grid.kernel, units: { range: { count: 1 } } };
      const error = await refusal(await post('jobs', document));
      expect(error).toMatchObject({ status: 403, code: 'kernel_disabled', detail: 'mines' });
      expect(await kernels()).toMatchObject([{ digest: grid.kernel, reason: 'mines' }]);
      const what = { act: 'kernel_disable', target: grid.kernel, reason: 'mines' };
      expect(await lastAct()).toMatchObject(what);
      // Nor does its owner get round it.
      expect(await change(jobId, 'resume')).toMatchObject({ state: 'paused' });
    } finally {
      await post(`kernels/${grid.kernel}/enable`);
    }
    expect(await kernels()).toEqual([]);
    expect(await grid.show(jobId)).toMatchObject({ state: 'open' });
    await host.finish(await host.take(2));
    expect(await grid.ended(jobId)).toMatchObject({ state: 'complete' });
  });

  test('that is enabled leaves paused what its owner paused', async () => {
    const jobId = await grid.submit(1);
    await change(jobId, 'pause');
    await post(`kernels/${grid.kernel}/disable`);
    await post(`kernels/${grid.kernel}/enable`);
    expect(await grid.show(jobId)).toMatchObject({ state: 'paused', paused: { cause: 'owner' } });
  });

  test('needs a digest, and one that is disabled', async () => {
    expect((await post('kernels/kernel.wasm/disable')).status).toBe(400);
    const error = await refusal(await post(`kernels/sha256:${'0'.repeat(64)}/enable`));
    expect(error).toMatchObject({ status: 404, code: 'kernel_not_disabled' });
  });
});

test('[O3] every act there is has its line, with who, what, when and why', async () => {
  const { hostId } = await joinVolunteer(grid.url);
  const jobId = await grid.submit(1);
  const disabled = `sha256:${'d'.repeat(64)}`;
  const reason = 'as we agreed';
  const made = await (await post('tokens', { scopes: ['read'], name: reason })).json();
  const { tokenId } = made as { tokenId: string };
  const deeds: [Act, string, string][] = [
    ['token_revoke', tokenId, `tokens/${tokenId}/revoke`],
    ['job_pause', jobId, `jobs/${jobId}/pause`],
    ['job_resume', jobId, `jobs/${jobId}/resume`],
    ['job_curate', jobId, `jobs/${jobId}/curate`],
    ['job_uncurate', jobId, `jobs/${jobId}/uncurate`],
    ['kernel_disable', disabled, `kernels/${disabled}/disable`],
    ['kernel_enable', disabled, `kernels/${disabled}/enable`],
    ['host_vouch', hostId, `hosts/${hostId}/vouch`],
    ['host_unvouch', hostId, `hosts/${hostId}/unvouch`],
    ['host_ban', hostId, `hosts/${hostId}/ban`],
    ['host_unban', hostId, `hosts/${hostId}/unban`],
    ['job_cancel', jobId, `jobs/${jobId}/cancel`],
  ];
  expect(await lastAct()).toMatchObject({ act: 'token_create', target: tokenId, reason });
  for (const [act, target, path] of deeds) {
    expect((await post(path, { reason })).status).toBe(200);
    expect(await lastAct()).toMatchObject({ act, target, reason, tokenName: 'operator' });
  }
  for (const target of ['mintDailyMicro', 'allowanceMicro']) {
    const before = settingsSchema.parse(await (await grid.fetch('/v1/settings')).json());
    const set = (value: unknown) =>
      grid.fetch('/v1/settings', { ...json({ [target]: value }), method: 'PATCH' });
    expect((await set('5000000')).status).toBe(200);
    const line = { act: 'settings_change', target, detail: '5000000', tokenName: 'operator' };
    expect(await lastAct()).toMatchObject(line);
    await set(before[target as keyof typeof before]);
  }
  // These have tests of their own: archive.test.ts, backup.test.ts.
  const elsewhere = ['token_create', 'settings_change', 'job_remove', 'backup', 'restore'];
  expect([...deeds.map(([act]) => act), ...elsewhere].sort()).toEqual([...acts].sort());
});

describe('the list of hosts', () => {
  const list = async () => hostListSchema.parse(await (await grid.fetch('/v1/hosts')).json());
  const stateOf = async (hostId: string) =>
    (await list()).hosts.find((host) => host.hostId === hostId)?.state;

  test('has all that have worked here, and how each stands', async () => {
    const [asks, rests, left, idle, banned] = await Promise.all(
      [1, 2, 3, 4, 5].map(() => joinVolunteer(grid.url)),
    );
    if (!asks || !rests || !left || !idle || !banned) throw new Error('five have joined');
    await grid.submit(3);
    for (const host of [rests, left, banned]) await host.finish(await host.take(1));
    for (const host of [left, idle]) host.cut();
    await post(`hosts/${banned.hostId}/ban`, { reason: 'noise' });
    asks.ask(1);
    // It may be given what another one did, to check it.
    await Promise.race([asks.next('noWork'), asks.next('lease')]);
    await Promise.all([left.ended, idle.ended, banned.ended]);
    while ((await stateOf(left.hostId)) !== 'away') await asks.settled();
    expect(await stateOf(asks.hostId)).toBe('connected');
    expect(await stateOf(rests.hostId)).toBe('paused');
    expect(await stateOf(banned.hostId)).toBe('banned');
    // It said hello and did nothing.
    expect(await stateOf(idle.hostId)).toBeUndefined();
    while (!(await list()).hosts.some(({ results }) => results > 0)) await asks.settled();
    const { hosts } = await list();
    expect(hosts.find(({ hostId }) => hostId === left.hostId)).toMatchObject({
      name: 'a volunteer',
      repute: 'newcomer',
      wrong: 0,
      platform: null,
      connectedSince: null,
    });
    expect(hosts.findIndex(({ state }) => state === 'away')).toBeGreaterThan(1);
    await post(`hosts/${banned.hostId}/unban`);
    expect((await grid.fetch('/v1/hosts?after=x')).status).toBe(400);
  });
});

describe('a banned host', () => {
  const ban = async (id: string, reason: string) => {
    const reply = await post(`hosts/${id}/ban`, { reason });
    expect(reply.status).toBe(200);
    return banViewSchema.parse(await reply.json());
  };
  const unban = (id: string) => post(`hosts/${id}/unban`);
  const list = async () => hostListSchema.parse(await (await grid.fetch('/v1/hosts')).json());

  test('[O2] is sent away with 4410 and stays away; its units go to others at once', async () => {
    const keys = newKeys();
    const bad = await joinVolunteer(grid.url, { keys });
    const good = await joinVolunteer(grid.url);
    const jobId = await grid.submit(2);
    await bad.take(2);
    good.ask(2);
    await good.next('noWork');
    expect(await ban(bad.hostId, 'returns noise')).toMatchObject({ reason: 'returns noise' });
    expect(await bad.next('notice')).toMatchObject({ code: 'host_banned' });
    expect(await bad.ended).toEqual({ code: 4410, reason: 'host_banned' });
    const units = (await good.next('lease')).leases;
    expect(await good.finish(units)).toHaveLength(1);
    await good.finish(await good.take(1));
    expect(await grid.ended(jobId)).toMatchObject({ state: 'complete', canonical: 2 });

    const again = await openVolunteer(grid.url, { keys });
    again.send(await again.hello());
    expect((await again.ended).code).toBe(4410);
    expect((await list()).bans).toMatchObject([{ id: bad.hostId, reason: 'returns noise' }]);
    expect((await unban(bad.hostId)).status).toBe(200);
    expect((await joinVolunteer(grid.url, { keys })).hostId).toBe(bad.hostId);
    expect((await list()).bans).toEqual([]);
  });

  test('uploads nothing with the token that its session had', async () => {
    const host = await joinVolunteer(grid.url);
    const { bytes, name } = aLargeOutput({ stdout: Buffer.alloc(2000), files: {} });
    const put = () =>
      fetch(`${grid.url}/v1/artifacts/${name}`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${host.welcome?.uploadToken}` },
        body: Uint8Array.from(bytes),
      });
    expect((await put()).status).toBe(201);
    await ban(host.hostId, '');
    expect(await refusal(await put())).toMatchObject({ status: 403, code: 'host_banned' });
    await unban(host.hostId);
  });

  test('may be a whole account: every host of it goes', async () => {
    const { account } = newKeys();
    const hosts = [
      await joinVolunteer(grid.url, { keys: newKeys(account) }),
      await joinVolunteer(grid.url, { keys: newKeys(account) }),
    ];
    const id = hosts[0]?.welcome?.accountId ?? '';
    await ban(id, 'a farm of liars');
    for (const host of hosts) expect((await host.ended).code).toBe(4410);
    expect(await lastAct()).toMatchObject({ act: 'host_ban', target: id });
    await unban(id);
  });

  test('is named by its id; what is not banned cannot be unbanned', async () => {
    expect((await post('hosts/everyone/ban')).status).toBe(400);
    const error = await refusal(await unban('h0123456789abcdef'));
    expect(error).toMatchObject({ status: 404, code: 'ban_unknown' });
  });

  test('is one of those that are listed while they are connected', async () => {
    const { connected } = await list();
    const host = await joinVolunteer(grid.url, { hello: { name: 'listed', cores: 3 } });
    const now = await list();
    expect(now.connected).toBe(connected + 1);
    expect(now.hosts[0]).toMatchObject({ hostId: host.hostId, name: 'listed', cores: 3 });
  });
});

test('[C5] an operator’s own job is curated; one is, and no longer, and both are logged', async () => {
  const jobId = await grid.submit(1);
  // An operator's own job is curated from the start.
  expect((await grid.show(jobId)).curated).toBe(true);
  expect(await change(jobId, 'curate', { reason: 'reviewed' })).toMatchObject({ curated: true });
  expect(await lastAct()).toMatchObject({ act: 'job_curate', target: jobId, reason: 'reviewed' });
  expect(await change(jobId, 'uncurate')).toMatchObject({ curated: false });
  expect((await post('jobs/j0123456789abcdef0/curate')).status).toBe(404);
});

test('the mint’s daily budget is set, logged, and lifted', async () => {
  const patch = (body: object) => grid.fetch('/v1/settings', { ...json(body), method: 'PATCH' });
  const settings = async () =>
    settingsSchema.parse(await (await grid.fetch('/v1/settings')).json());
  expect(await settings()).toMatchObject({ mintDailyMicro: null });
  await patch({ mintDailyMicro: '900000000000000000' });
  expect(await settings()).toMatchObject({ mintDailyMicro: '900000000000000000' });
  const what = { act: 'settings_change', target: 'mintDailyMicro', detail: '900000000000000000' };
  expect(await lastAct()).toMatchObject(what);
  await patch({});
  expect(await settings()).toMatchObject({ mintDailyMicro: '900000000000000000' });
  await patch({ mintDailyMicro: null });
  expect(await settings()).toMatchObject({ mintDailyMicro: null });
  for (const body of [{ mintDailyMicro: 5 }, { mintDailyMicro: '-5' }, { mintWeekly: '5' }]) {
    expect((await patch(body)).status).toBe(400);
  }
});

test.each([
  ['POST', 'hosts/h0123456789abcdef0/ban'],
  ['POST', 'hosts/h0123456789abcdef0/unban'],
  ['GET', 'hosts'],
  ['POST', `kernels/sha256:${'0'.repeat(64)}/disable`],
  ['POST', `kernels/sha256:${'0'.repeat(64)}/enable`],
  ['GET', 'kernels/disabled'],
  ['POST', 'jobs/j0123456789abcdef0/curate'],
  ['GET', 'settings'],
  ['PATCH', 'settings'],
])('%s /v1/%s is for operators alone', async (method, path) => {
  const authorization = `Bearer ${await grid.makeToken('submit', 'read')}`;
  const reply = await grid.fetch(`/v1/${path}`, { method, headers: { authorization } });
  expect(await refusal(reply)).toMatchObject({ status: 403, code: 'forbidden' });
  const anonymous = await fetch(`${grid.url}/v1/${path}`, { method });
  expect(anonymous.status).toBe(401);
});

/** How much a host gets at once, over real sockets. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type RealGrid, startRealGrid } from '../../support/real-grid.ts';
import { aFailure, aSuccess, joinVolunteer, newKeys, unitsOf } from '../../support/volunteer.ts';

let grid: RealGrid;
beforeAll(async () => {
  grid = await startRealGrid();
});
afterAll(() => grid.stop());
afterEach(() => grid.cancelAll());

const many = { units: { range: { count: 100_000 } } };
const small = { hello: { cores: 2 } };

test('a stranger gets two units a thread, and more as it gets them done', async () => {
  await grid.submit(1, many);
  const host = await joinVolunteer(grid.url, small);
  const first = await host.want(256);
  expect(first.flatMap(unitsOf)).toHaveLength(4);
  const want = host.ask(256);
  const answer = await host.next('noWork', (message) => message.want === want);
  expect(answer).toMatchObject({ reason: 'enough_in_hand', retryAfterMs: null });
  await host.finish(first);
  const { leases } = await host.next('lease', (message) => message.want === want);
  await host.finish(leases);
  expect((await host.want(256)).flatMap(unitsOf).length).toBeGreaterThan(4);
});

test('however many sessions a host has, it is one host', async () => {
  await grid.submit(1, many);
  const keys = newKeys();
  const one = await joinVolunteer(grid.url, { keys, ...small });
  const other = await joinVolunteer(grid.url, { keys, ...small });
  expect((await one.want(3)).flatMap(unitsOf)).toHaveLength(3);
  expect((await other.want(3)).flatMap(unitsOf)).toHaveLength(1);
});

test('of long units a host gets few, although it asks for many', async () => {
  await grid.submit(1, many);
  const host = await joinVolunteer(grid.url, { hello: { cores: 2 } });
  const leases = await host.want(4);
  for (const lease of leases) {
    const results = unitsOf(lease).map((unit) => aSuccess(unit, { fuel: 1e10, wallMs: 40_000 }));
    await host.report(lease.token, results);
  }
  // Two minutes of work for two threads: three units of forty seconds.
  expect((await host.want(256)).flatMap(unitsOf)).toHaveLength(3);
});

test('a host whose runs fail one after the other is told when to ask again', async () => {
  await grid.submit(1, many);
  const host = await joinVolunteer(grid.url, { hello: { cores: 4 } });
  const [lease] = await host.want(3);
  const spoiled = unitsOf(lease ?? { units: [] }).map((unit) =>
    aFailure(unit, { outcome: 'host_error' }),
  );
  await host.report(lease?.token ?? '', spoiled);
  const want = host.ask(1);
  const answer = await host.next('noWork', (message) => message.want === want);
  const { reason, retryAfterMs } = answer;
  expect(reason).toBe('backing_off');
  expect(retryAfterMs).toBeGreaterThan(50_000);
});

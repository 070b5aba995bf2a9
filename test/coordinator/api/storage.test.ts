import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { paidUnits } from '../../support/paid-units.ts';
import { json, type RealGrid, startRealGrid } from '../../support/real-grid.ts';
import { joinVolunteer, openVolunteer, unitsOf, type Volunteer } from '../../support/volunteer.ts';

let grid: RealGrid;
beforeAll(async () => {
  grid = await startRealGrid();
});
afterAll(() => grid.stop());
afterEach(async () => {
  await untilStored();
  await grid.cancelAll();
});

/** Waits until Redis is back. */
async function untilStored(): Promise<void> {
  while ((await grid.fetch('/v1/jobs')).status !== 200) await wait(20);
}

test('[W2] [W3] what was acknowledged is there, once and paid once, however often Redis is killed', async () => {
  const jobId = await grid.submit(1200);
  const acknowledged = new Set<number>();
  const work = async (host: Volunteer) => {
    for (;;) {
      for (const lease of await host.want(16)) {
        const verdicts = await host.finish([lease]);
        expect(new Set(verdicts)).toEqual(new Set(['accepted']));
        for (const unit of unitsOf(lease)) acknowledged.add(unit);
      }
    }
  };
  const hosts = await Promise.all([1, 2, 3].map(() => joinVolunteer(grid.url)));
  // Their last wants are never answered: the sessions end with the test.
  const working = Promise.race(hosts.map(work));
  for (const killAt of [100, 400, 700]) {
    await Promise.race([working, until(() => acknowledged.size >= killAt)]);
    await grid.killRedis();
    const before = [...acknowledged];
    await untilStored();
    const stored = new Set((await grid.results(jobId)).map(({ unit }) => unit));
    expect(before.filter((unit) => !stored.has(unit))).toEqual([]);
  }
  await Promise.race([working, until(() => acknowledged.size === 1200)]);
  working.catch(() => undefined);
  const lines = await grid.results(jobId);
  expect(lines.map(({ unit }) => unit)).toEqual(Array.from({ length: 1200 }, (_, i) => i));
  expect(await grid.ended(jobId)).toMatchObject({
    state: 'complete',
    canonical: 1200,
    creditMicro: String(1200 * 1000),
  });
  await until(async () => (await paidUnits(grid)).units >= 1200);
  const { units, grants } = await paidUnits(grid);
  expect(units).toBe(1200);
  await until(async () => (await earned()) >= 1000 * grants);
  expect(await earned()).toBeLessThanOrEqual(1000 * (await paidUnits(grid)).grants);

  async function earned() {
    const standings = await grid.standings();
    return standings.reduce((sum, { creditMicro }) => sum + Number(creditMicro), 0);
  }
});

test('without Redis a hello is told to come again, and HTTP that nothing was accepted', async () => {
  const host = await openVolunteer(grid.url);
  const hello = await host.hello();
  await grid.killRedis();
  host.send(hello);
  const document = { name: 'x', kernel: grid.kernel, units: { range: { count: 1 } } };
  const replies = await Promise.all([
    grid.fetch('/v1/jobs', json(document)),
    ...['/v1/jobs', '/v1/leaderboard', '/', '/readyz', '/healthz'].map((path) => grid.fetch(path)),
  ]);
  expect(replies.map(({ status }) => status)).toEqual([503, 503, 503, 503, 503, 200]);
  expect(await host.ended).toEqual({ code: 1013, reason: 'unavailable' });
  for (let isBack = false; !isBack; ) {
    const next = await openVolunteer(grid.url);
    const end = await Promise.race([next.greet().then(() => 'welcomed' as const), next.ended]);
    isBack = end === 'welcomed';
    if (end !== 'welcomed') expect(end.code).toBe(1013);
  }
  expect((await grid.fetch('/readyz')).status).toBe(200);
});

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await wait(5);
}

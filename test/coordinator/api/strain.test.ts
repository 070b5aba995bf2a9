/** A coordinator that is made slow: by its disk, as it seems, or by its own process. */
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import type { WhyView } from '../../../protocol/why.ts';
import { type RealGrid, startRealGrid } from '../../support/real-grid.ts';
import { aSuccess, joinVolunteer, openVolunteer, type Volunteer } from '../../support/volunteer.ts';

let grid: RealGrid;
beforeAll(async () => {
  grid = await startRealGrid();
});
afterAll(() => grid.stop());
beforeEach(() => untilCalm());
afterEach(() => grid.cancelAll());

/** A host that the grid knows, because it has reported, with a unit in hand. */
async function aKnownHost(): Promise<{ host: Volunteer; unit: () => Promise<void> }> {
  const host = await joinVolunteer(grid.url);
  await host.finish(await host.take(1));
  const [lease] = await host.take(1);
  if (lease === undefined) throw new Error('no lease');
  const at = lease.units[0]?.[0] ?? 0;
  return {
    host,
    unit: async () => expect(await host.report(lease.token, [aSuccess(at)])).toEqual(['accepted']),
  };
}

/** Asks again and again, and gives back what it gets, until it is sent away. */
async function untilRefused(host: Volunteer) {
  for (;;) {
    const id = host.ask(1);
    const answer = await Promise.race([
      host.next('lease', ({ want }) => want === id),
      host.next('noWork', ({ want }) => want === id),
    ]);
    if (answer.type === 'noWork') return answer;
    for (const { token, units } of answer.leases) host.release(token, units);
    await wait(100);
  }
}

/** Two seconds, where nothing else goes on. */
const untilCalm = () => expect.poll(() => figure('strain'), { timeout: 20_000 }).toBe(0);

const figure = async (name: string): Promise<number> => {
  const text = await (await grid.fetch('/metrics')).text();
  const line = text.split('\n').find((each) => each.startsWith(`manyhands_${name} `));
  return Number(line?.split(' ').at(-1));
};

test('[W9] while commits stand still wants are sent away, results are taken, and strangers come later', async () => {
  const jobId = await grid.submit(1000);
  const { host, unit } = await aKnownHost();
  const stranger = await openVolunteer(grid.url);
  const { host: sleeper } = await aKnownHost();
  sleeper.cut();
  const full = await joinVolunteer(grid.url, { hello: { cores: 1 } });
  const inHand = await full.take(2);
  const kept = full.ask(1);
  await full.next('noWork', ({ want, reason }) => want === kept && reason === 'enough_in_hand');

  const goOn = grid.stallRedis();
  onTestFinished(goOn);
  const reported = Promise.all([unit(), full.finish(inHand)]);
  const refused = await untilRefused(host);
  expect(refused).toMatchObject({ reason: 'strained' });
  expect(refused.retryAfterMs).toBeGreaterThanOrEqual(2000);
  stranger.send(await stranger.hello());
  goOn();
  await reported;

  // Two seconds it takes to be calm again. Who is known comes in meanwhile.
  expect(await stranger.ended).toEqual({ code: 1013, reason: 'crowded' });
  await joinVolunteer(grid.url, { keys: sleeper.keys });
  const why = (await (await grid.fetch(`/v1/jobs/${jobId}/why`)).json()) as WhyView;
  expect(['strained', 'in_turn']).toContain(why.reason);
  await full.next('lease', ({ want }) => want === kept);
  await untilCalm();
  expect(await figure('wants_refused_total{reason="strained"}')).toBeGreaterThanOrEqual(1);
  await joinVolunteer(grid.url);
  expect(await host.want(1)).toHaveLength(1);
});

test('[W9] while its event loop is late wants are sent away, and results are taken', async () => {
  await grid.submit(1000);
  const { host, unit } = await aKnownHost();
  // Longer than a strained loop is late, with a turn for what has come in between.
  const blocked = setInterval(() => {
    for (const until = performance.now() + 600; performance.now() < until; );
  }, 1);
  onTestFinished(() => clearInterval(blocked));
  expect(await untilRefused(host)).toMatchObject({ reason: 'strained' });
  await unit();
  clearInterval(blocked);
  expect(await host.want(1)).toHaveLength(1);
});

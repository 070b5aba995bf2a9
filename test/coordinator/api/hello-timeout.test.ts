/**
 * A connection that never says hello. In a file of its own, because the machine's timers are put
 * forward: they run on as ever, and jump when the test says so.
 */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type RealGrid, startRealGrid } from '../../support/real-grid.ts';
import { joinVolunteer, openVolunteer } from '../../support/volunteer.ts';

let grid: RealGrid;
beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: true });
  grid = await startRealGrid();
});
afterAll(async () => {
  await grid.stop();
  vi.useRealTimers();
});

test('whoever says no hello within 10 s is sent away with 4408; whoever did stays', async () => {
  const polite = await joinVolunteer(grid.url);
  const silent = await openVolunteer(grid.url);
  vi.advanceTimersByTime(9000);
  await silent.settled();
  expect(silent.received).toHaveLength(1);
  vi.advanceTimersByTime(1000);
  expect(await silent.next('notice')).toMatchObject({ code: 'hello_timeout' });
  expect(await silent.ended).toEqual({ code: 4408, reason: 'hello_timeout' });
  await polite.settled();
  polite.ask(1);
  await polite.next('noWork');
});

/** Hosts that are connected and say nothing for a while: they are slow, or far away, and not gone. */
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RealGrid, startRealGrid } from '../../support/real-grid.ts';
import { joinVolunteer } from '../../support/volunteer.ts';

let grid: RealGrid;
beforeAll(async () => {
  grid = await startRealGrid();
});
afterAll(() => grid.stop());

/** A satellite's round trip thrice over, or a machine that swaps. */
const silentMs = 2500;

test('the only host of a grid keeps its session when it answers nothing for some seconds', async () => {
  const host = await joinVolunteer(grid.url);
  host.freeze();
  await wait(silentMs);
  host.thaw();
  await grid.submit(1);
  expect(await host.finish(await host.want(1))).toEqual(['accepted']);
});

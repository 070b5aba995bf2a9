/** A job of which every unit is decided waits for its checks, and for nobody who is not there. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Lease } from '../../../protocol/messages.ts';
import { type RealGrid, startRealGrid } from '../../support/real-grid.ts';
import { joinVolunteer, type Volunteer } from '../../support/volunteer.ts';

let grid: RealGrid;
beforeAll(async () => {
  grid = await startRealGrid();
});
afterAll(() => grid.stop());

test('[W8] a check counts when it is done, though nobody is left for the others that were ordered with it', async () => {
  const first = await joinVolunteer(grid.url);
  const second = await joinVolunteer(grid.url);
  const jobId = await grid.submit(2);
  const ofFirst = await first.want(1);
  const ofSecond = await second.want(1);
  await Promise.all([first.finish(ofFirst), second.finish(ofSecond)]);
  // The closing rule orders a check of each, by the other. Where two agree, both have passed.
  const [checkBySecond, checkByFirst] = await Promise.all([check(second), check(first)]);
  await first.finish(checkByFirst);
  for (const { token, units } of checkBySecond) second.release(token, units);
  second.send({ type: 'bye' });
  await second.ended;
  first.ask(1);
  expect(await grid.ended(jobId)).toMatchObject({ state: 'complete', unchecked: 0 });
});

/** Waits for the one unit that the other has done. */
async function check(volunteer: Volunteer): Promise<Lease[]> {
  const leases = await volunteer.want(1);
  expect(leases).toHaveLength(1);
  return leases;
}

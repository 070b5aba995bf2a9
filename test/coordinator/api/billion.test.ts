import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RealGrid, startRealGrid } from '../../support/real-grid.ts';
import { joinVolunteer } from '../../support/volunteer.ts';

let grid: RealGrid;
beforeAll(async () => {
  grid = await startRealGrid();
});
afterAll(() => grid.stop());

test('[W7] a job of a billion units costs Redis less than a megabyte, and is worked on at once', async () => {
  const before = await grid.redisBytes();
  const jobId = await grid.submit(1, { units: { range: { count: 1_000_000_000 } } });
  const submitted = await grid.redisBytes();
  expect(submitted - before).toBeLessThan(100_000);
  const host = await joinVolunteer(grid.url);
  for (let part = 0; part < 4; part++) await host.finish(await host.take(128));
  expect((await grid.redisBytes()) - before).toBeLessThan(1_000_000);
  expect(await grid.show(jobId)).toMatchObject({ units: 1_000_000_000, canonical: 512 });
  await grid.cancel(jobId);
});

/** Two coordinators that share a grid: one of them clears, and the other one when that is gone. */
import { mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type PrivateRedis, startPrivateRedis } from '../../support/private-redis.ts';
import { type RealGrid, startRealGrid } from '../../support/real-grid.ts';
import { aLargeOutput, aSuccess, joinVolunteer, unitsOf } from '../../support/volunteer.ts';

let redis: PrivateRedis;
let folder: string;
let grids: RealGrid[];
beforeAll(async () => {
  redis = await startPrivateRedis();
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'mh-clearing-')));
  const start = () =>
    startRealGrid(undefined, {
      ...{ redisUrl: redis.url, sharedDir: folder },
      clearing: { everyMs: 200, graceMs: 1000, restMs: 2500 },
    });
  grids = [await start(), await start()];
});
afterAll(async () => {
  for (const grid of grids) await grid.stop();
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
});

const names = () => readdirSync(join(folder, 'artifacts'), { recursive: true, encoding: 'utf8' });
const isThere = (digest: string) =>
  names().some((path) => path.includes(digest.slice('sha256:'.length)));
const cleared = async (grid: RealGrid): Promise<number> => {
  const metrics = await (await grid.fetch('/metrics')).text();
  return Number(/^manyhands_artifacts_cleared_total (\d+)/m.exec(metrics)?.[1]);
};
const gone = (digest: string) =>
  vi.waitFor(() => expect(isThere(digest)).toBe(false), { timeout: 30_000, interval: 50 });

test('[W10] the steward clears, and when it is gone another one; an output that was reported elsewhere stays', async () => {
  const [one, two] = grids as [RealGrid, RealGrid];
  const jobId = await one.submit(1);
  const host = await joinVolunteer(two.url);
  const [lease] = await host.take(1);
  if (lease === undefined) throw new Error('no lease');
  const { bytes, digest, name } = aLargeOutput({ stdout: Buffer.alloc(5000, 'x'), files: {} });
  const headers = { authorization: `Bearer ${host.welcome?.uploadToken}` };
  const put = { method: 'PUT', body: new Uint8Array(bytes), headers };
  expect((await one.fetch(`/v1/artifacts/${name}`, put)).status).toBe(201);
  const [unit = 0] = unitsOf(lease);
  expect(await host.report(lease.token, [aSuccess(unit, { digest, output: null })])).toEqual([
    'accepted',
  ]);
  await gone(await two.put(Buffer.from('nobody names it')));
  const counts = await Promise.all(grids.map(cleared));
  expect(counts.filter((count) => count > 0)).toHaveLength(1);
  const steward = counts[0] === 0 ? two : one;
  const other = steward === one ? two : one;

  host.cut();
  await steward.stop();
  grids = [other];
  const lost = await other.put(Buffer.from('nobody names it either'));
  await gone(lost);
  expect(await cleared(other)).toBeGreaterThan(0);
  expect(await other.results(jobId)).toMatchObject([{ output: 'x'.repeat(5000) }]);
  expect(isThere(other.kernel)).toBe(true);
});

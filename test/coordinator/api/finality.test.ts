/**
 * Finality as scientists and volunteers see it: what a coordinator does when a month has passed is done here, by
 * the same code upon the same Redis, with a clock that is ahead.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dayMs } from '../../../coordinator/domain/day.ts';
import { factsOf } from '../../../coordinator/domain/job.ts';
import { KnownHosts } from '../../../coordinator/domain/trust/known-hosts.ts';
import { finaliseCredit } from '../../../coordinator/flow/finalise-credit.ts';
import { finaliseResults } from '../../../coordinator/flow/finalise-results.ts';
import type { Store } from '../../../coordinator/store/store.ts';
import { resultLineSchema } from '../../../protocol/http.ts';
import { type RealGrid, startRealGrid } from '../../support/real-grid.ts';
import { joinVolunteer } from '../../support/volunteer.ts';

let grid: RealGrid;
let store: Store;
beforeAll(async () => {
  grid = await startRealGrid();
  store = await grid.openStore();
});
afterAll(async () => {
  await store.close();
  await grid.stop();
});

/** What the grid's rounds would do by then, over and over. */
async function inDays(days: number): Promise<void> {
  const { partitions } = await store.grid.open({ gridId: '', partitions: 0, createdAt: 0 });
  const context = {
    store,
    jobs: {
      known: () => null,
      facts: async (jobId: string) => {
        const job = await store.jobs.read(jobId);
        return job === null ? null : factsOf(job);
      },
    },
    knownHosts: new KnownHosts(),
    now: () => Date.now() + days * dayMs,
    log: pino({ level: 'silent' }),
  };
  for (let partition = 0; partition < partitions; partition++)
    await finaliseResults(context, partition);
  await finaliseCredit(context);
}

test('[T5] [C3] results and credit are final when their hold is over, and counted apart until then', async () => {
  const jobId = await grid.submit(3);
  const host = await joinVolunteer(grid.url);
  await host.finish(await host.take(3));
  expect(await grid.ended(jobId)).toMatchObject({ canonical: 3, final: 0 });
  const verdicts = async () => (await grid.results(jobId)).map(({ verdict }) => verdict);
  expect(await verdicts()).toEqual(['accepted', 'accepted', 'accepted']);
  const pending = async () => {
    const { balances } = await store.ledger.allBalances();
    return [...balances.keys()].filter((name) => name.endsWith(':pending'));
  };
  while ((await pending()).length === 0) await wait(20);

  // Nobody was there who could confirm what a newcomer said: it is held for two months.
  for (const days of [0, 8, 32, 59]) await inDays(days);
  expect(await grid.show(jobId)).toMatchObject({ final: 0 });
  await inDays(62);
  expect(await grid.show(jobId)).toMatchObject({ state: 'complete', canonical: 3, final: 3 });
  expect(await verdicts()).toEqual(['final', 'final', 'final']);
  for (const line of await grid.results(jobId)) resultLineSchema.parse(line);
  expect(await pending()).toEqual([]);
});

// Behind the other: the ledger's time has gone on by two months there, and does not go back.
test('[C2] who comes late is told that it is not needed; it is noted, and what was given back is never paid', async () => {
  const jobId = await grid.submit(2);
  const slow = await joinVolunteer(grid.url);
  const fast = await joinVolunteer(grid.url);
  const late = await slow.take(2);
  for (const { token, units } of late) slow.release(token, units);
  await slow.settled();
  await fast.finish(await fast.take(2));
  for (const verdicts of [await slow.finish(late), await slow.finish(late)])
    expect(verdicts).toEqual(['not_needed', 'not_needed']);
  expect(await grid.ended(jobId)).toMatchObject({ canonical: 2 });
  expect(await store.readLate(jobId)).toHaveLength(2);
  const earned = async () =>
    (await grid.standings()).map(({ accountId, units }) => [accountId, units]);
  const mine = [fast.welcome?.accountId, 2];
  await expect.poll(earned).toContainEqual(mine);
  for (const days of [0, 62]) await inDays(days);
  expect(await grid.show(jobId)).toMatchObject({ final: 2 });
  expect(await store.readLate(jobId)).toEqual([]);
  expect(await store.readOutbox(0, await store.ledger.watermark(0), 9)).toEqual([]);
  expect((await earned()).map(([id]) => id)).not.toContain(slow.welcome?.accountId);
});

/** What scientists and volunteers see of the archive, which is nothing; and of one that a disk has harmed. */
import { existsSync, readdirSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { dayMs } from '../../../coordinator/domain/day.ts';
import { KnownHosts } from '../../../coordinator/domain/trust/known-hosts.ts';
import { archiveJobs } from '../../../coordinator/flow/archive-jobs.ts';
import { archiveJournals } from '../../../coordinator/flow/archive-journals.ts';
import { finaliseResults } from '../../../coordinator/flow/finalise-results.ts';
import type { Store } from '../../../coordinator/store/store.ts';
import { encodeOutput } from '../../../protocol/output.ts';
import { json, type RealGrid, refusal, startRealGrid } from '../../support/real-grid.ts';
import { aSuccess, joinVolunteer, sha256, unitsOf } from '../../support/volunteer.ts';

let grid: RealGrid;
let store: Store;
beforeAll(async () => {
  grid = await startRealGrid();
  store = await grid.openStore();
  await store.grid.open({ gridId: '', partitions: 0, createdAt: 0 });
});
afterAll(async () => {
  await store.close();
  await grid.stop();
});
beforeEach(() => grid.cancelAll());

const archive = async () => {
  await archiveJournals({ store }, 0);
};
/** What the rounds do when so many days have passed. */
async function inDays(days: number): Promise<void> {
  const facts = (jobId: string) => store.jobs.read(jobId);
  await finaliseResults(
    {
      store,
      jobs: { known: () => null, facts },
      knownHosts: new KnownHosts(),
      now: () => Date.now() + days * dayMs,
      log: pino({ level: 'silent' }),
    },
    0,
  );
}
/** Keys with its id in their names, but for what BullMQ keeps of its last entries. */
async function namedInRedis(jobId: string): Promise<string[]> {
  const redis = new Redis({ path: join(grid.dataDir, 'redis', 'redis.sock') });
  const names = await redis.keys(`*${jobId}*`);
  redis.disconnect();
  return names.filter((name) => !name.includes(':shards:'));
}
const folderOf = (jobId: string) => join(grid.dataDir, 'archive', 'jobs', jobId);
const text = async (path: string) => (await grid.fetch(path)).text();
const keptOf = async (jobId: string, shards: number[]) =>
  (await store.archive.lengths(jobId, shards)).filter((length) => length > 0).length;

const aText = (unit: number) => {
  const output = encodeOutput({ stdout: Buffer.from(`about ${unit} `.repeat(20)), files: {} });
  return aSuccess(unit, { output, digest: sha256(output) });
};

/** A job of three shards of which all is decided. */
async function aDoneJob(): Promise<string> {
  const jobId = await grid.submit(600);
  const host = await joinVolunteer(grid.url);
  for (let left = 600; left > 0; ) {
    const leases = await host.take(Math.min(left, 100));
    for (const lease of leases) {
      const results = unitsOf(lease).map((unit) =>
        unit % 97 === 5 ? aText(unit) : aSuccess(unit),
      );
      await host.report(lease.token, results);
      // Checks of what others have done before come in between.
      if (lease.jobId === jobId) left -= results.length;
    }
  }
  host.cut();
  expect(await grid.show(jobId)).toMatchObject({ canonical: 600 });
  return jobId;
}

test('[W7] a job that is final leaves Redis, with all that was there of it, and is shown as before', async () => {
  const jobId = await aDoneJob();
  // Nobody else has ever been here, so nobody is waited for.
  await grid.ended(jobId);
  const standing = async () => (await grid.fetch(`/v1/standings/job/${jobId}`)).status;
  while ((await standing()) !== 200) await wait(20);
  // What nobody has confirmed is held for two months.
  for (const days of [0, 8, 32, 59, 62]) await inDays(days);
  await archive();
  const paths = ['', '/results', '/revocations', '/document', '/units/300/credit'];
  const look = () => Promise.all(paths.map((path) => text(`/v1/jobs/${jobId}${path}`)));
  const before = await look();
  expect(JSON.parse(before[0] ?? '')).toMatchObject({ state: 'complete', final: 600 });
  expect(await namedInRedis(jobId)).not.toEqual([]);
  // Not before all that its last step pays was paid.
  while ((await namedInRedis(jobId)).length > 0) {
    await archiveJobs({ store }, 0, 0);
    await wait(20);
  }
  expect(readdirSync(folderOf(jobId))).toContain('job.json');
  expect(await look()).toEqual(before);
  expect(await standing()).toBe(404);
  await grid.restart();
  expect(await look()).toEqual(before);
  expect((await (await grid.fetch('/v1/jobs')).text()).includes(jobId)).toBe(true);
  expect(await text('/v1/ledger')).toContain('"end"');
  const curated = await grid.fetch(`/v1/jobs/${jobId}/curate`, json({ reason: 'late' }));
  expect(await refusal(curated)).toMatchObject({ status: 409, code: 'job_over' });

  truncateSync(join(folderOf(jobId), 'job.json'), 20);
  await grid.restart();
  const shown = await grid.fetch(`/v1/jobs/${jobId}`);
  expect(await refusal(shown)).toMatchObject({ code: 'archive_damaged' });
  expect((await (await grid.fetch('/v1/jobs')).text()).includes(jobId)).toBe(false);
  expect(await grid.ended(await aDoneJob())).toMatchObject({ state: 'complete' });
});

test('a job is removed when all of it is final, for good; the books stay', async () => {
  const jobId = await aDoneJob();
  const remove = () => grid.fetch(`/v1/jobs/${jobId}/remove`, json({ reason: 'published' }));
  expect(await refusal(await remove())).toMatchObject({ status: 409, code: 'job_held' });
  await grid.ended(jobId);
  for (const days of [0, 8, 32, 59, 62]) await inDays(days);
  const ledger = await text('/v1/ledger');
  const stranger = { authorization: `Bearer ${await grid.makeToken('submit')}` };
  const theirs = await grid.fetch(`/v1/jobs/${jobId}/remove`, {
    method: 'POST',
    headers: stranger,
  });
  expect(await refusal(theirs)).toMatchObject({ code: 'forbidden' });
  let reply = await remove();
  // What its last step pays may not be paid yet.
  while (reply.status === 409) {
    await wait(20);
    reply = await remove();
  }
  expect(await reply.json()).toMatchObject({ jobId, final: 600 });
  for (const path of ['', '/results', '/document', '/units/1/credit'])
    expect((await grid.fetch(`/v1/jobs/${jobId}${path}`)).status).toBe(404);
  expect(await refusal(await remove())).toMatchObject({ status: 404, code: 'job_unknown' });
  expect(await text('/v1/jobs')).not.toContain(jobId);
  expect(existsSync(folderOf(jobId))).toBe(false);
  expect(readdirSync(join(grid.dataDir, 'archive', 'incoming'))).toEqual([]);
  expect(await namedInRedis(jobId)).toEqual([]);
  expect(await text('/v1/audit-log')).toContain('job_remove');
  expect((await text('/v1/ledger')).startsWith(ledger.split('\n')[0] ?? '-')).toBe(true);
});

test('[W2] [W7] results are the same bytes before and after their journals have left Redis, from any unit on', async () => {
  const jobId = await aDoneJob();
  // Its closing changes what is shown of it.
  await grid.ended(jobId);
  const paths = [0, 255, 256, 300, 599, 600].map(
    (from) => `/v1/jobs/${jobId}/results?from=${from}`,
  );
  const asked = [...paths, `/v1/jobs/${jobId}`, `/v1/jobs/${jobId}/units/300/credit`];
  const before = await Promise.all(asked.map(text));
  expect(before[0]?.trim().split('\n')).toHaveLength(600);
  expect(await keptOf(jobId, [0, 1, 2])).toBe(3);
  await archive();
  expect(await keptOf(jobId, [0, 1, 2])).toBe(0);
  expect(readdirSync(folderOf(jobId))).toEqual(['splits-000000.journals']);
  expect(await Promise.all(asked.map(text))).toEqual(before);
  await grid.restart();
  expect(await text(asked[0] ?? '')).toBe(before[0]);
});

test('[W3] a report that is repeated when its shard is in the archive gets the answer it got at first', async () => {
  const jobId = await grid.submit(3);
  const host = await joinVolunteer(grid.url);
  const [lease] = await host.take(3);
  if (lease === undefined) throw new Error('no lease');
  const results = unitsOf(lease).map((unit) => aSuccess(unit));
  const first = await host.report(lease.token, results);
  expect(first).toEqual(results.map(() => 'accepted'));
  await grid.cancel(jobId);
  await archive();
  expect(await keptOf(jobId, [0])).toBe(0);
  expect(await host.report(lease.token, results)).toEqual(first);
  host.cut();
});

test('a file of the archive that is gone or harmed is told with its job, and nothing else is touched by it', async () => {
  const [jobId, other] = [await aDoneJob(), await aDoneJob()];
  await archive();
  const whole = await text(`/v1/jobs/${other}/results`);
  const file = join(folderOf(jobId), 'splits-000000.journals');
  await grid.restart();
  for (const harm of [() => truncateSync(file, 100), () => rmSync(file)]) {
    harm();
    const reply = await grid.fetch(`/v1/jobs/${jobId}/results`);
    expect(await refusal(reply)).toMatchObject({ status: 500, code: 'archive_damaged' });
    expect(await grid.show(jobId)).toMatchObject({ canonical: 600 });
    expect(await text(`/v1/jobs/${other}/results`)).toBe(whole);
  }
  await aDoneJob();
});

test('one who reports to a shard that is lost is refused, and who reports with them is not', async () => {
  const lost = await grid.submit(1);
  const host = await joinVolunteer(grid.url);
  const [lease] = await host.take(1);
  if (lease === undefined) throw new Error('no lease');
  await host.report(lease.token, [aSuccess(0)]);
  await grid.cancel(lost);
  await archive();
  rmSync(folderOf(lost), { recursive: true });
  await grid.restart();
  const keys = host.keys;
  const [again, another] = await Promise.all([
    joinVolunteer(grid.url, { keys }),
    joinVolunteer(grid.url),
  ]);
  await grid.submit(10);
  const leases = await another.take(10);
  const answers = await Promise.all([
    again.report(lease.token, [aSuccess(0)]),
    another.finish(leases),
  ]);
  expect(answers[0]).toEqual({ refused: 'archive_damaged' });
  expect(new Set(answers[1])).toEqual(new Set(['accepted']));
});

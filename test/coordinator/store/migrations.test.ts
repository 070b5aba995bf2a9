/** Data of an earlier format: a copy of each that was released opens and works on, and steps are taken in order. */
import { mkdtempSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { restoreBackup } from '../../../coordinator/backup/restore.ts';
import { GridFormatUnknown } from '../../../coordinator/store/grid-store.ts';
import { keys } from '../../../coordinator/store/keys.ts';
import { type Migration, migrate } from '../../../coordinator/store/migrations.ts';
import { type PrivateRedis, startPrivateRedis } from '../../support/private-redis.ts';
import { startRealGrid } from '../../support/real-grid.ts';
import { joinVolunteer } from '../../support/volunteer.ts';

/** Units that were paid in all. From format 4 on there is a job of twenty units in the archive. */
test.each([
  ['format-2', 12],
  ['format-3', 12],
  ['format-4', 32],
])(
  'a grid of %s opens as it was kept: its results, credit and bans; and its job is done',
  async (name, paid) => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'mh-format-')));
    await restoreBackup({
      source: join(import.meta.dirname, `../../fixtures/${name}`),
      dataDir: folder,
      reason: 'a test',
      now: Date.now(),
      log: () => undefined,
    });
    const grid = await startRealGrid(folder);
    try {
      const { jobs } = (await (await grid.fetch('/v1/jobs')).json()) as {
        jobs: { jobId: string }[];
      };
      const jobId = jobs[0]?.jobId ?? '';
      expect(await grid.show(jobId)).toMatchObject({ name, units: 20, canonical: 12 });
      const lines = await grid.results(jobId);
      expect(lines.map(({ unit }) => unit)).toEqual(Array.from({ length: 12 }, (_, unit) => unit));
      expect(lines[0]?.output).toBe('x'.repeat(2000));
      const [archived] = jobs.slice(1);
      const done = archived === undefined ? [] : await grid.results(archived.jobId);
      expect(lines.length + done.length).toBe(paid);
      const credit = { units: paid, creditMicro: `${paid}000` };
      expect(await grid.standings()).toMatchObject([credit]);
      const hosts = await (await grid.fetch('/v1/hosts')).json();
      expect(hosts).toMatchObject({ bans: [{ id: 'h0000000000000000', reason: 'an example' }] });

      const host = await joinVolunteer(grid.url);
      await host.finish(await host.take(8));
      expect(await grid.ended(jobId)).toMatchObject({ state: 'complete', canonical: 20 });
      expect(await (await grid.fetch('/v1/ledger')).text()).toContain('"end"');
      const store = await grid.openStore();
      const held = await store.jobs.listHeld(0);
      const ours = held.filter((job) => job.jobId === jobId);
      expect(ours).toMatchObject([{ jobId, shards: 1, shardsFinal: 0 }]);
      expect((await store.archive.listKept(0)).map(({ jobId }) => jobId)).toContain(jobId);
      await store.close();
    } finally {
      await grid.stop();
    }
  },
);

describe('migrate', () => {
  let server: PrivateRedis;
  let redis: Redis;
  beforeEach(async () => {
    server = await startPrivateRedis();
    redis = new Redis(server.connection);
    await redis.hset(keys.grid, { format: '2', gridId: 'a-grid' });
  });
  afterEach(async () => {
    redis.disconnect();
    await server.stop();
  });

  const format = () => redis.hget(keys.grid, 'format');
  const step = (from: string, to: string): Migration => ({
    from,
    to,
    run: async (on) => void (await on.append('steps', `${from}→${to} `)),
  });
  const steps = [step('3', '4'), step('2', '3')];

  test('takes the steps that lead to the format wanted, one after the other', async () => {
    await migrate(redis, '2', '4', steps);
    expect(await redis.get('steps')).toBe('2→3 3→4 ');
    expect(await format()).toBe('4');
  });

  test('a step that fails leaves the format before it, and is taken again', async () => {
    const failing = { ...step('3', '4'), run: () => Promise.reject(new Error('no')) };
    await expect(migrate(redis, '2', '4', [failing, step('2', '3')])).rejects.toThrow('no');
    expect(await format()).toBe('3');
    await migrate(redis, '3', '4', steps);
    expect(await redis.get('steps')).toBe('2→3 3→4 ');
  });

  test('refuses data that no steps lead from, and changes nothing', async () => {
    const asked = migrate(redis, '1', '4', steps);
    await expect(asked).rejects.toThrow(GridFormatUnknown);
    await expect(asked).rejects.toThrow('this Redis holds data format 1; this program reads 4');
    expect(await redis.exists('steps')).toBe(0);
  });

  test('refuses data that a coordinator works on', async () => {
    await redis.set(keys.owner, 'c1', 'PX', 10_000);
    await expect(migrate(redis, '2', '4', steps)).rejects.toThrow(/a coordinator works on it/);
    expect(await format()).toBe('2');
  });
});

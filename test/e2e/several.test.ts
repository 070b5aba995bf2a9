/**
 * Two coordinators on one Redis, as processes, with volunteers at both and behind a door that leads to either: the
 * job completes whichever of them is killed or stopped in the middle of it.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { TcpProxy } from '../chaos/tcp-proxy.ts';
import { paidUnits } from '../support/paid-units.ts';
import { type PrivateRedis, startPrivateRedis } from '../support/private-redis.ts';
import { submitExponents } from './exponents.ts';
import { GridProcesses, type Volunteer } from './processes.ts';

/** About a third of a second each on an idle machine, so that there is a middle. */
const units = 24;
const firstExponent = 7001;

/** Seconds when the machine is idle; several times as long when everything else is tested as well. */
vi.setConfig({ testTimeout: 180_000 });

let redis: PrivateRedis;
let shared: string;
let first: GridProcesses;
let second: GridProcesses;
/** Of those who come through the door. */
let others: GridProcesses;
let door: TcpProxy;
let volunteers: Volunteer[];

const start = (grid: GridProcesses) =>
  grid.startCoordinator({ args: ['--redis', redis.url, '--shared-folder', shared] });

beforeEach(async () => {
  redis = await startPrivateRedis();
  shared = mkdtempSync(join(tmpdir(), 'mh-shared-'));
  [first, second, others] = [new GridProcesses(), new GridProcesses(), new GridProcesses()];
  await Promise.all([start(first), start(second)]);
  // As a load balancer does: each connection to another one; who is away refuses it, and the next goes elsewhere.
  let turn = 0;
  door = await TcpProxy.open(() => Number(new URL([first, second][turn++ % 2]?.url ?? '').port));
  others.url = `http://127.0.0.1:${door.port}`;
  volunteers = [
    first.startVolunteer('amber'),
    second.startVolunteer('birch'),
    others.startVolunteer('cedar'),
  ];
});
afterEach(async () => {
  await Promise.all([first, second, others].map((grid) => grid.dispose()));
  await door.close();
  await redis.stop();
  rmSync(shared, { recursive: true, force: true });
});

const submit = (grid: GridProcesses) =>
  submitExponents(grid, { from: firstExponent, count: units, step: 2 });

/** The units that volunteers were told are accepted; those of checks are among them. */
const acknowledged = (): number[] =>
  volunteers
    .flatMap((volunteer) => volunteer.events())
    .flatMap((event) => (event.type === 'recorded' ? event.verdicts : []))
    .filter(({ verdict }) => verdict === 'accepted')
    .map(({ unit }) => unit);

async function expectAllThere(grid: GridProcesses, jobId: string): Promise<void> {
  const job = await grid.until(jobId, ({ state }) => state === 'complete');
  expect(job).toMatchObject({ canonical: units, failed: 0 });
  const lines = await grid.results(jobId);
  expect(lines.map(({ unit }) => unit)).toEqual(Array.from({ length: units }, (_, unit) => unit));
  for (const { params, output } of lines) {
    const { exponent } = output as { exponent: number };
    expect(exponent).toBe(params['p']);
  }
  const micro = lines.reduce((sum, { fuel }) => sum + Math.floor(Number(fuel) / 1e6), 0);
  expect(job.creditMicro).toBe(String(micro));
  // The replay of the ledger finds whoever was paid twice for a unit; checks are paid too.
  await expect.poll(async () => (await paidUnits(grid)).units, { timeout: 20_000 }).toBe(units);
  const verified = await grid.run('ledger', 'verify', '--token-file', grid.tokenPath);
  expect(verified).toMatchObject({ code: 0, stderr: '' });
}

test('[O6] of two coordinators on one Redis each shows what either did, and kill -9 of one loses nothing', async () => {
  const jobId = await submit(first);
  const seen = await second.until(jobId, ({ canonical }) => canonical >= 6);
  expect(seen.units).toBe(units);
  const told = acknowledged();
  await first.killCoordinator('SIGKILL');
  const kept = (await second.results(jobId)).map(({ unit }) => unit);
  expect(told.filter((unit) => !kept.includes(unit))).toEqual([]);
  await expectAllThere(second, jobId);
  // Started again it finds its place among the others.
  await start(first);
  await expectAllThere(first, jobId);
});

test('[O6] both coordinators are stopped and started one after the other, and no unit is lost or computed for nothing', async () => {
  const jobId = await submit(second);
  await second.until(jobId, ({ canonical }) => canonical >= 3);
  expect((await first.killCoordinator('SIGTERM')).code).toBe(0);
  await start(first);
  await first.until(jobId, ({ canonical }) => canonical >= 9);
  expect((await second.killCoordinator('SIGTERM')).code).toBe(0);
  await start(second);
  await expectAllThere(first, jobId);
  const verdicts = volunteers
    .flatMap((volunteer) => volunteer.events())
    .flatMap((event) => (event.type === 'recorded' ? event.verdicts : []));
  // A copy of one of the last units may come late.
  const inVain = verdicts.filter(({ verdict }) => verdict === 'not_needed');
  expect(inVain.length).toBeLessThanOrEqual(volunteers.length);
  const codes = await Promise.all([others, first, second].map((grid) => grid.stop()));
  expect(codes.flatMap((ended) => ended.codes)).toEqual([0, 0, 0, 0, 0]);
});

test('[O5] a backup has what is in the shared folder, and a grid restored from it is one again', async () => {
  const jobId = await submit(first);
  await first.until(jobId, ({ canonical }) => canonical >= 1);
  // Whoever asks the books has all that was paid moved into their files; a unit is paid a moment after it is accepted.
  const asksTheBooks = async () => {
    const verified = await second.run('ledger', 'verify', '--token-file', second.tokenPath);
    expect(verified.code).toBe(0);
    return readdirSync(shared);
  };
  await expect.poll(asksTheBooks, { timeout: 30_000 }).toContain('ledger');
  const [folder, data] = [join(others.folder, 'backup'), join(others.folder, 'coordinator')];
  const where = ['--redis', redis.url, '--shared-folder', shared];
  const taken = await first.command('backup', folder, '--data', dirname(first.tokenPath), ...where);
  expect(taken).toMatchObject({ code: 0 });
  expect(await others.command('restore', folder, '--data', data)).toMatchObject({ code: 0 });
  for (const name of ['artifacts', 'ledger', 'folder.id', 'operator.token'])
    expect(readdirSync(data)).toContain(name);
});

test('a coordinator without the folder, or with another one, is refused and says what to do', async () => {
  const alone = new GridProcesses();
  await expect(alone.startCoordinator({ args: ['--redis', redis.url] })).rejects.toThrow(
    /grid_owned[\s\S]*--shared-folder/,
  );
  const elsewhere = join(alone.folder, 'elsewhere');
  await expect(
    alone.startCoordinator({ args: ['--redis', redis.url, '--shared-folder', elsewhere] }),
  ).rejects.toThrow(/folder_mismatch[\s\S]*same --shared-folder/);
  await alone.dispose();
});

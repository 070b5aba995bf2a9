/**
 * Whatever is killed with SIGKILL in the middle of a job, and started again: the job completes, every
 * unit has one right result, is paid once, and nothing that a volunteer was told is recorded is gone.
 */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { paidUnits } from '../support/paid-units.ts';
import { submitExponents } from './exponents.ts';
import { GridProcesses, type Volunteer } from './processes.ts';

/**
 * Exponents that take about a second each, so that there is a middle, and the fingerprints of their
 * last terms, by jobs/mersenne/oracle.ts.
 */
const fingerprints = new Map([
  [9883, 'F595332E84F9FFF1'],
  [9887, '325A89CE0341370E'],
  [9901, 'F598539466C01B56'],
  [9907, '5E9E60A5344D8301'],
  [9923, '4D22F9F08121FF1E'],
  [9929, 'ECA5D56647C5498A'],
  [9931, '8D8B18B312A9ABA3'],
  [9941, '0000000000000000'],
  [9949, 'AACEE3CA64FEF55E'],
  [9967, '2A737201E545DCE6'],
  [9973, '18157DB4BC99E72A'],
  [10007, '2CC5456D685892E3'],
]);
const exponents = [...fingerprints.keys()];

/** Seconds when the machine is idle; several times as long when everything else is tested as well. */
vi.setConfig({ testTimeout: 120_000 });

let grid: GridProcesses;
let volunteers: Volunteer[];
beforeEach(async () => {
  grid = new GridProcesses();
  await grid.startCoordinator();
  volunteers = ['amber', 'birch'].map((name) => grid.startVolunteer(name));
});
afterEach(() => grid.dispose());

const restartVolunteers = async () => {
  await Promise.all(volunteers.map((volunteer) => volunteer.kill('SIGKILL')));
  volunteers = volunteers.map(({ name }) => grid.startVolunteer(name));
};

test.each<[string, () => Promise<void>]>([
  ['the volunteers', restartVolunteers],
  [
    'the coordinator',
    async () => {
      await grid.killCoordinator('SIGKILL');
      await grid.startCoordinator();
    },
  ],
  ['Redis', () => grid.killRedis()],
  [
    'all of them',
    async () => {
      await grid.killCoordinator('SIGKILL');
      await grid.killRedis();
      await restartVolunteers();
      await grid.startCoordinator();
    },
  ],
])('[W2] [W3] [V1] killing %s loses nothing and pays nothing twice', async (_what, killThem) => {
  const jobId = await submitExponents(grid, exponents);
  await grid.until(jobId, ({ canonical }) => canonical >= 3);
  await killThem();
  const acknowledged = volunteers.flatMap(acceptedBy);
  expect(acknowledged.length).toBeGreaterThan(0);
  await grid.until(jobId, () => true);
  const kept = (await grid.results(jobId)).map(({ unit }) => unit);
  expect(acknowledged.filter((unit) => !kept.includes(unit))).toEqual([]);

  const job = await grid.until(jobId, ({ state }) => state === 'complete');
  expect(job).toMatchObject({ units: 12, canonical: 12, failed: 0, running: 0, waiting: 0 });
  const lines = await grid.results(jobId);
  expect(lines.map(({ unit }) => unit)).toEqual(exponents.map((_, unit) => unit));
  expect(lines.map(({ params, output }) => [params['p'], fingerprintOf(output)])).toEqual([
    ...fingerprints,
  ]);

  // Each unit is paid at the fuel of its one result, each posting rounded down.
  const micro = lines.reduce((sum, { fuel }) => sum + Math.floor(Number(fuel) / 1e6), 0);
  expect(job.creditMicro).toBe(String(micro));
  // The replay of the ledger finds whoever was paid twice for a unit; checks are paid too.
  await expect.poll(async () => (await paidUnits(grid)).units, { timeout: 10_000 }).toBe(12);

  expect(await grid.stop()).toEqual({ codes: [0, 0, 0], processes: [], temporary: [] });
});

const fingerprintOf = (output: unknown) => (output as { res64: string }).res64;

/** The units that this volunteer was told are accepted, in all of its lives. */
const acceptedBy = (volunteer: Volunteer): number[] =>
  volunteer
    .events()
    .flatMap((event) => (event.type === 'recorded' ? event.verdicts : []))
    .filter(({ verdict }) => verdict === 'accepted')
    .map(({ unit }) => unit);

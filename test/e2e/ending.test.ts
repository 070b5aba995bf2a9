/** Ending as one should: SIGTERM to the coordinator, Ctrl-C to a volunteer, and a Redis that keeps dying. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { processesIn } from '../cli/processes.ts';
import { GridProcesses, mersenneKernel } from './processes.ts';

/** Seconds when the machine is idle; several times as long when everything else is tested as well. */
vi.setConfig({ testTimeout: 120_000 });

let grid: GridProcesses;
beforeEach(async () => {
  grid = new GridProcesses();
  await grid.startCoordinator();
});
afterEach(() => grid.dispose());

/** A job of so many units, each the Lucas-Lehmer test of the exponent. */
async function submit(units: number, exponent: number): Promise<string> {
  const wasm = readFileSync(mersenneKernel);
  const kernel = `sha256:${createHash('sha256').update(wasm).digest('hex')}`;
  await grid.put(kernel, wasm);
  return await grid.submit({
    name: 'the same again and again',
    kernel,
    units: { sweep: { n: { count: units } } },
    run: { args: ['--exponent', String(exponent)] },
    limits: { memoryBytesMax: 16 * 1024 * 1024, outputBytesMax: 1024 },
  });
}

test('[V1] a coordinator that is stopped and started again costs its volunteers no unit', async () => {
  const jobId = await submit(8, 9689);
  const volunteer = grid.startVolunteer('amber');
  await grid.until(jobId, ({ canonical }) => canonical >= 2);
  const { code, stderr } = await grid.killCoordinator('SIGTERM');
  expect([code, stderr]).toEqual([0, expect.stringContaining('Draining')]);
  expect(processesIn(grid.folder).filter(({ args }) => !args.includes(' join '))).toEqual([]);

  await grid.startCoordinator();
  await grid.until(jobId, ({ state }) => state === 'complete');
  const events = volunteer.events();
  const of = (type: string) => events.filter((event) => event.type === type).length;
  // Every unit was begun once: what ran went on through the restart, and nothing was cancelled.
  expect([of('started'), of('ended'), of('cancelled')]).toEqual([8, 8, 0]);
  await grid.stop();
  expect(grid.coordinatorLog).not.toContain('lease expired');
});

test('[W5] [V1] what a volunteer had not begun at Ctrl-C is another’s at once', async () => {
  const jobId = await submit(60, 4423);
  const leaving = grid.startVolunteer('amber');
  // By then it knows how long units take and has a stock of them.
  await grid.until(jobId, ({ canonical, running }) => canonical >= 12 && running >= 4);
  const staying = grid.startVolunteer('birch');
  expect((await leaving.kill('SIGINT')).code).toBe(0);
  await grid.until(jobId, ({ state }) => state === 'complete');

  const events = leaving.events();
  const units = (type: 'started' | 'ended') =>
    events.flatMap((event) => (event.type === type ? [event.unit] : []));
  expect(units('ended').sort()).toEqual(units('started').sort());
  expect(events.some((event) => event.type === 'released')).toBe(true);
  // Either may have checked what the other did, and neither does a unit twice.
  const computed = [leaving, staying].map(({ events }) =>
    events().flatMap((event) => (event.type === 'ended' ? [event.unit] : [])),
  );
  for (const units of computed) expect(new Set(units).size).toBe(units.length);
  expect([...new Set(computed.flat())].sort((a, b) => a - b)).toEqual(
    Array.from({ length: 60 }, (_, unit) => unit),
  );
  expect(await grid.stop()).toEqual({ codes: [0, 0], processes: [], temporary: [] });
  expect(grid.coordinatorLog).not.toContain('lease expired');
});

test('a coordinator whose Redis keeps dying ends, and says where to look', async () => {
  for (let deaths = 0; deaths < 4; deaths++) {
    await grid.killRedis();
    const readiness = () => fetch(`${grid.url}/readyz`).then(({ status }) => status);
    await expect.poll(readiness, { timeout: 30_000 }).toBe(200);
  }
  await grid.killRedis();
  const { code, stderr } = await grid.coordinatorEnds();
  expect(code).toBe(2);
  expect(stderr).toContain('error[redis_crash_loop]');
  expect(processesIn(grid.folder)).toEqual([]);
});

/** Units that are saved while they run, as the agent sees it: a sandbox does as the test says. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join as joinPath } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { AgentOptions } from '../../worker/agent.ts';
import type { SavedRun } from '../../worker/sandbox/sandbox.ts';
import type { TestCoordinator } from '../support/test-coordinator.ts';
import { aFolder, aGrid, join } from './join.ts';
import { HeldSandbox, success } from './sandboxes.ts';

let grid: TestCoordinator;
let dataDir: string;
beforeEach(async () => {
  grid = await aGrid();
  grid.grants = false;
  dataDir = await aFolder();
});

const aSavedRun = (fuel: number, bytes = 100): SavedRun => ({
  digest: new Uint8Array(32).fill(fuel),
  bytes: new Uint8Array(bytes).fill(fuel),
  fuel,
});

/** One core, unit 1 running, and 2 and 3 in hand. */
async function atWork({ migratable = true, ...options }: Options = {}) {
  const job = grid.addJob({ units: 10, migratable });
  const joined = await join(grid, new HeldSandbox(), { cores: 1, dataDir, ...options });
  await grid.until(() => grid.of('want').length === 1);
  const lease = grid.grant(job.jobId, [1, 2, 3]);
  await expect.poll(() => joined.sandbox.started.length).toBe(1);
  return { ...joined, ...job, lease };
}
type Options = Partial<AgentOptions> & { migratable?: boolean };

/** The same, with unit 1 saved at fuel 5. */
async function savedAtWork() {
  const first = await atWork({ saveEveryMs: 1 });
  await expect.poll(() => first.sandbox.saves.length, { timeout: 10_000 }).toBe(1);
  first.sandbox.saves[0]?.(aSavedRun(5));
  await expect.poll(files).toHaveLength(1);
  return first;
}

/** Another agent in the same folder, and what it starts. */
async function nextLife(options: Partial<AgentOptions> = {}) {
  const joined = await join(grid, new HeldSandbox(), { cores: 1, dataDir, ...options });
  await expect.poll(() => joined.sandbox.started.length).toBe(1);
  return joined;
}

async function files(): Promise<string[]> {
  const [gridFolder] = await readdir(joinPath(dataDir, 'grids'));
  const folder = joinPath(dataDir, 'grids', gridFolder ?? '', 'snapshots');
  await mkdir(folder, { recursive: true });
  return (await readdir(folder)).map((name) => joinPath(folder, name));
}

/** Ends like kill -9: nothing is given back, and the folder is as it was. */
async function crash({ agent, sandbox }: Awaited<ReturnType<typeof atWork>>): Promise<void> {
  await grid.stop();
  await expect.poll(() => agent.status().connected).toBe(false);
  agent.stop();
  // The last save that it asks for comes to nothing.
  sandbox.saves.at(-1)?.(null);
  await agent.done;
  await grid.start();
}

describe('a unit of a migratable job', () => {
  test('is saved again and again, and its latest snapshot is on the disk', async () => {
    const { sandbox, events, kernel, jobId } = await atWork({ saveEveryMs: 1 });
    for (const fuel of [5, 6]) {
      await expect.poll(() => sandbox.saves.length, { timeout: 10_000 }).toBe(fuel - 4);
      sandbox.saves.at(-1)?.(aSavedRun(fuel, 100 * fuel));
      await expect.poll(() => events.filter(({ type }) => type === 'saved').length).toBe(fuel - 4);
    }
    expect(events.filter(({ type }) => type === 'saved')).toMatchObject([
      { unit: 1, fuel: 5, bytes: 500 },
      { unit: 1, fuel: 6, bytes: 600 },
    ]);
    const [file, ...others] = await files();
    expect(others).toEqual([]);
    expect(file).toContain(`${kernel.slice('sha256:'.length)}-${jobId}-1`);
    expect((await readFile(file ?? '')).length).toBe(32 + 8 + 600);
  });

  test('has no snapshot any more when its result is on the disk', async () => {
    const { sandbox } = await savedAtWork();
    sandbox.end(1);
    await expect.poll(files).toEqual([]);
  });

  test('[V1] goes on in the next life of the worker, and says so', async () => {
    const first = await savedAtWork();
    await crash(first);
    const { sandbox, events } = await nextLife();
    expect(sandbox.started[0]?.from).toEqual(aSavedRun(5));
    expect(events.find(({ type }) => type === 'started')).toMatchObject({ unit: 1, fuelBefore: 5 });
    sandbox.end();
    await grid.until(() => grid.reported.length === 1);
    expect(grid.reported[0]).toMatchObject({ leaseId: first.lease.leaseId, result: { unit: 1 } });
    await expect.poll(() => sandbox.started.length).toBe(2);
    expect(sandbox.started[1]).not.toHaveProperty('from');
  });

  test('begins again, once, when it cannot go on', async () => {
    const first = await savedAtWork();
    await crash(first);
    const { sandbox, events } = await nextLife();
    const hostError = { ...success(''), outcome: 'host_error', detail: 'It is damaged.' } as const;
    sandbox.end(1, hostError);
    await expect.poll(() => sandbox.started.length).toBe(2);
    expect(sandbox.started[1]).not.toHaveProperty('from');
    expect(sandbox.started[1]?.id).toBe(sandbox.started[0]?.id);
    await expect.poll(files).toEqual([]);
    expect(events.find(({ type }) => type === 'trouble')).toMatchObject({
      text: 'Unit 1 cannot go on from its snapshot and begins again. It is damaged.',
    });
    sandbox.end(1, hostError);
    await grid.until(() => grid.reported.length === 1);
    expect(grid.reported[0]?.result).toMatchObject({ unit: 1, outcome: 'host_error' });
  });

  test.each([
    ['is too short', (bytes: Buffer) => bytes.subarray(0, 30)],
    ['tells of impossible fuel', (bytes: Buffer) => Buffer.from(bytes).fill(255, 32, 40)],
  ])('begins again when its file %s', async (_, damage) => {
    const first = await savedAtWork();
    await crash(first);
    const [file = ''] = await files();
    await writeFile(file, damage(await readFile(file)));
    const { sandbox } = await nextLife();
    expect(sandbox.started[0]).not.toHaveProperty('from');
  });

  test('is saved at once at finish, and goes on to its end', async () => {
    const { agent, sandbox } = await atWork();
    expect(sandbox.saves).toHaveLength(0);
    agent.finish();
    await expect.poll(() => sandbox.saves.length).toBe(1);
    sandbox.saves[0]?.(aSavedRun(5));
    await expect.poll(files).toHaveLength(1);
    sandbox.end();
    expect(await agent.done).toMatchObject({ reason: 'finished', finished: 1, unreported: 0 });
    expect(await files()).toEqual([]);
  });

  test('[V1] is saved at stop and kept in hand, while all others are given back', async () => {
    const { agent, sandbox, lease } = await atWork();
    agent.stop();
    await expect.poll(() => sandbox.saves.length).toBe(1);
    await grid.until(() => grid.of('release').length === 1);
    sandbox.saves[0]?.(aSavedRun(5));
    expect(await agent.done).toMatchObject({ reason: 'stopped', finished: 0 });
    expect(grid.of('release')).toMatchObject([{ token: lease.token, units: [[2, 2]] }]);
    const next = await nextLife();
    expect(grid.of('hello')[1]?.leases).toEqual([{ token: lease.token, units: [[1, 1]] }]);
    expect(next.sandbox.started[0]?.from).toEqual(aSavedRun(5));
  });

  test('that reaches no checkpoint in time is given back at stop like any other', async () => {
    const { agent, lease } = await atWork();
    agent.stop();
    expect(await agent.done).toMatchObject({ reason: 'stopped' });
    const units = grid
      .of('release')
      .flatMap(({ token, units }) => (token === lease.token ? units : []));
    expect(units).toEqual([
      [2, 2],
      [1, 1],
    ]);
    expect(await files()).toEqual([]);
  });

  test('that is saved but does not run yet is not given back', async () => {
    const first = await savedAtWork();
    await crash(first);
    const { agent } = await join(grid, new HeldSandbox(), { cores: 1, dataDir });
    agent.pause();
    await grid.until(() => grid.of('release').length === 1);
    expect(grid.of('release')[0]?.units).toEqual([[2, 2]]);
    expect(await files()).toHaveLength(1);
  });

  test('whose lease does not stand any more leaves no snapshot', async () => {
    const first = await savedAtWork();
    await crash(first);
    grid.forget(first.lease.leaseId);
    await join(grid, new HeldSandbox(), { cores: 1, dataDir });
    await expect.poll(files).toEqual([]);
  });
});

test('a unit of any other job is never asked for a snapshot', async () => {
  const { agent, sandbox, lease } = await atWork({ migratable: false, saveEveryMs: 1 });
  const ticks = { passed: 0 };
  const counting = setInterval(() => ticks.passed++, 1000);
  onTestFinished(() => clearInterval(counting));
  await expect.poll(() => ticks.passed, { timeout: 10_000 }).toBe(2);
  agent.stop();
  await agent.done;
  expect(sandbox.saves).toHaveLength(0);
  expect(grid.of('release')).toMatchObject([{ token: lease.token, units: [[1, 3]] }]);
});

import { rm } from 'node:fs/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { Lifecycle } from '../../worker/lifecycle.ts';
import { nodePlatform } from '../../worker/platform/node.ts';
import type { TestCoordinator } from '../support/test-coordinator.ts';
import { aFolder, aGrid, aHost, join } from './join.ts';
import { echoSandbox, HeldSandbox, success } from './sandboxes.ts';

let grid: TestCoordinator;

beforeEach(async () => {
  grid = await aGrid();
});

/** A host with one core, unit 1 running, and 2 and 3 in hand. */
async function atWork(options: Parameters<typeof join>[2] = {}) {
  grid.grants = false;
  const { jobId } = grid.addJob({ units: 10 });
  const joined = await join(grid, new HeldSandbox(), { cores: 1, ...options });
  await grid.until(() => grid.of('want').length === 1);
  const lease = grid.grant(jobId, [1, 2, 3]);
  await expect.poll(() => joined.sandbox.started.length).toBe(1);
  return { ...joined, jobId, lease };
}

describe('finish', () => {
  test('gives back at once what has not begun, completes what runs, reports it and says bye', async () => {
    const { agent, sandbox, lease } = await atWork();
    agent.finish();
    await grid.until(() => grid.of('release').length === 1);
    expect(grid.of('release')[0]).toMatchObject({ token: lease.token, units: [[2, 2]] });
    expect(agent.status().reason.kind).toBe('finishing');
    sandbox.end();
    expect(await agent.done).toMatchObject({ reason: 'finished', finished: 1, unreported: 0 });
    await grid.until(() => grid.of('bye').length === 1);
    expect(grid.reported.map(({ result }) => result.unit)).toEqual([1]);
    expect(sandbox.isClosed).toBe(true);
    expect(agent.status().reason.kind).toBe('stopped');
  });

  test('asks for nothing more, and gives back what comes all the same', async () => {
    const { agent, sandbox, jobId } = await atWork();
    await grid.until(() => grid.of('want').length === 1);
    agent.finish();
    await grid.until(() => grid.of('release').length === 1);
    grid.grant(jobId, [8]);
    await grid.until(() => grid.of('release').length === 2);
    expect(grid.of('release')[1]?.units).toEqual([[8, 1]]);
    sandbox.end();
    await agent.done;
    expect(grid.of('want')).toHaveLength(1);
  });

  test('while paused completes what was frozen', async () => {
    const { agent, sandbox } = await atWork();
    agent.pause();
    agent.finish();
    expect(sandbox.isPaused).toBe(false);
    sandbox.end();
    expect(await agent.done).toMatchObject({ finished: 1, unreported: 0 });
  });

  test('without work in hand ends at once, also before the first connection', async () => {
    const { agent } = await join(grid);
    agent.finish();
    expect(await agent.done).toMatchObject({ reason: 'finished', finished: 0 });
  });
});

test('an agent that ends while its keys are made is not over before they are written', async () => {
  const happened: string[] = [];
  const dataDir = await aFolder();
  const create = async () => {
    // Whoever did not wait for the keys would be done by then.
    await new Promise((resolve) => setTimeout(resolve, 50));
    const key = await nodePlatform.keys.create();
    happened.push('keys made');
    return key;
  };
  const agent = new Lifecycle({
    platform: { ...nodePlatform, keys: { ...nodePlatform.keys, create } },
    sandbox: echoSandbox(),
    urls: [grid.url],
    place: dataDir,
    ...aHost,
  });
  agent.stop();
  await agent.done;
  happened.push('over');
  // As whoever owns the folder does then; it was not empty once, as keys were still being written.
  await rm(dataDir, { recursive: true });
  // The host's and the account's.
  expect(happened).toEqual(['keys made', 'keys made', 'over']);
});

describe('stop', () => {
  test('ends what runs and gives everything back', async () => {
    const { agent, sandbox, lease } = await atWork();
    agent.stop();
    expect(await agent.done).toMatchObject({ reason: 'stopped', finished: 0, unreported: 0 });
    await grid.until(() => grid.of('bye').length === 1);
    expect(grid.of('release')).toMatchObject([{ token: lease.token, units: [[1, 3]] }]);
    expect(sandbox.aborted).toEqual([`${lease.leaseId}/1`]);
    expect(grid.reported).toEqual([]);
  });

  test('after finish does not wait for what runs', async () => {
    const { agent, sandbox } = await atWork();
    agent.finish();
    agent.stop();
    expect(await agent.done).toMatchObject({ reason: 'stopped' });
    expect(sandbox.aborted).toHaveLength(1);
  });

  test('[V1] without a coordinator keeps finished units for the next worker in the folder', async () => {
    const dataDir = await aFolder();
    const { agent, sandbox } = await atWork({ dataDir });
    await grid.stop();
    sandbox.end(1, success('the result'));
    await expect.poll(() => agent.status().unreported).toBe(1);
    agent.stop();
    expect(await agent.done).toMatchObject({ finished: 1, unreported: 1 });

    await grid.start();
    const second = echoSandbox();
    await join(grid, second, { dataDir, cores: 1 });
    await grid.until(() => grid.unitsReported().size === 3);
    expect(grid.reported.map(({ result }) => result.unit)).toEqual([1, 2, 3]);
    // Unit 1 was not computed twice: its result was on the disk.
    expect(second.runs.map(({ id }) => id.split('/')[1])).toEqual(['2', '3']);
  }, 15_000);
});

describe('pause', () => {
  test('freezes what runs, gives back what has not begun, and asks for nothing', async () => {
    const { agent, sandbox } = await atWork();
    agent.pause();
    expect(sandbox.isPaused).toBe(true);
    expect(agent.status().reason).toEqual({ kind: 'paused' });
    await grid.until(() => grid.of('release').length === 1);
    expect(grid.of('release')[0]?.units).toEqual([[2, 2]]);
    grid.grants = true;
    agent.resume();
    expect(sandbox.isPaused).toBe(false);
    sandbox.end();
    await grid.until(() => grid.reported.length === 1 && grid.of('want').length >= 2);
  });

  test('keeps the lease of what is frozen alive', async () => {
    grid.renewEveryMs = 50;
    const { agent } = await atWork();
    agent.pause();
    const before = grid.of('progress').length;
    await grid.until(() => grid.of('progress').length > before + 1);
  });
});

test('once: ends by itself when there has been no work for a while', async () => {
  grid.addJob({ units: 5 });
  const { agent } = await join(grid, undefined, { once: true });
  expect(await agent.done).toMatchObject({ reason: 'no_work', finished: 5, unreported: 0 });
}, 20_000);

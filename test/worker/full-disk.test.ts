import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { Lifecycle } from '../../worker/lifecycle.ts';
import { nodePlatform } from '../../worker/platform/node.ts';
import type { Storage } from '../../worker/platform/platform.ts';
import type { TestCoordinator } from '../support/test-coordinator.ts';
import { aFolder, aGrid, aHost } from './join.ts';
import { HeldSandbox, success } from './sandboxes.ts';

let grid: TestCoordinator;
let isFull: boolean;
beforeEach(async () => {
  grid = await aGrid();
  isFull = false;
});

/** A disk that takes nothing while it is full. */
function fillable(storage: Storage): Storage {
  const refuse = () => {
    if (isFull) throw new Error('ENOSPC: no space left on device');
  };
  return {
    ...storage,
    write: async (name, bytes) => {
      refuse();
      await storage.write(name, bytes);
    },
    openAppend: async (name) => {
      const file = await storage.openAppend(name);
      const append = async (bytes: Uint8Array) => {
        refuse();
        await file.append(bytes);
      };
      return { ...file, append };
    },
  };
}

test('on a full disk what was computed is still reported, nothing new is taken, and it recovers', async () => {
  grid.grants = false;
  const { jobId } = grid.addJob({ units: 10 });
  const sandbox = new HeldSandbox();
  const agent = new Lifecycle({
    platform: {
      ...nodePlatform,
      openStorage: async (place) => fillable(await nodePlatform.openStorage(place)),
    },
    sandbox,
    urls: [grid.url],
    place: await aFolder(),
    ...aHost,
  });
  onTestFinished(async () => {
    agent.stop();
    await agent.done;
  });
  await grid.until(() => grid.of('want').length === 1);
  grid.grant(jobId, [1]);
  await expect.poll(() => sandbox.started.length).toBe(1);

  isFull = true;
  sandbox.end(1, success(new Uint8Array(5000)));
  await grid.until(() => grid.reported.length === 1);
  await expect
    .poll(() => agent.status.reason)
    .toEqual({ kind: 'disk_full', why: expect.stringMatching('ENOSPC') });
  // The want that was on its way when the disk turned out to be full.
  expect(grid.of('want')).toHaveLength(2);
  grid.grant(jobId, [2]);
  await grid.until(() => grid.of('release').length === 1);

  isFull = false;
  await grid.until(() => grid.of('want').length === 3);
  expect(agent.status.unreported).toBe(0);
});

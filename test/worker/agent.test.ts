import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TestCoordinator } from '../support/test-coordinator.ts';
import { join } from './join.ts';
import { echoSandbox, HeldSandbox, success } from './sandboxes.ts';

let grid: TestCoordinator;

beforeEach(async () => {
  grid = await new TestCoordinator().start();
});
afterEach(() => grid.stop());

describe('working', () => {
  test('computes every unit of a job and reports each once', async () => {
    grid.addJob({ units: 40 });
    const { agent, sandbox } = await join(grid);
    await grid.until(() => grid.reported.length === 40);
    agent.finish();
    const end = await agent.done;
    expect(grid.unitsReported().size).toBe(40);
    expect(sandbox.runs).toHaveLength(40);
    expect(end).toMatchObject({ reason: 'finished', finished: 40, unreported: 0, fuel: 40_000 });
  });
});

/** Long units that are saved: a worker killed or stopped in the middle of one goes on with it. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { meterKernel } from '../../kernel/meter.ts';
import { encodeOutput } from '../../protocol/output.ts';
import type { AgentEvent } from '../../worker/agent.ts';
import { runKernel } from '../../worker/sandbox/runner.ts';
import { countdownInOneCall, countdownInSteps } from '../worker/sandbox/a-countdown.ts';
import { aRun, wasmOf } from '../worker/sandbox/a-kernel.ts';
import { GridProcesses, type Volunteer } from './processes.ts';

/** Seconds when the machine is idle; several times as long when everything else is tested as well. */
vi.setConfig({ testTimeout: 120_000 });

/** Five seconds on an idle machine, of which the first save comes after one: a worker that is late with
 *  it on a busy machine still meets the unit at work. */
const rounds = 75_000;
const kernels = {
  calling: countdownInOneCall(rounds),
  stepped: countdownInSteps(rounds),
};
const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest();

let grid: GridProcesses;
beforeEach(async () => {
  grid = new GridProcesses();
  await grid.startCoordinator();
});
afterEach(() => grid.dispose());

/** A job of one long unit. */
async function submit(wasm: Uint8Array): Promise<string> {
  const kernel = `sha256:${sha256(wasm).toString('hex')}`;
  await grid.put(kernel, new Uint8Array(wasm));
  const units = { range: { count: 1 } };
  return await grid.submit({ name: 'a long one', kernel, units, migratable: true });
}

/** What the unit gives when nothing comes between: metered as for a job that cannot be saved. */
function uninterrupted(jobId: string, wasm: Uint8Array): { fuel: string; digest: string } {
  const module = new WebAssembly.Module(
    new Uint8Array(meterKernel(wasm, { memoryPagesMax: 256 }).wasm),
  );
  const seed = sha256(`${jobId}/0`).readBigUInt64BE();
  const { fuel, stdout, files } = runKernel(module, aRun({ seed, fuelMax: 1e12 }));
  const digest = `sha256:${sha256(encodeOutput({ stdout, files })).toString('hex')}`;
  return { fuel: String(fuel), digest };
}

type Of<Type> = Extract<AgentEvent, { type: Type }>;
const eventsOf = <Type extends AgentEvent['type']>(volunteer: Volunteer, type: Type) =>
  volunteer.events().filter((event): event is Of<Type> => event.type === type);
const waitFor = (volunteer: Volunteer, type: AgentEvent['type'], count = 1) =>
  expect
    .poll(() => eventsOf(volunteer, type).length, { timeout: 60_000 })
    .toBeGreaterThanOrEqual(count);

function snapshotFiles(name: string): string[] {
  const grids = join(grid.folder, name, 'grids');
  return readdirSync(grids).flatMap((id) => {
    const folder = join(grids, id, 'snapshots');
    return readdirSync(folder).map((file) => join(folder, file));
  });
}

/** It ended once, in the second life, and is worth what it would be without all this. */
async function expectTheSameResult(jobId: string, wasm: Uint8Array, volunteer: Volunteer) {
  await grid.until(jobId, ({ state }) => state === 'complete');
  await expect.poll(() => eventsOf(volunteer, 'recorded').length, { timeout: 20_000 }).toBe(1);
  expect(eventsOf(volunteer, 'ended')).toMatchObject([{ unit: 0, outcome: 'success' }]);
  expect(await grid.results(jobId)).toMatchObject([uninterrupted(jobId, wasm)]);
  expect(snapshotFiles('amber')).toEqual([]);
}

test.each(Object.entries(kernels))(
  '[V1] [S3] a worker killed in a long unit (%s) goes on with it: less to burn, and the same in the end',
  async (_, wasm) => {
    const jobId = await submit(wasm);
    const first = grid.startVolunteer('amber', '--save-every', '1');
    await waitFor(first, 'saved');
    await first.kill('SIGKILL');
    expect(eventsOf(first, 'ended')).toEqual([]);

    const second = grid.startVolunteer('amber', '--save-every', '1');
    await waitFor(second, 'started', 2);
    const [begun, resumed] = eventsOf(second, 'started');
    expect(begun?.fuelBefore).toBe(0);
    const saved = eventsOf(first, 'saved').map(({ fuel }) => fuel);
    expect(saved).toContain(resumed?.fuelBefore);
    await expectTheSameResult(jobId, wasm, second);
    // All it burned in its second life is what was missing.
    const [{ fuel = 0 } = {}] = eventsOf(second, 'ended');
    expect(fuel - (resumed?.fuelBefore ?? 0)).toBeLessThan(fuel);
  },
);

test('[V1] Ctrl-C saves a long unit at once, a second one ends the worker, and the next one goes on', async () => {
  const wasm = kernels.calling;
  const jobId = await submit(wasm);
  const leaving = grid.startVolunteer('amber');
  await waitFor(leaving, 'started');
  leaving.signal('SIGINT');
  await waitFor(leaving, 'saved');
  const { code, stderr } = await leaving.kill('SIGINT');
  expect(code).toBe(0);
  expect(stderr).toContain('saved here');
  expect(eventsOf(leaving, 'released')).toEqual([]);

  const back = grid.startVolunteer('amber');
  await waitFor(back, 'started', 2);
  expect(eventsOf(back, 'started')[1]?.fuelBefore).toBeGreaterThan(0);
  await expectTheSameResult(jobId, wasm, back);
});

test('a snapshot that was damaged on the disk costs a beginning, and nothing else', async () => {
  const wasm = kernels.stepped;
  const jobId = await submit(wasm);
  const first = grid.startVolunteer('amber', '--save-every', '1');
  await waitFor(first, 'saved');
  await first.kill('SIGKILL');
  const [file = ''] = snapshotFiles('amber');
  const bytes = readFileSync(file);
  writeFileSync(file, bytes.fill(1, bytes.length >> 1));

  const second = grid.startVolunteer('amber');
  await waitFor(second, 'trouble');
  expect(eventsOf(second, 'trouble')[0]?.text).toContain('cannot go on from its snapshot');
  await expectTheSameResult(jobId, wasm, second);
});

test('a job is not taken as migratable whose kernel can be saved nowhere', async () => {
  const idle = wasmOf('(module (memory (export "memory") 1) (func (export "_start")))');
  await expect(submit(idle)).rejects.toThrow(/kernel_refused.*step\(\).*checkpoint\(\)/s);
});

/**
 * Kernels that fail in every way a kernel can, run by two real volunteers: each unit ends as failed,
 * with a reason that the scientist reads in the terminal, in `show` and in the results.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { JobView } from '../../protocol/http.ts';
import { command, wat } from '../kernel/support/wat.ts';
import { GridProcesses } from './processes.ts';

/** Seconds when the machine is idle; several times as long when everything else is tested as well. */
vi.setConfig({ testTimeout: 120_000 });

const grid = new GridProcesses();
beforeAll(async () => {
  await grid.startCoordinator();
  // A failure needs a second opinion, of another account.
  for (const name of ['amber', 'birch']) grid.startVolunteer(name);
});
afterAll(async () => {
  const stopped = await grid.stop().finally(() => grid.dispose());
  expect(stopped).toEqual({ codes: [0, 0, 0], processes: [], temporary: [] });
});

/** Writes kernel and document; returns the document's path. */
function aJob(name: string, wasm: Uint8Array, change: object = {}): string {
  writeFileSync(join(grid.folder, `${name}.wasm`), wasm);
  const document = { name, kernel: `${name}.wasm`, units: { range: { count: 3 } }, ...change };
  writeFileSync(join(grid.folder, `${name}.json`), JSON.stringify(document));
  return join(grid.folder, `${name}.json`);
}

const endless = '(loop $again (br $again))';
/** Writes 64 KiB to stdout, again and again. */
const flood = wat(`(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "\\10\\00\\00\\00\\00\\00\\01\\00")
  (func (export "_start")
    (loop $again
      (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
      (br $again))))`);
/** Grows its memory until it is refused, and traps then, as libraries do. */
const hungry = command(
  `(func $eat
  (loop $again (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
  unreachable)`,
  'call $eat',
);

test.each<[string, Uint8Array, object, RegExp]>([
  ['traps', command('', 'unreachable'), {}, /kernel_trap.*unreachable/],
  ['exits', command('', '(call $exit (i32.const 7))'), {}, /kernel_exit with code 7/],
  ['loops', command('', endless), { limits: { fuelMax: '1000000' } }, /fuel_exhausted.*1000000/],
  ['floods', flood, { limits: { outputBytesMax: 100_000 } }, /output_exceeded.*100000/],
  ['grows', hungry, { limits: { memoryBytesMax: 1_048_576 } }, /memory_exceeded/],
])(
  '[W1] a kernel that %s fails its units, and the scientist reads why',
  async (name, wasm, change, why) => {
    const submitted = await grid.run('submit', aJob(name, wasm, change), '--wait', '--json');
    expect([submitted.code, submitted.stderr]).toEqual([3, expect.stringMatching(why)]);
    const { jobId } = JSON.parse(submitted.stdout) as JobView;

    const shown = JSON.parse((await grid.run('show', jobId, '--json')).stdout) as JobView;
    expect(shown).toMatchObject({ state: 'complete', units: 3, canonical: 0, failed: 3 });
    const lines = (await grid.run('results', jobId)).stdout.trim().split('\n');
    for (const line of lines) {
      expect(JSON.parse(line)).toMatchObject({
        verdict: 'invalid',
        output: null,
        detail: expect.stringMatching(why),
      });
    }
    expect(lines).toHaveLength(3);
  },
);

test('a kernel that imports something unknown is refused before anybody runs it', async () => {
  const wasm = wat(`(module (import "env" "system" (func (param i32)))
    (memory (export "memory") 1) (func (export "_start")))`);
  const { code, stderr } = await grid.run('submit', aJob('imports', wasm), '--wait');
  expect(code).toBe(2);
  expect(stderr).toContain('error[kernel_refused]');
  expect(stderr).toMatch(/env.*system/);
});

test('the volunteers live on, and a good kernel is done', async () => {
  const { code, stderr } = await grid.run('submit', aJob('good', command('')), '--wait');
  expect([code, stderr]).toEqual([0, expect.stringContaining('3 of 3 units done')]);
});

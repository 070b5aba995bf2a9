/**
 * Modules that are cheap to send and dear to compile. 20 kB with 1,000 locals in 2,000 nested loops
 * took V8 59 s and 2.5 GB. The meter refuses each shape, and soon; where one comes through, the
 * compiler cannot be interrupted, and the sandbox process ends with the run's wall time.
 */
import { expect, it } from 'vitest';
import { inspectKernel } from '../../kernel/inspect.ts';
import { openSandbox } from '../../worker/sandbox/node/sandbox-process.ts';
import {
  type Bytes,
  bodyOf,
  commandOf,
  concat,
  leb,
  repeated,
  times,
} from '../kernel/support/module-bytes.ts';
import { aMeteredKernel, aProgram, aRun } from '../worker/sandbox/a-kernel.ts';
import { success } from './attack.ts';

const I32 = 0x7f;
const EMPTY = 0x40;
const [BLOCK, LOOP, IF, END, BR_TABLE, CONST, DROP] = [2, 3, 4, 0x0b, 0x0e, 0x41, 0x1a];
const code = (bytes: Bytes, locals: [number, number][] = []) => commandOf([bodyOf(bytes, locals)]);
const nest = (opcodes: number[], depth: number) =>
  concat([times(depth, opcodes), times(depth, [END])]);

const bombs: [string, () => Uint8Array][] = [
  ['thousands of locals', () => code([], [[49_000, I32]])],
  ['locals in nested loops', () => code(nest([LOOP, EMPTY], 2_000), [[1_000, I32]])],
  ['loops in a row', () => code(times(200_000, [LOOP, EMPTY, END]), [[900, I32]])],
  ['blocks within each other', () => code(nest([BLOCK, EMPTY], 100_000))],
  ['conditions within each other', () => code(nest([CONST, 1, IF, EMPTY], 100_000))],
  ['a function of 7 MB', () => code(times(2_300_000, [CONST, 0, DROP]))],
  ['a million functions', () => commandOf(repeated(1_000_000, bodyOf([])))],
  [
    'branch tables over many locals',
    () => code(concat([[CONST, 0, BR_TABLE], leb(500_000), times(500_001, [0])]), [[1_000, I32]]),
  ],
];

it.each(bombs)('[S2] a compile bomb is refused: %s', (_, build) => {
  expect(inspectKernel(build()).refusal).toMatchObject({
    reason: 'limit_exceeded',
    offset: expect.any(Number),
  });
});

it('[S2] a compile bomb that nobody refused hurts nobody but itself', async () => {
  const sandbox = openSandbox({ threads: 1 });
  const run = { ...aRun(), id: 'bomb', wallMsMax: 300 };
  try {
    const wasm = code(nest([LOOP, EMPTY], 2_000), [[1_000, I32]]);
    // V8's quick compiler may be done in time; then it turns out that the bomb has no meter.
    const { outcome } = await sandbox.run({ digest: 'bomb', wasm }, run);
    expect(['host_error', 'time_exceeded']).toContain(outcome);
    const friendly = { digest: 'friendly', wasm: aMeteredKernel(aProgram([], '')) };
    const next = { ...run, id: 'friendly', wallMsMax: 60_000 };
    expect(await sandbox.run(friendly, next)).toMatchObject(success);
  } finally {
    await sandbox.close();
  }
});

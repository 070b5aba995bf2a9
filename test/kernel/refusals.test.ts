/**
 * Every way in which the meter and what prepares a migratable kernel refuse a module: the code for
 * programs, the place, and the sentence that tells a scientist what to change. One row for each line of
 * `kernel/change.ts`: a code or a sentence without a row fails here.
 */
import { describe, expect, it } from 'vitest';
import { asyncifyKernel } from '../../kernel/builders/asyncify.ts';
import { meterMigratableKernel } from '../../kernel/builders/migratable.ts';
import { changeLines } from '../../kernel/change.ts';
import { kernelLimits } from '../../kernel/meter/limits.ts';
import { meterKernel } from '../../kernel/meter.ts';
import { mistyped } from '../../kernel/mistyped.ts';
import { type RefusalReason, refusalReasons } from '../../kernel/refusal-reason.ts';
import { KernelRefused } from '../../kernel/refused.ts';
import {
  bodyOf,
  commandOf,
  moduleOf,
  name,
  repeated,
  section,
  times,
  vector,
} from './support/module-bytes.ts';
import { command, wat } from './support/wat.ts';

const memoryPagesMax = 16;

/** Says it when a module is not refused: that is for the test to find. */
type Refuse = () => Promise<KernelRefused | 'accepted'>;

const metering =
  (meter: (wasm: Uint8Array) => unknown) =>
  (wasm: Uint8Array): Refuse =>
  async () => {
    try {
      await meter(wasm);
      return 'accepted';
    } catch (error) {
      if (error instanceof KernelRefused) return error;
      throw error;
    }
  };

const metered = metering((wasm) => meterKernel(wasm, { memoryPagesMax }));
const migratable = metering((wasm) => meterMigratableKernel(wasm, { memoryPagesMax }));
const asyncified = metering((wasm) =>
  asyncifyKernel(meterKernel(wasm, { memoryPagesMax, checkpoints: true }).wasm),
);

const bytes = (...all: number[]) => metered(new Uint8Array(all));
const code = (...all: number[]) => metered(commandOf([bodyOf(all)]));
const text = (fields: string) => metered(wat(`(module ${fields})`));
const kernel = (fields: string) =>
  text(`${fields} (memory (export "memory") 1) (func (export "_start"))`);
const importing = (door: string, what = '(func)') => {
  const [module, called] = door.split('.');
  return kernel(`(import "${module}" "${called}" ${what})`);
};
const global = (...content: number[]) => metered(moduleOf(section(6, vector([content]))));
const manyFunctions = (count: number) => metered(commandOf(repeated(count, bodyOf([]))));
const TWO_MEMORIES = moduleOf(
  section(
    5,
    vector([
      [0, 1],
      [0, 1],
    ]),
  ),
);

/** `function`: it names the function as well, by index or by name. */
type Row = [says: string, flag: string, refuse: Refuse, where?: { function: object }];

const rows: Record<RefusalReason, Row[]> = {
  not_wasm: [
    ['a WebAssembly component', 'wasm32-wasip1', bytes(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0)],
    ['WebAssembly text', 'wat2wasm', metered(new TextEncoder().encode('(module)'))],
    ['no WebAssembly module', 'manyhands kernel build', bytes()],
  ],
  malformed: [
    [
      'The types do not fit: type error in fallthru[0] (expected i32, got i64)',
      'another version of the compiler',
      async () => mistyped(wronglyTyped()),
      { function: { index: 0, name: 'length' } },
    ],
    ['Bytes end too early', 'cut off', metered(command('').subarray(0, -3))],
  ],
  feature_forbidden: [
    [
      'belongs to relaxed SIMD',
      '-mno-relaxed-simd',
      code(0xfd, 0x80, 0x02),
      { function: { index: 0 } },
    ],
    ['belongs to threads', '-pthread', code(0xfe, 0x10, 2, 0), { function: { index: 0 } }],
    ['belongs to exceptions', '-fno-exceptions', code(0x06, 0x40), { function: { index: 0 } }],
    ['belongs to multi-memory', '-mmultimemory', metered(TWO_MEMORIES)],
    ['Memory of 64 bits', 'wasm32', metered(moduleOf(section(5, vector([[4, 1]]))))],
    ['belongs to tail calls', '-mno-tail-call', code(0x12, 0), { function: { index: 0 } }],
    ['belongs to GC', 'Kotlin', metered(moduleOf(section(1, vector([[0x5f, 0]]))))],
    [
      'A constant expression is one constant',
      '-mno-extended-const',
      global(0x7f, 0, 0x41, 1, 0x41, 2, 0x6a, 0x0b),
    ],
    ['Value type 0x6e is not allowed', '-mcpu=mvp', global(0x6e, 0)],
  ],
  start_forbidden: [
    ['would run before fuel is set', '--exportStart _start', kernel('(func $f) (start $f)')],
  ],
  table_mutation_forbidden: [
    [
      'may not change a table',
      '-mno-reference-types',
      metered(command('(table 1 funcref)', '(table.set (i32.const 0) (ref.null func))')),
      // Two functions are imported before it.
      { function: { index: 2 } },
    ],
  ],
  import_forbidden: [
    [
      'the function wasi_snapshot_preview1.sock_open',
      'wasm32-wasip1',
      importing('wasi_snapshot_preview1.sock_open'),
    ],
    ['the table env.table', '--import-table', importing('env.table', '(table 1 funcref)')],
    ['the function manyhands.sleep', 'checkpoint()', importing('manyhands.sleep')],
    ['the function wasi:cli/run@0', 'without a component', importing('wasi:cli/run@0.run')],
    ['the function env.abort', 'AssemblyScript', importing('env.abort')],
    ['the function env.emscripten_sleep', '-sSTANDALONE_WASM', importing('env.emscripten_sleep')],
    [
      'the function __wbindgen_placeholder__.x',
      'wasm-bindgen',
      importing('__wbindgen_placeholder__.x'),
    ],
    ['the function env.dgemm_', '-Wl,--allow-undefined', importing('env.dgemm_')],
  ],
  import_signature: [
    [
      'proc_exit is (i32) → nothing, imported here as (i64) → nothing',
      'wasi/api.h',
      importing('wasi_snapshot_preview1.proc_exit', '(func (param i64))'),
    ],
  ],
  export_missing: [
    ['exports its memory as "memory"', '--export-memory', text('(func (export "_start"))')],
    [
      'step takes nothing and returns i32',
      'int32_t step(void)',
      kernel('(func (export "step") (param i32))'),
    ],
    [
      'A kernel exports the function _start',
      '-mexec-model=reactor',
      text('(memory (export "memory") 1)'),
    ],
  ],
  export_reserved: [
    [
      'metered already?',
      'as it was before',
      metered(meterKernel(command(''), { memoryPagesMax }).wasm),
    ],
  ],
  memory_over_limit: [
    [
      'begins with 17 pages of 64 KiB; at most 16',
      '--initial-memory',
      text('(memory (export "memory") 17) (func (export "_start"))'),
    ],
  ],
  checkpoint_impossible: [
    [
      'neither exports step() nor calls manyhands.checkpoint()',
      'once a second',
      migratable(wat('(module (memory (export "memory") 1) (func (export "_start")))')),
    ],
    ['Binaryen could not prepare it', '-O1', asyncified(selectingTwoTypes())],
    [
      'A passive data segment can be dropped',
      '-mno-bulk-memory',
      migratable(command('(data "passive")')),
    ],
    [
      'A mutable global holds a vector',
      'Keep such values in memory',
      migratable(command('(global (mut v128) (v128.const i32x4 0 0 0 0))')),
    ],
  ],
  limit_exceeded: [
    ['The module has', '--strip-all', async () => await metered(oneByteTooLong())()],
    [
      'lead to checkpoint()',
      'in the loop of main',
      migratable(command('', '(call $checkpoint)'.repeat(3_000))),
      { function: { index: 2 } },
    ],
    [
      'Function 0 has',
      'Split that function',
      metered(commandOf([bodyOf(times(kernelLimits.bodyBytesMax, [1]))])),
    ],
    ['A table of', '--gc-sections', kernel('(table 999999 funcref)')],
    ['parameters or results', 'a struct', metered(takingParameters(kernelLimits.paramsMax + 1))],
    ['functions; at most', '-Os', manyFunctions(kernelLimits.functionsMax + 1)],
    [
      'Calls nest deeper',
      '-fno-inline',
      metered(callingDown(200, 900)),
      { function: expect.anything() },
    ],
    [
      'locals in a function',
      'Split the function',
      metered(commandOf([bodyOf([], [[49_000, 0x7f]])])),
      { function: { index: 0 } },
    ],
  ],
};

function wronglyTyped(): Uint8Array {
  return moduleOf(
    section(1, vector([[0x60, 0, 1, 0x7f]])),
    section(3, vector([[0]])),
    section(10, vector([bodyOf([0x42, 1])])),
    // The name section, with the subsection of functions.
    section(0, [...name('name'), 1, 9, 1, 0, ...name('length')]),
  );
}

/** V8 finds it invalid, and so does Binaryen, in its way. */
function selectingTwoTypes(): Uint8Array {
  const [I32, I64, SELECT, DROP, CALL] = [0x41, 0x42, 0x1b, 0x1a, 0x10];
  return moduleOf(
    section(1, vector([[0x60, 0, 0]])),
    section(2, vector([[...name('manyhands'), ...name('checkpoint'), 0, 0]])),
    section(3, vector([[0]])),
    section(5, vector([[0, 1]])),
    section(
      7,
      vector([
        [...name('_start'), 0, 1],
        [...name('memory'), 2, 0],
      ]),
    ),
    section(10, vector([bodyOf([CALL, 0, I32, 1, I64, 1, I32, 1, SELECT, DROP])])),
  );
}

/** Its length is looked at before its sections are. */
function oneByteTooLong(): Uint8Array {
  const long = new Uint8Array(kernelLimits.moduleBytesMax + 1);
  long.set(moduleOf());
  return long;
}

function takingParameters(count: number): Uint8Array {
  const low = (count % 128) | 0x80;
  return moduleOf(
    section(1, vector([[0x60, low, Math.floor(count / 128), ...times(count, [0x7f]), 0]])),
  );
}

/** Functions that each keep many values, and call the one before. */
function callingDown(functions: number, values: number): Uint8Array {
  const CALL = 0x10;
  const bodies = Array.from({ length: functions }, (_, nth) =>
    bodyOf(
      nth === 0 ? [] : [CALL, ...(nth - 1 < 128 ? [nth - 1] : [((nth - 1) % 128) | 0x80, 1])],
      [[values, 0x7e]],
    ),
  );
  return commandOf(bodies);
}

describe.each(refusalReasons)('refused as %s', (reason) => {
  it.each(rows[reason])('a module of which %s', async (says, flag, refuse, where) => {
    const refused = await refuse();
    if (refused === 'accepted') throw new Error('it was accepted');
    expect(refused.refusal).toMatchObject({ reason, ...where });
    expect('function' in refused.refusal).toBe(where !== undefined);
    expect(refused.detail).toContain(says);
    expect(refused.detail).toMatch(/[.?]$/);
    expect(refused.message).toMatch(new RegExp(`^${reason} at byte \\d+(, in function \\d+.*)?: `));
    expect(refused.change).toContain(flag);
  });

  it('has a row for each sentence that tells what to change', async () => {
    const refusals = await Promise.all(rows[reason].map(([, , refuse]) => refuse()));
    const told = refusals.map((refused) => refused !== 'accepted' && refused.change);
    expect([...new Set(told)].sort()).toEqual(changeLines(reason).sort());
  });
});

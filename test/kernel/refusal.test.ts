import { describe, expect, it } from 'vitest';
import { KernelRefused, meterKernel } from '../../kernel/meter.ts';
import type { Refusal } from '../../kernel/refused.ts';
import { bodyOf, commandOf, moduleOf, name, section, vector } from './support/module-bytes.ts';
import { command, wat } from './support/wat.ts';

const PAGES = 16;

function refusalOf(wasm: Uint8Array): Refusal | null {
  try {
    meterKernel(wasm, { memoryPagesMax: PAGES });
    return null;
  } catch (error) {
    if (error instanceof KernelRefused) return error;
    throw error;
  }
}

/** A command with more fields before its own. */
const withFields = (fields: string) =>
  wat(`(module ${fields} (memory (export "memory") 1) (func (export "_start")))`);

describe('[S1] a kernel reaches nothing but its inputs: refused is', () => {
  const cases: [title: string, reason: string, wasm: Uint8Array][] = [
    [
      'an import from another module',
      'import_forbidden',
      withFields('(import "env" "abort" (func))'),
    ],
    [
      'a function that WASI does not have',
      'import_forbidden',
      withFields('(import "wasi_snapshot_preview1" "sock_open" (func))'),
    ],
    [
      'a name that every JavaScript object has',
      'import_forbidden',
      withFields('(import "manyhands" "constructor" (func))'),
    ],
    [
      'a WASI function with other parameters',
      'import_signature',
      withFields('(import "wasi_snapshot_preview1" "proc_exit" (func (param i64)))'),
    ],
    [
      'an imported global',
      'import_forbidden',
      withFields('(import "manyhands" "progress" (global i32))'),
    ],
    [
      'an imported memory',
      'import_forbidden',
      wat(`(module (import "manyhands" "memory" (memory 1))
        (export "memory" (memory 0)) (func (export "_start")))`),
    ],
    [
      'an imported table',
      'import_forbidden',
      withFields('(import "manyhands" "table" (table 1 funcref))'),
    ],
    ['a start section', 'start_forbidden', withFields('(func $f) (start $f)')],
    [
      'table.set',
      'table_mutation_forbidden',
      tableOperation('(table.set (i32.const 0) (ref.null func))'),
    ],
    [
      'table.grow',
      'table_mutation_forbidden',
      tableOperation('(drop (table.grow (ref.null func) (i32.const 1)))'),
    ],
    [
      'table.fill',
      'table_mutation_forbidden',
      tableOperation('(table.fill (i32.const 0) (ref.null func) (i32.const 1))'),
    ],
    [
      'table.copy',
      'table_mutation_forbidden',
      tableOperation('(table.copy (i32.const 0) (i32.const 0) (i32.const 1))'),
    ],
    [
      'table.init',
      'table_mutation_forbidden',
      tableOperation('(table.init $e (i32.const 0) (i32.const 0) (i32.const 1))'),
    ],
  ];
  it.each(cases)('%s: %s', (_, reason, wasm) => {
    expect(refusalOf(wasm)).toMatchObject({ reason });
  });
});

const SECOND_MEMORY = moduleOf(
  section(2, vector([[...name('manyhands'), ...name('memory'), 2, 0, 1]])),
  section(5, vector([[0, 1]])),
);
const GLOBAL_OF_A_SUM = moduleOf(section(6, vector([[0x7f, 0, 0x41, 1, 0x41, 2, 0x6a, 0x0b]])));

describe('[S3] what is not the same everywhere is refused:', () => {
  const code = (...bytes: number[]) => commandOf([bodyOf(bytes)]);
  const cases: [title: string, wasm: Uint8Array][] = [
    ['an atomic instruction', code(0xfe, 0x10, 0x02, 0x00)],
    ['shared memory', moduleOf(section(5, vector([[0x03, 1, 2]])))],
    ['memory of 64 bits', moduleOf(section(5, vector([[0x04, 1]])))],
    ['a second memory, imported', SECOND_MEMORY],
    ['an access to a second memory', code(0x41, 0, 0x28, 0x42, 1, 0, 0x1a)],
    ['growing a second memory', code(0x41, 0, 0x40, 1, 0x1a)],
    ['a tail call', code(0x12, 0x00)],
    ['an indirect tail call', code(0x41, 0, 0x13, 0x00, 0x00)],
    ['a tag section', moduleOf(section(13, [0]))],
    ['try', code(0x06, 0x40, 0x0b)],
    ['throw', code(0x08, 0x00)],
    ['try_table', code(0x1f, 0x40, 0x00, 0x0b)],
    ['relaxed SIMD', code(0xfd, 0x80, 0x02)],
    ['a GC instruction', code(0xfb, 0x00, 0x00)],
    ['a GC type', moduleOf(section(1, vector([[0x5f, 0x00]])))],
    ['a typed function reference', code(0xd0, 0x00, 0x14, 0x00)],
    ['an extended constant', GLOBAL_OF_A_SUM],
  ];
  it.each(cases)('%s', (_, wasm) => {
    expect(refusalOf(wasm)).toMatchObject({ reason: 'feature_forbidden' });
  });
});

describe('a kernel is a WASI command: refused is a module', () => {
  const cases: [title: string, reason: string, text: string][] = [
    ['without _start', 'export_missing', '(memory (export "memory") 1) (func)'],
    ['whose _start is no function', 'export_missing', '(memory (export "_start") 1)'],
    [
      'whose _start takes something',
      'export_missing',
      '(memory (export "memory") 1) (func (export "_start") (param i32))',
    ],
    ['without memory', 'export_missing', '(func (export "_start"))'],
    ['whose memory is not exported', 'export_missing', '(memory 1) (func (export "_start"))'],
    [
      'that exports a name of the meter',
      'export_reserved',
      '(memory (export "memory") 1) (func (export "_start")) (func (export "manyhands_fuel"))',
    ],
    [
      'that begins over its memory limit',
      'memory_over_limit',
      '(memory (export "memory") 17) (func (export "_start"))',
    ],
  ];
  it.each(cases)('%s: %s', (_, reason, text) => {
    expect(refusalOf(wat(`(module ${text})`))).toMatchObject({ reason });
  });

  it('that has been metered already', () => {
    const once = meterKernel(command(''), { memoryPagesMax: PAGES }).wasm;
    expect(refusalOf(once)).toMatchObject({ reason: 'export_reserved' });
  });
});

describe('indices of the original never reach what the meter adds:', () => {
  const fuelGlobal = 0;
  const addedLocal = 0;
  const [SET_LOCAL, SET_GLOBAL, GET_GLOBAL, BR, DROP, I64_CONST] = [
    0x21, 0x24, 0x23, 0x0c, 0x1a, 0x42,
  ];
  const EMPTY_LOOP = [0x03, 0x40, 0x0b];
  const cases: [title: string, code: number[]][] = [
    ['writing the fuel', [I64_CONST, 0x7f, SET_GLOBAL, fuelGlobal]],
    ['reading the fuel', [GET_GLOBAL, fuelGlobal, DROP]],
    ['writing the local that holds fuel', [...EMPTY_LOOP, I64_CONST, 0x7f, SET_LOCAL, addedLocal]],
    ['branching to a block around the body', [...EMPTY_LOOP, BR, 1]],
    ['calling past the last function', [0x10, 1]],
    ['calling through a table that is not there', [0x41, 0, 0x11, 0, 0]],
  ];
  it.each(cases)('%s is malformed', (_, code) => {
    expect(refusalOf(commandOf([bodyOf(code)]))).toMatchObject({ reason: 'malformed' });
  });
});

describe('a refusal', () => {
  it('says what, why and where', () => {
    const wasm = commandOf([bodyOf([0x01, 0x01, 0xfe, 0x10, 0x02, 0x00])]);
    const at = wasm.lastIndexOf(0xfe);
    expect(refusalOf(wasm)).toMatchObject({
      reason: 'feature_forbidden',
      detail: 'The instruction belongs to threads.',
      offset: at,
      message: `feature_forbidden at byte ${at}, in function 0: The instruction belongs to threads.`,
    });
  });

  it.each([
    ['nothing', []],
    ['text', [...new TextEncoder().encode('(module)')]],
    ['a component', [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00]],
  ])('of %s is not_wasm', (_, bytes) => {
    expect(refusalOf(new Uint8Array(bytes))).toMatchObject({ reason: 'not_wasm', offset: 0 });
  });

  it.each([
    ['a section longer than the file', moduleOf([1, 100])],
    ['a section twice', moduleOf(section(1, [0]), section(1, [0]))],
    ['sections out of order', moduleOf(section(3, [0]), section(1, [0]))],
    ['a section nobody knows', moduleOf(section(42, []))],
    ['bytes left over in a section', moduleOf(section(1, [0, 0]))],
    ['a number over 32 bits', moduleOf([1, 0xff, 0xff, 0xff, 0xff, 0x7f])],
    ['a function without a body', moduleOf(section(1, vector([[0x60, 0, 0]])), section(3, [1, 0]))],
    ['a type that is not there', moduleOf(section(3, [1, 7]))],
    ['an export of nothing', moduleOf(section(7, vector([[...name('x'), 0, 0]])))],
    ['an instruction nobody knows', commandOf([bodyOf([0x27])])],
    ['an operand that is not there', commandOf([bodyOf([0x1a])])],
    ['an operand left over', commandOf([bodyOf([0x41, 0])])],
    ['an else without if', commandOf([bodyOf([0x02, 0x40, 0x05, 0x0b])])],
    ['code behind the end of a function', commandOf([bodyOf([0x0b, 0x01])])],
    ['a data segment used without a count', commandOf([bodyOf([0xfc, 0x09, 0x00])])],
  ])('of %s is malformed', (_, wasm) => {
    expect(refusalOf(wasm)).toMatchObject({ reason: 'malformed' });
  });
});

function tableOperation(code: string): Uint8Array {
  return command('(table 1 funcref) (elem $e func 0)', code);
}

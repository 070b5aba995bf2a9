/** Where good turns bad: each cap at its value, and one beyond. */
import { describe, expect, it } from 'vitest';
import { inspectKernel } from '../../kernel/inspect.ts';
import { kernelLimits } from '../../kernel/meter/limits.ts';
import {
  type Bytes,
  bodyOf,
  commandOf,
  concat,
  leb,
  moduleOf,
  name,
  repeated,
  section,
  times,
  vector,
} from './support/module-bytes.ts';

const I32 = 0x7f;
const V128 = 0x7b;
const [NOP, BLOCK, LOOP, END, BR, BR_TABLE, CALL] = [0x01, 0x02, 0x03, 0x0b, 0x0c, 0x0e, 0x10];
const EMPTY = 0x40;

const code = (bytes: Bytes, locals: [number, number][] = []) => commandOf([bodyOf(bytes, locals)]);

/** A command with one more section, in its place. */
function withSection(id: number, content: Bytes): Uint8Array {
  const sections = new Map<number, Bytes>([
    [1, vector([[0x60, 0, 0]])],
    [3, vector([[0]])],
    [5, vector([[0x00, 0x01]])],
    [
      7,
      vector([
        [...name('_start'), 0, 0],
        [...name('memory'), 2, 0],
      ]),
    ],
    [10, vector([bodyOf([])])],
    [id, content],
  ]);
  const order = [...sections.keys()].sort((a, b) => a - b);
  return moduleOf(...order.map((each) => section(each, sections.get(each) ?? [])));
}

/** Blocks or loops within each other. */
const nest = (opcode: number, depth: number) =>
  concat([times(depth, [opcode, EMPTY]), times(depth, [END])]);

const loopsPerFunction = 90;
const loopStateOf = (functions: number) =>
  commandOf(
    repeated(functions, bodyOf(times(loopsPerFunction, [LOOP, EMPTY, END]), [[1_000, I32]])),
  );
const functionsWithinLoopState = Math.floor(
  kernelLimits.moduleLoopStateMax / (loopsPerFunction * 1_016),
);

type Case = [what: string, atLimit: Uint8Array, beyond: Uint8Array];

const around = (what: string, max: number, build: (count: number) => Uint8Array): Case => [
  `${what} (${max})`,
  build(max),
  build(max + 1),
];

const cases: Case[] = [
  around('locals', kernelLimits.localsMax, (n) => code([], [[n, V128]])),
  around('bytes in a function', kernelLimits.bodyBytesMax, (n) => code(times(n - 2, [NOP]))),
  around('blocks within each other', kernelLimits.nestingMax, (n) => code(nest(BLOCK, n))),
  around('loops within each other', kernelLimits.loopNestingMax, (n) => code(nest(LOOP, n))),
  around('loops in a function', kernelLimits.loopsMax, (n) => code(times(n, [LOOP, EMPTY, END]))),
  around('locals times loops', Math.floor(kernelLimits.loopStateMax / 1_016), (n) =>
    code(times(n, [LOOP, EMPTY, END]), [[1_000, I32]]),
  ),
  around('locals times branches', kernelLimits.controlStateMax / 1_000 - 2, (n) =>
    code([BLOCK, EMPTY, 0x41, 0, BR_TABLE, ...leb(n), ...times(n + 1, [0]), END], [[1_000, I32]]),
  ),
  around('locals times loops in all functions', functionsWithinLoopState, loopStateOf),
  around('functions', kernelLimits.functionsMax, (n) => commandOf(repeated(n, bodyOf([])))),
  around('parameters', kernelLimits.paramsMax, (n) =>
    withSection(
      1,
      vector([
        [0x60, 0, 0],
        [0x60, ...leb(n), ...times(n, [I32]), 0],
      ]),
    ),
  ),
  around('results', kernelLimits.resultsMax, (n) =>
    withSection(
      1,
      vector([
        [0x60, 0, 0],
        [0x60, 0, ...leb(n), ...times(n, [I32])],
      ]),
    ),
  ),
  around('types', kernelLimits.typesMax, (n) => withSection(1, vector(repeated(n, [0x60, 0, 0])))),
  around('globals', kernelLimits.globalsMax, (n) =>
    withSection(6, vector(repeated(n, [I32, 0, 0x41, 0, END]))),
  ),
  around('tables', kernelLimits.tablesMax, (n) =>
    withSection(4, vector(repeated(n, [0x70, 0, 1]))),
  ),
  around('entries of a table', kernelLimits.tableEntriesMax, (n) =>
    withSection(4, vector([[0x70, 0, ...leb(n)]])),
  ),
  around('data segments', kernelLimits.dataSegmentsMax, (n) =>
    withSection(11, vector(repeated(n, [1, 0]))),
  ),
  around('element segments', kernelLimits.elementSegmentsMax, (n) =>
    withSection(9, vector(repeated(n, [1, 0, 0]))),
  ),
];

describe('[S2] a module may have so many and no more', () => {
  it.each(cases)('%s', (_, atLimit, beyond) => {
    expect(inspectKernel(atLimit).refusal).toBeUndefined();
    expect(inspectKernel(beyond).refusal).toMatchObject({ reason: 'limit_exceeded' });
  });

  it(`bytes (${kernelLimits.moduleBytesMax})`, () => {
    const base = commandOf([bodyOf([])]);
    const fill = kernelLimits.moduleBytesMax - base.length;
    const sized = (bytes: number) => {
      const header = 1 + 4;
      const module = new Uint8Array(base.length + bytes);
      module.set(base);
      // A custom section with an empty name, whose size takes four bytes.
      module.set([0, ...leb(bytes - header)], base.length);
      return module;
    };
    expect(inspectKernel(sized(fill)).refusal).toBeUndefined();
    expect(inspectKernel(sized(fill + 1)).refusal).toMatchObject({ reason: 'limit_exceeded' });
  });

  it(`places to meter (${kernelLimits.sitesMax})`, () => {
    // A call is two of them, and half a million calls fit a function.
    const calls = 500_000;
    const functions = Math.ceil(kernelLimits.sitesMax / (calls * 2));
    const calling = bodyOf(times(calls, [CALL, functions]));
    const module = commandOf([...repeated(functions, calling), bodyOf([])]);
    expect(inspectKernel(module).refusal).toMatchObject({ reason: 'limit_exceeded' });
  });

  it('a branch table is as long as its function', () => {
    const module = code([0x41, 0, BR_TABLE, 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0, BR, 0]);
    expect(inspectKernel(module).refusal).toMatchObject({ reason: 'malformed' });
  });
});

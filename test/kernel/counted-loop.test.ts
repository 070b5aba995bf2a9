/**
 * Loops whose turns the meter counts beforehand are written twice into the metered module; the tests
 * tell by that whether one was recognised. An empty block in the body costs nothing and keeps a loop
 * from being recognised, so each loop has a twin that is metered turn by turn.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { meterKernel } from '../../kernel/meter.ts';
import { run } from './support/run.ts';
import { command, toText } from './support/wat.ts';

interface Loop {
  shape: 'until_equal' | 'at_end' | 'at_start';
  isSigned: boolean;
  isSwapped: boolean;
  boundIsLocal: boolean;
  start: number;
  bound: number;
  step: number;
  /** Extra code in the body. */
  body?: string;
}

function loopText(loop: Loop): string {
  const bound = loop.boundIsLocal ? '(local.get $n)' : `(i32.const ${loop.bound})`;
  const next = `(i32.add (local.get $i) (i32.const ${loop.step}))`;
  const less = (counter: string) => {
    const sign = loop.isSigned ? 's' : 'u';
    return loop.isSwapped
      ? `(i32.gt_${sign} ${bound} ${counter})`
      : `(i32.lt_${sign} ${counter} ${bound})`;
  };
  const body = `(i32.store8 (i32.and (local.get $i) (i32.const 255)) (local.get $i)) ${loop.body ?? ''}`;
  const stepped = `(local.tee $i ${next})`;
  const differs = loop.isSwapped ? `(i32.ne ${bound} ${stepped})` : `(i32.ne ${stepped} ${bound})`;
  const texts = {
    until_equal: `(loop $l ${body} (br_if $l ${differs}))`,
    at_end: `(loop $l ${body} (br_if $l ${less(stepped)}))`,
    at_start: `(loop $l (if ${less('(local.get $i)')} (then ${body} (local.set $i ${next}) (br $l))))`,
  };
  return `(local $i i32) (local $n i32)
    (local.set $i (i32.const ${loop.start})) (local.set $n (i32.const ${loop.bound}))
    ${texts[loop.shape]}
    (i32.store (i32.const 1024) (local.get $i))
    (call $checkpoint)`;
}

const meter = (start: string) => meterKernel(command('', start), { memoryPagesMax: 1 }).wasm;
const loopsIn = (wasm: Uint8Array) => toText(wasm).match(/^\s+loop\b/gm)?.length ?? 0;

const plain: Loop = {
  shape: 'at_start',
  isSigned: true,
  isSwapped: false,
  boundIsLocal: true,
  start: 0,
  bound: 40,
  step: 1,
};

/** Numbers near which counters begin, end and wrap. */
const edge = fc
  .tuple(fc.constantFrom(0, 2 ** 31 - 1, -(2 ** 31), -1, 1000), fc.integer({ min: -40, max: 40 }))
  .map(([base, offset]) => (base + offset) | 0);

const loops: fc.Arbitrary<Loop> = fc.record({
  shape: fc.constantFrom('until_equal', 'at_end', 'at_start'),
  isSigned: fc.boolean(),
  isSwapped: fc.boolean(),
  boundIsLocal: fc.boolean(),
  start: edge,
  bound: edge,
  step: fc.constantFrom(1, 2, 4, 16),
});

describe('a loop whose turns can be counted', () => {
  it('[S3] costs and does what it would turn by turn, wherever it begins, ends or wraps', () => {
    fc.assert(
      fc.property(loops, fc.boolean(), fc.integer({ min: 0, max: 3000 }), (loop, isDown, fuel) => {
        const goesDown = isDown && loop.shape === 'until_equal';
        const step = goesDown ? -loop.step : loop.step;
        const counted = meter(loopText({ ...loop, step }));
        const turnByTurn = meter(loopText({ ...loop, step, body: '(block)' }));
        expect([loopsIn(counted), loopsIn(turnByTurn)]).toEqual([2, 1]);
        const options = { fuelMax: BigInt(fuel) };
        expect(run(counted, options)).toEqual(run(turnByTurn, options));
      }),
      { numRuns: 300 },
    );
  });

  it('[S2] runs out of fuel at the same turn', () => {
    const counted = meter(loopText(plain));
    const turnByTurn = meter(loopText({ ...plain, body: '(block)' }));
    for (let fuel = 0n; fuel < 900n; fuel += 7n)
      expect(run(counted, { fuelMax: fuel })).toEqual(run(turnByTurn, { fuelMax: fuel }));
  });

  it('[S3] that steps over its bound is watched, however much fuel there is', () => {
    // Watched it traps with the fuel of its last turn, unwatched with that of the first.
    const wanders = { ...plain, shape: 'until_equal', bound: 41, step: 2 } as const;
    const body = '(drop (i32.load (local.get $i)))';
    const whole = { fuelMax: 2n ** 53n };
    const watched = run(meter(loopText({ ...wanders, body: `${body} (block)` })), whole);
    expect(run(meter(loopText({ ...wanders, body })), whole)).toEqual(watched);
    expect(watched.end).toMatch(/out of bounds/);
  });

  it('[S2] stops when it would never end', () => {
    const stepsOver = loopText({ ...plain, shape: 'until_equal', bound: 41, step: 2 });
    expect(run(meter(stepsOver), { fuelMax: 100_000n })).toMatchObject({ end: 'unreachable' });
  });
});

const FILL = '(memory.fill (i32.const 0) (i32.const 0) (i32.const 4))';
const LEAVE = '(br_if $out (i32.eq (local.get $i) (i32.const 7)))';

describe('a loop is metered turn by turn when', () => {
  const refused: [string, string][] = [
    ['the counter is written twice', loopText({ ...plain, body: '(local.set $i (local.get $i))' })],
    ['the bound is written', loopText({ ...plain, body: '(local.set $n (i32.const 40))' })],
    ['the step is no power of two', loopText({ ...plain, step: 3 })],
    ['the step goes away from the bound', loopText({ ...plain, step: -1, bound: -5 })],
    ['it calls', loopText({ ...plain, body: '(call $checkpoint)' })],
    ['it fills memory', loopText({ ...plain, body: FILL })],
    ['it grows memory', loopText({ ...plain, body: '(drop (memory.grow (i32.const 0)))' })],
    ['it may be left early', `(block $out ${loopText({ ...plain, body: LEAVE })})`],
    ['it is long', loopText({ ...plain, body: '(drop (i32.const 1))'.repeat(200) })],
  ];
  it.each(refused)('%s', (_, start) => {
    const body = start.startsWith('(block')
      ? `(local $i i32) (local $n i32) ${start.replace('(local $i i32) (local $n i32)', '')}`
      : start;
    expect(loopsIn(meter(body))).toBe(1);
  });
});

/** When a coordinator has too much to do, by what its looks say; for any looks. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Strain,
  StrainGauge,
  strainedAgainMs,
  strainNumber,
} from '../../../coordinator/domain/strain.ts';

/** The level after each look. */
function levels(waits: readonly number[]): Strain[] {
  const gauge = new StrainGauge();
  return waits.map((ms) => gauge.look({ loopMs: ms, commitMs: 0 }));
}
const numbers = (waits: readonly number[]): number[] => levels(waits).map(strainNumber);

const wait = fc.oneof(
  fc.integer({ min: 0, max: 10_000 }),
  // Where the levels are.
  fc.constantFrom(0, 124, 125, 249, 250, 499, 500),
);
const someWaits = fc.array(wait, { maxLength: 40 });

describe('a coordinator', () => {
  it('is strained after two looks at half a second, and calm again after four without', () => {
    expect(levels([10, 600, 600, 600, 10, 10, 10, 10])).toEqual([
      ...(['calm', 'calm', 'strained', 'strained'] as const),
      ...(['strained', 'strained', 'strained', 'calm'] as const),
    ]);
  });

  it('is tight from half of that on, on the way up and on the way down', () => {
    expect(levels([300, 300, 900, 900, 200, 200, 200, 200, 130, 120, 120, 120, 120])).toEqual([
      ...(['calm', 'tight', 'tight', 'strained', 'strained', 'strained', 'strained'] as const),
      ...(['tight', 'tight', 'tight', 'tight', 'tight', 'calm'] as const),
    ]);
  });

  it('is so by whichever is the longer, the loop or the disk', () => {
    const gauge = new StrainGauge();
    gauge.look({ loopMs: 500, commitMs: 0 });
    expect(gauge.look({ loopMs: 0, commitMs: 1000 })).toBe('strained');
  });
});

describe('for any looks', () => {
  it('one that is long between two that are not changes nothing', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 249 })), wait, fc.nat(), (calm, long, at) => {
        const waits = [...calm, ...calm];
        waits.splice(at % (calm.length + 1), 0, long);
        expect(new Set(levels(waits))).toEqual(new Set(['calm']));
      }),
    );
  });

  it('it rises only upon two that say so, and falls only upon four below half of it', () => {
    const [rises, falls] = [
      [0, 250, 500],
      [0, 125, 250],
    ];
    fc.assert(
      fc.property(someWaits, (waits) => {
        const told = numbers(waits);
        for (const [i, level] of told.entries()) {
          const before = told[i - 1] ?? 0;
          if (level > before)
            expect(Math.min(...waits.slice(i - 1, i + 1))).toBeGreaterThanOrEqual(
              rises[level] ?? 0,
            );
          if (level < before)
            expect(Math.max(...waits.slice(Math.max(0, i - 3), i + 1))).toBeLessThan(
              falls[before] ?? 0,
            );
        }
      }),
    );
  });

  it('longer waits are never less strain', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(wait, wait), { maxLength: 40 }), (pairs) => {
        const less = numbers(pairs.map(([ms]) => ms));
        const more = numbers(pairs.map(([ms, more]) => ms + more));
        for (const [i, level] of less.entries()) expect(level).toBeLessThanOrEqual(more[i] ?? 0);
      }),
    );
  });

  it('whatever was before, half a second strains it in two, and quiet calms it in four', () => {
    fc.assert(
      fc.property(someWaits, (waits) => {
        expect(levels([...waits, 500, 500]).at(-1)).toBe('strained');
        expect(levels([...waits, 0, 0, 0, 0]).at(-1)).toBe('calm');
      }),
    );
  });

  it('who is sent away is told to come in 2 to 6 s', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (chance) => {
        expect(strainedAgainMs(chance)).toBeGreaterThanOrEqual(2000);
        expect(strainedAgainMs(chance)).toBeLessThanOrEqual(6000);
      }),
    );
  });
});

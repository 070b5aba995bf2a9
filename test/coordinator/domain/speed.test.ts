import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { averaged } from '../../../coordinator/domain/log-average.ts';
import {
  type Speed,
  slowMs,
  speedAfter,
  type UnitCost,
  usualMs,
} from '../../../coordinator/domain/speed.ts';

/** What is known of a host that reports units of so much fuel, each after so many milliseconds. */
function aSpeed(runs: [fuel: number, wallMs: number][], units = 1): Speed {
  let speed: Speed | null = null;
  for (const [fuel, wallMs] of runs) speed = speedAfter(speed, { units, fuel, wallMs });
  if (speed === null) throw new Error('nothing was learned');
  return speed;
}
const aCost = (...fuels: number[]): UnitCost => {
  let cost: UnitCost | null = null;
  for (const fuel of fuels) cost = averaged(cost, fuel);
  if (cost === null) throw new Error('a cost of nothing');
  return cost;
};

describe('the speed of a host', () => {
  it('says how long a unit takes there, whatever job it was learned from', () => {
    const speed = aSpeed([
      [1e6, 100],
      [5e8, 50_000],
    ]);
    expect(usualMs(aCost(2e7), speed)).toBeCloseTo(2000);
  });

  it('is moved as far by a run that was ten times too slow as by one that was ten times too fast', () => {
    const usual = Array.from({ length: 20 }, (): [number, number] => [1e6, 100]);
    const slow = usualMs(aCost(1e6), aSpeed([...usual, [1e6, 1000]]));
    const fast = usualMs(aCost(1e6), aSpeed([...usual, [1e6, 10]]));
    expect(slow / 100).toBeCloseTo(100 / fast);
    expect(slow).toBeLessThan(130);
  });

  it('follows a host that is slower from now on within some twenty reports', () => {
    const runs = Array.from({ length: 50 }, (_, i): [number, number] => [1e6, i < 25 ? 10 : 40]);
    expect(usualMs(aCost(1e6), aSpeed(runs))).toBeGreaterThan(35);
  });

  it('is not learned from runs that burned nothing', () => {
    expect(speedAfter(null, { units: 1, fuel: 0, wallMs: 10 })).toBeNull();
  });

  it('is bounded for whoever says that it took no time', () => {
    expect(usualMs(aCost(1e9), aSpeed([[1e12, 0]]))).toBeCloseTo(100);
    // Units under half a millisecond are told as none.
    expect(usualMs(aCost(1e3), aSpeed([[256e3, 0]], 256))).toBeCloseTo(0.5);
  });
});

it('the slow twentieth of the units takes longer the more their cost varies, and never less than usual', () => {
  const speed = aSpeed([[1e6, 1000]]);
  expect(slowMs(aCost(1e6), speed)).toBeCloseTo(1000);
  expect(slowMs(aCost(1e6, 1e5, 1e7, 1e6), speed)).toBeGreaterThan(5000);
  const fuel = fc.double({ min: 1, max: 2 ** 53, noNaN: true });
  fc.assert(
    fc.property(
      fc.array(fuel, { minLength: 1 }),
      fc.array(fuel, { minLength: 1 }),
      (costs, fuels) => {
        const cost = aCost(...costs);
        const learned = aSpeed(fuels.map((each) => [each, 1000]));
        expect(slowMs(cost, learned)).toBeGreaterThanOrEqual(usualMs(cost, learned));
        expect(Number.isFinite(slowMs(cost, learned))).toBe(true);
      },
    ),
  );
});

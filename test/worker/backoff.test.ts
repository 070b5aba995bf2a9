import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backoffMs } from '../../worker/backoff.ts';

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test('a wait is never shorter than half a second nor longer than a minute', () => {
  fc.assert(
    fc.property(fc.nat(10_000), random, (attempt, chance) => {
      const wait = backoffMs(attempt, chance);
      expect(wait).toBeGreaterThanOrEqual(500);
      expect(wait).toBeLessThanOrEqual(60_000);
    }),
  );
});

test('the shortest and the longest possible wait double with each attempt, up to the last ceiling', () => {
  const range = (attempt: number) => [backoffMs(attempt, 0), backoffMs(attempt, 0.999999)];
  expect([0, 1, 2, 6, 7, 50].map(range)).toEqual([
    [500, 1000],
    [1000, 2000],
    [2000, 4000],
    [30_000, 60_000],
    [30_000, 60_000],
    [30_000, 60_000],
  ]);
});

import { expect, test } from 'vitest';
import { Tries } from '../../../coordinator/domain/tries.ts';

test('so many tries may come at once, and then one for each that is over', () => {
  const tries = new Tries(3, 3000);
  expect([1, 2, 3].map(() => tries.take('a', 0))).toEqual([null, null, null]);
  expect(tries.take('a', 0)).toBe(1000);
  expect(tries.take('a', 400)).toBe(600);
  expect(tries.take('a', 1000)).toBeNull();
  expect(tries.take('a', 1000)).toBe(1000);
  expect([1, 2, 3].map(() => tries.take('a', 9000))).toEqual([null, null, null]);
});

test('each has their own', () => {
  const tries = new Tries(1, 1000);
  expect([tries.take('a', 0), tries.take('b', 0)]).toEqual([null, null]);
});

test('a clock that is set back shuts nobody out', () => {
  const tries = new Tries(1, 1000);
  tries.take('a', 1_000_000);
  expect(tries.take('a', 0)).toBeNull();
});

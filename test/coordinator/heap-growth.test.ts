import { expect, it } from 'vitest';
import { growthPercent } from '../../coordinator/heap-growth.ts';

const mebibyte = 1024 * 1024;

// What comes of it is measured by the benches `million` and `hosts`: no process of a test makes so much.
it('a coordinator keeps some 64 MiB of garbage, or half as much as it has when that is more', () => {
  expect(growthPercent(32 * mebibyte)).toBe(200);
  expect(growthPercent(64 * mebibyte)).toBe(100);
  expect(growthPercent(1024 * mebibyte)).toBe(50);
  expect(growthPercent(mebibyte)).toBe(300);
});

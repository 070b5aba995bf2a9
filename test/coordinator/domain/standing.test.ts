import { describe, expect, it } from 'vitest';
import { addRecent, racMicroPerDay } from '../../../coordinator/domain/standing.ts';

const dayMs = 86_400_000;

/** What is stored after `microPerDay` on every day from one to another. */
function earned(microPerDay: number, fromDay: number, toDay: number): number | null {
  let recent: number | null = null;
  for (let day = fromDay; day < toDay; day++) recent = addRecent(recent, microPerDay, day);
  return recent;
}

describe('recent average credit', () => {
  it('reads a steady income as that income at any hour, also in three hundred years', () => {
    for (const start of [20_000, 130_000]) {
      for (const hour of [0, 7, 12, 23]) {
        const sofar = addRecent(earned(1e6, start, start + 140), (1e6 * hour) / 24, start + 140);
        const read = racMicroPerDay(sofar, (start + 140 + hour / 24) * dayMs);
        expect(Math.abs(read / 1e6 - 1)).toBeLessThan(0.001);
      }
    }
  });

  it('halves in seven days without income', () => {
    const recent = earned(1000, 0, 30);
    const at = (days: number) => racMicroPerDay(recent, days * dayMs);
    expect(at(37)).toBeCloseTo(at(30) / 2, 6);
    expect(at(44)).toBeCloseTo(at(30) / 4, 6);
  });

  it('keeps the order of two accounts for as long as neither earns', () => {
    const [then, lately] = [earned(500, 0, 20), earned(400, 15, 30)];
    for (const day of [30, 60, 1000]) {
      const [a, b] = [racMicroPerDay(lately, day * dayMs), racMicroPerDay(then, day * dayMs)];
      expect(a > b).toBe(Number(lately) > Number(then));
    }
  });

  it('of nothing is nothing, and so it is when all was taken back', () => {
    expect(racMicroPerDay(null, dayMs)).toBe(0);
    expect(addRecent(null, -5, 3)).toBeNull();
    expect(addRecent(addRecent(null, 12_345, 20_000), -12_345, 20_000)).toBeNull();
  });

  it('is the same in whatever order it is earned, and taken back what was given', () => {
    const amounts = [7, 1e15, 3, 250_000, 1];
    const sum = (list: number[]) =>
      list.reduce<number | null>((recent, micro, i) => addRecent(recent, micro, 100 + i), null);
    const all = sum(amounts);
    const more = addRecent(addRecent(all, 1e14, 90), -1e14, 90);
    expect(more).toBeCloseTo(Number(all), 9);
  });

  it('of an account that slept for a century begins anew', () => {
    const recent = addRecent(addRecent(null, 1e9, 0), 1000, 36_500);
    expect(racMicroPerDay(recent, 36_500.5 * dayMs)).toBeCloseTo((1000 * Math.LN2) / 7, 6);
  });
});

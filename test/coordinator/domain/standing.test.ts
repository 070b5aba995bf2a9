import { describe, expect, it } from 'vitest';
import { racMicroPerDay, racWeight } from '../../../coordinator/domain/standing.ts';

const day = 86_400_000;
const epoch = 1_700_000_000_000;

/** The weighted sum of `micro` earned every hour from one day to another. */
function earned(microPerDay: number, fromDay: number, toDay: number): number {
  let weighted = 0;
  for (let hour = fromDay * 24; hour < toDay * 24; hour++) {
    weighted += (microPerDay / 24) * racWeight(epoch + (hour + 0.5) * (day / 24), epoch);
  }
  return weighted;
}

describe('recent average credit', () => {
  it('reads a steady income as that income, also ten years after the grid was made', () => {
    for (const start of [0, 3650]) {
      const weighted = earned(1_000_000, start, start + 70);
      const read = racMicroPerDay(weighted, epoch + (start + 70) * day, epoch);
      // Ten half-lives: a thousandth is still missing.
      expect(read / 1_000_000).toBeGreaterThan(0.998);
      expect(read / 1_000_000).toBeLessThan(1.001);
    }
  });

  it('halves in seven days without income', () => {
    const weighted = earned(1000, 0, 30);
    const at = (days: number) => racMicroPerDay(weighted, epoch + days * day, epoch);
    expect(at(37)).toBeCloseTo(at(30) / 2, 6);
    expect(at(44)).toBeCloseTo(at(30) / 4, 6);
  });

  it('keeps the order of two accounts for as long as neither earns', () => {
    const [then, lately] = [earned(500, 0, 20), earned(400, 15, 30)];
    for (const days of [30, 60, 1000]) {
      const now = epoch + days * day;
      expect(racMicroPerDay(lately, now, epoch) > racMicroPerDay(then, now, epoch)).toBe(
        lately > then,
      );
    }
  });

  it('of nothing is nothing', () => {
    expect(racMicroPerDay(0, epoch + day, epoch)).toBe(0);
  });
});

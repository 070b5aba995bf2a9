import { describe, expect, it } from 'vitest';
import { Pace } from '../../../coordinator/domain/pace.ts';

/** A pace that has counted `perSecond` units every second for so long, starting at time 5000. */
function steady(perSecond: number, seconds: number): { pace: Pace; now: number } {
  const pace = new Pace(5000);
  for (let second = 1; second <= seconds; second++) pace.count(perSecond, 5000 + second * 1000);
  return { pace, now: 5000 + seconds * 1000 };
}

describe('the pace of a job', () => {
  it.each([5, 60, 600])('reads a steady rate as that rate, after %i s', (seconds) => {
    const { pace, now } = steady(10, seconds);
    // Units are counted at the end of their second, which reads a little high at first.
    expect(pace.unitsPerSecond(now) / 10).toBeGreaterThan(0.95);
    expect(pace.unitsPerSecond(now) / 10).toBeLessThan(1.15);
  });

  it('forgets: a job that came to a stop is at a standstill within two minutes', () => {
    const { pace, now } = steady(10, 60);
    expect(pace.unitsPerSecond(now + 120_000)).toBeLessThan(0.1);
  });

  it('says nothing of the end before twenty units, nor while nothing moves', () => {
    const pace = new Pace(0);
    expect(pace.eta(100, 1000)).toBeNull();
    pace.count(19, 2000);
    expect(pace.eta(100, 2000)).toBeNull();
    pace.count(1, 2000);
    expect(pace.eta(100, 2000)).not.toBeNull();
  });

  it('gives a range around what is left at the present rate', () => {
    const { pace, now } = steady(10, 600);
    const eta = pace.eta(1000, now);
    expect(eta?.secondsMin).toBeLessThan(100);
    expect(eta?.secondsMin).toBeGreaterThan(60);
    expect(eta?.secondsMax).toBeGreaterThan(100);
    expect(eta?.secondsMax).toBeLessThan(160);
    expect(pace.eta(0, now)).toEqual({ secondsMin: 0, secondsMax: 0 });
  });

  it('is not confused by a clock that steps back', () => {
    const { pace, now } = steady(10, 60);
    const before = pace.unitsPerSecond(now);
    pace.count(0, now - 30_000);
    expect(pace.unitsPerSecond(now)).toBeCloseTo(before, 6);
  });
});

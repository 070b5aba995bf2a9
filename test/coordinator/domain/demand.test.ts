import { describe, expect, it } from 'vitest';
import { Demand } from '../../../coordinator/domain/demand.ts';

describe('how many units to hold', () => {
  it('is enough for a first want of every host, and never nothing', () => {
    const demand = new Demand();
    expect(demand.target(0, 0)).toBe(512);
    expect(demand.target(8, 0)).toBe(512);
    expect(demand.target(100, 0)).toBe(6400);
  });

  it('follows what hosts take: some seconds of it', () => {
    const demand = new Demand();
    for (let ms = 0; ms <= 20_000; ms += 100) demand.granted(100, ms);
    // 1,000 a second, of which two seconds are remembered, twice over.
    expect(demand.target(1, 20_000)).toBeGreaterThan(3500);
    expect(demand.target(1, 20_000)).toBeLessThan(4500);
    expect(demand.target(1, 60_000)).toBe(512);
  });

  it('is bounded, however many hosts and however much they take', () => {
    const demand = new Demand();
    demand.granted(1e9, 0);
    expect(demand.target(1e6, 0)).toBe(32_768);
  });
});

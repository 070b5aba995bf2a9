import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { limits } from '../../protocol/limits.ts';
import { UnitTimes, unitsToHandBack, unitsToWant } from '../../worker/asking.ts';

const hand = { cores: 4, inHand: 0, finished: 1000, unitMs: 1000 };

describe('how many units to ask for', () => {
  test('one for each core as long as nothing is known of the units', () => {
    expect(unitsToWant({ ...hand, finished: 0, unitMs: null })).toBe(4);
    expect(unitsToWant({ ...hand, finished: 0, unitMs: null, inHand: 4 })).toBe(0);
  });

  test('ten seconds of work when there is none in hand', () => {
    expect(unitsToWant(hand)).toBe(40);
  });

  test('never to have more in hand than half of what was finished, and one for each core', () => {
    expect(unitsToWant({ ...hand, finished: 20, unitMs: 1 })).toBe(14);
    expect(unitsToWant({ ...hand, finished: 20, unitMs: 1, inHand: 7 })).toBe(7);
  });

  test('nothing while more than half of that is in hand', () => {
    expect(unitsToWant({ ...hand, inHand: 21 })).toBe(0);
    expect(unitsToWant({ ...hand, inHand: 20 })).toBe(20);
  });

  test('more before the last core is free, however short the target', () => {
    expect(unitsToWant({ ...hand, unitMs: 20_000, inHand: 4 })).toBe(1);
  });

  test('no spare for units of minutes: they would only lie here', () => {
    expect(unitsToWant({ ...hand, unitMs: 300_000, inHand: 4 })).toBe(0);
    expect(unitsToWant({ ...hand, unitMs: 300_000, inHand: 3 })).toBe(1);
  });

  test('little after a first short unit: it promises nothing', () => {
    expect(unitsToWant({ ...hand, finished: 1, unitMs: 1, inHand: 3 })).toBe(2);
  });

  test('never more than a want may name, nor less than none', () => {
    const counts = fc.record({
      cores: fc.integer({ min: 1, max: 4096 }),
      inHand: fc.nat(100_000),
      finished: fc.nat(1_000_000),
      unitMs: fc.option(fc.double({ min: 0, max: 1e8, noNaN: true })),
    });
    fc.assert(
      fc.property(counts, (any) => {
        const units = unitsToWant(any);
        expect(Number.isInteger(units)).toBe(true);
        expect(units).toBeGreaterThanOrEqual(0);
        expect(units).toBeLessThanOrEqual(limits.unitsPerWantMax);
      }),
    );
  });

  test('an idle host always asks', () => {
    for (const unitMs of [null, 0, 1, 1e4, 1e8]) {
      expect(unitsToWant({ cores: 1, inHand: 0, finished: 0, unitMs })).toBeGreaterThan(0);
    }
  });
});

describe('how many units to hand back', () => {
  test('none while they are less than a minute of work', () => {
    expect(unitsToHandBack(2, 120, 1000)).toBe(0);
  });

  test('all beyond ten seconds when the units turned out long', () => {
    expect(unitsToHandBack(2, 200, 1000)).toBe(180);
  });

  test('but one for each core stays', () => {
    expect(unitsToHandBack(2, 200, 600_000)).toBe(198);
  });
});

test('a unit time follows what was seen lately', () => {
  const times = new UnitTimes();
  expect([times.lately, times.ofJob('a')]).toEqual([null, null]);
  times.observe('a', 100);
  expect([times.lately, times.ofJob('a'), times.ofJob('b')]).toEqual([100, 100, null]);
  for (let i = 0; i < 50; i++) times.observe('a', 1000);
  expect(times.ofJob('a')).toBeCloseTo(1000, 0);
});

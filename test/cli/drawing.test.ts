/** What is drawn for people: numbers, times, the progress line, a table's cells. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatCount,
  formatCredit,
  formatEta,
  formatSeconds,
  parseDurationMs,
  percentOf,
} from '../../cli/format.ts';
import { drawProgress, type Progress } from '../../cli/progress-bar.ts';
import { plainText } from '../../cli/terminal.ts';

describe('a number', () => {
  test('has its thousands apart', () => {
    expect(formatCount(1234567)).toBe('1,234,567');
    expect(formatCount(999)).toBe('999');
  });

  test('of credit shows at all, however small', () => {
    expect(['0', '1', '41957', '2500000', '1234567890'].map(formatCredit)).toEqual([
      '0',
      '0.000001',
      '0.041957',
      '2.50',
      '1,234',
    ]);
  });

  test('of percent is 100 only when all is done', () => {
    expect([percentOf(999, 1000), percentOf(1000, 1000), percentOf(0, 0)]).toEqual([99, 100, 100]);
  });
});

describe('a time', () => {
  test.each([
    [0.4, '0 s'],
    [59, '59 s'],
    [95, '1.6 min'],
    [3600, '1.0 h'],
    [200_000, '2.3 d'],
  ])('of %d seconds is %s', (seconds, text) => expect(formatSeconds(seconds)).toBe(text));

  test.each([
    [{ secondsMin: 25, secondsMax: 40 }, '25–40 s'],
    [{ secondsMin: 50, secondsMax: 130 }, '1–3 min'],
    [{ secondsMin: 3, secondsMax: 3 }, '3 s'],
    [null, '—'],
  ])('to wait is a range, or unknown', (eta, text) => expect(formatEta(eta)).toBe(text));

  test.each([
    ['90', 90_000],
    ['90s', 90_000],
    ['10m', 600_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    ['soon', null],
    ['-1s', null],
    ['', null],
  ])('on the command line: %j', (text, ms) => expect(parseDurationMs(text)).toBe(ms));
});

const progress = (change: Partial<Progress>): Progress => ({
  name: 'mersenne-4500',
  units: 609,
  canonical: 374,
  failed: 0,
  running: 8,
  waiting: 227,
  unitsPerSecond: 118,
  eta: { secondsMin: 2, secondsMax: 3 },
  ...change,
});

describe('the progress line', () => {
  test('says how far, how much, how fast and how long', () => {
    expect(drawProgress(progress({}), 120)).toBe(
      'mersenne-4500 ███████████████▒········  61%  374 done · 8 running · 227 waiting  118/s  ETA 2–3 s',
    );
  });

  test('shows a failed unit however many there are, by a sign of its own', () => {
    const line = drawProgress(progress({ units: 1_000_000, canonical: 5, failed: 1 }), 120);
    expect(line).toContain('×');
    expect(line).toContain('1 failed');
  });

  test('says only what was done when it is over', () => {
    const over = progress({ canonical: 609, running: 0, waiting: 0, unitsPerSecond: 0, eta: null });
    expect(drawProgress(over, 120)).toBe('mersenne-4500 ████████████████████████ 100%  609 done');
  });

  test('keeps its width when what failed is less than one of its cells', () => {
    const all = { name: '  !', units: 17, canonical: 0, failed: 1, running: 16, waiting: 0 };
    expect([...drawProgress(progress(all), 17)].length).toBeLessThanOrEqual(17);
  });

  test('never grows beyond the terminal, and keeps the percentage in the narrowest', () => {
    const counts = fc.nat(1_000_000);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        counts,
        counts,
        counts,
        counts,
        fc.string({ maxLength: 40 }),
        (columns, canonical, failed, running, waiting, name) => {
          const units = Math.max(1, canonical + failed + running + waiting);
          const line = drawProgress(
            progress({ name, units, canonical, failed, running, waiting }),
            columns,
          );
          expect([...line].length).toBeLessThanOrEqual(columns);
          if (columns >= 5) expect(line).toMatch(/\d%/);
        },
      ),
    );
  });
});

describe('text of strangers', () => {
  test('cannot move the cursor, rename the window or turn the line around', () => {
    expect(plainText('a\u001b[2Jb\u009b1mc\u202ed\r\ne')).toBe('a [2Jb 1mc d e');
  });
});

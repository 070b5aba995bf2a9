import { describe, expect, it } from 'vitest';
import { auditDraws } from '../../../coordinator/tokens/audit-draw.ts';

const secret = Buffer.from('secret');
const draws = (name: string, count = 256, key: Uint8Array = secret): number[] => {
  const draw = auditDraws(key, name);
  return Array.from({ length: count }, () => draw());
};

describe('the audit draw', () => {
  it('is the same whoever makes it', () => {
    expect(draws('these results')).toEqual(draws('these results'));
  });

  it('is another for other results and under another secret', () => {
    expect(draws('others')).not.toEqual(draws('these results'));
    expect(draws('these results', 256, Buffer.from('other'))).not.toEqual(draws('these results'));
  });

  it('is spread evenly from 0 up to 1, also the first of each', () => {
    const long = draws('a long run', 50_000);
    const firsts = Array.from({ length: 20_000 }, (_, i) => draws(`run ${i}`, 1)[0] ?? 1);
    for (const some of [long, firsts]) {
      const below = some.filter((draw) => draw < 0.05).length / some.length;
      expect(below).toBeGreaterThan(0.045);
      expect(below).toBeLessThan(0.055);
      expect(some.every((draw) => draw >= 0 && draw < 1)).toBe(true);
    }
  });
});

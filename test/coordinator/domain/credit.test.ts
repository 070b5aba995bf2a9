import { describe, expect, it } from 'vitest';
import { creditMicro } from '../../../coordinator/domain/credit.ts';

describe('credit', () => {
  it('[C2] is a millionth of the fuel in microcredit, rounded down', () => {
    expect(creditMicro(1e12)).toBe(1e6);
    expect(creditMicro(999_999)).toBe(0);
    expect(creditMicro(1_000_000)).toBe(1);
    expect(creditMicro(1_999_999)).toBe(1);
    expect(creditMicro(0)).toBe(0);
  });

  it('is exact up to the greatest fuel', () => {
    expect(creditMicro(Number.MAX_SAFE_INTEGER)).toBe(9_007_199_254);
  });
});

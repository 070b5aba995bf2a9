import { describe, expect, it } from 'vitest';
import { oddPrimes } from '../../../jobs/mersenne/job.ts';
import { mersenneExponents } from '../../../jobs/mersenne/published.ts';

describe('the Mersenne job', () => {
  it('has a unit for each of the 609 odd primes below 4,500', () => {
    const primes = oddPrimes(3, 4500);
    expect(primes).toHaveLength(609);
    expect(primes.slice(0, 5)).toEqual([3, 5, 7, 11, 13]);
    expect(primes.at(-1)).toBe(4493);
  });

  it('begins where it is told', () => {
    expect(oddPrimes(90, 110)).toEqual([97, 101, 103, 107, 109]);
    expect(oddPrimes(97, 101)).toEqual([97]);
    expect(oddPrimes(3, 3)).toEqual([]);
  });

  it('covers 19 exponents that are known to give primes', () => {
    const primes = new Set(oddPrimes(3, 4500));
    expect(mersenneExponents.filter((p) => primes.has(p))).toHaveLength(19);
  });
});

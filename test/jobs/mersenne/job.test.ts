import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { builtKernel } from '../../../jobs/built-kernel.ts';
import { mersenneJob, oddPrimes } from '../../../jobs/mersenne/job.ts';
import { mersenneExponents } from '../../../jobs/mersenne/published.ts';
import { fillTemplate, unitCount, unitParams } from '../../../protocol/unit-rule.ts';

const definition = new URL('../../../jobs/mersenne/job.ts', import.meta.url).href;

describe('the Mersenne job', () => {
  // The kernel comes from `npm run build`.
  it.skipIf(!existsSync(builtKernel(definition)))(
    'has a unit for each of the 609 odd primes below 4,500',
    async () => {
      const { document, artifacts } = await mersenneJob({ below: 4500 }).prepare();
      expect(unitCount(document.units)).toBe(609);
      expect(unitParams(document.units, 0)).toEqual({ p: 3 });
      const last = unitParams(document.units, 608);
      expect(document.run.args.map((arg) => fillTemplate(arg, last, 608))).toEqual([
        '--exponent',
        '4493',
      ]);
      expect([...artifacts.keys()]).toEqual([document.kernel]);
      expect(document.view).toMatchObject({ width: 25, height: 25 });
    },
  );

  it('begins where it is told', () => {
    expect(oddPrimes(3, 20)).toEqual([3, 5, 7, 11, 13, 17, 19]);
    expect(oddPrimes(90, 110)).toEqual([97, 101, 103, 107, 109]);
    expect(oddPrimes(97, 101)).toEqual([97]);
    expect(oddPrimes(3, 3)).toEqual([]);
  });

  it('covers 19 exponents that are known to give primes', () => {
    const exponents = new Set(oddPrimes(3, 4500));
    expect(mersenneExponents.filter((p) => exponents.has(p))).toHaveLength(19);
  });
});

/** The Mersenne kernel against what other programs have found. */
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lucasLehmerTerm, res64 } from '../../../jobs/mersenne/oracle.ts';
import { lastTerms, mersenneExponents, mlucasSelfTest } from '../../../jobs/mersenne/published.ts';
import { hostKernel, type KernelHost } from '../kernel-host.ts';

/** More residues of the same origins than are kept with the sources; not part of the repository. */
const table = new URL('../../../../shared/data/tables/mersenne.json', import.meta.url);

let host: KernelHost;
beforeAll(() => {
  host = hostKernel('jobs/mersenne/assembly/kernel.ts');
});
afterAll(() => host.close());

function residue(exponent: number, iterations = exponent - 2): string {
  const args = ['--exponent', String(exponent), '--iterations', String(iterations)];
  return (JSON.parse(host.run(args).stdout) as { res64: string }).res64;
}

describe('the Mersenne kernel', () => {
  it('ends at the terms of OEIS A095847', () => {
    for (const [exponent, term] of lastTerms) {
      expect([exponent, residue(exponent)]).toEqual([exponent, res64(term)]);
    }
  });

  it('finds the Mersenne primes up to exponent 11,213', () => {
    for (const exponent of mersenneExponents.filter((p) => p > 2 && p < 12_000)) {
      expect([exponent, residue(exponent)]).toEqual([exponent, '0000000000000000']);
    }
  });

  // Computed for this test by two programs, a number theoretic transform in C and Python's integers.
  it.each([
    [9697, 'A23DAD2328692889'],
    [9719, '04FBDB12D4E0B40D'],
    [10007, '2CC5456D685892E3'],
  ])('ends 2^%i - 1 at %s', (exponent, expected) => {
    expect(residue(exponent)).toBe(expected);
  });

  it.each(mlucasSelfTest)('agrees with the self-test of Mlucas for $exponent', (row) => {
    expect(residue(row.exponent, 100)).toBe(row.after100);
    expect(residue(row.exponent, 1000)).toBe(row.after1000);
    expect(residue(row.exponent, 10_000)).toBe(row.after10000);
  });

  // The schoolbook ends at 7,140; then the transform doubles its length at each of the others.
  it.each([7140, 12_800, 25_088, 49_152, 96_256, 188_416])(
    'changes its way of squaring at exponent %i without a seam',
    (seam) => {
      for (const exponent of [seam - 1, seam, seam + 1]) {
        const expected = res64(lucasLehmerTerm(exponent, 30));
        expect([exponent, residue(exponent, 30)]).toEqual([exponent, expected]);
      }
    },
  );

  it.skipIf(!existsSync(table))(
    `agrees with the larger table of published residues, if it is there (${table.pathname})`,
    () => {
      const rows = (
        JSON.parse(readFileSync(table, 'utf8')) as {
          LL_partial_Mlucas: { p: number; it100: string; it1000: string }[];
        }
      ).LL_partial_Mlucas;
      expect(rows.length).toBeGreaterThan(20);
      for (const { p, it100, it1000 } of rows) {
        expect([p, residue(p, 100)]).toEqual([p, it100]);
        if (p < 100_000) expect([p, residue(p, 1000)]).toEqual([p, it1000]);
      }
    },
  );
});

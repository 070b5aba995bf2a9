import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lucasLehmerTerm, res64 } from '../../../jobs/mersenne/oracle.ts';
import { lastTerms, mersenneExponents, mlucasSelfTest } from '../../../jobs/mersenne/published.ts';
import { hostKernel, type KernelHost } from '../kernel-host.ts';

/** More residues of the published kind than are kept with the sources; not part of the repository. */
const table = new URL('../../../../shared/data/tables/mersenne.json', import.meta.url);

let host: KernelHost;
beforeAll(() => {
  host = hostKernel('jobs/mersenne/assembly/kernel.ts');
});
afterAll(() => host.close());

function residue(exponent: number, iterations?: number) {
  const limit = iterations === undefined ? [] : ['--iterations', String(iterations)];
  const end = host.run(['--exponent', String(exponent), ...limit]);
  expect(end).toMatchObject({ exitCode: 0, stderr: '' });
  return JSON.parse(end.stdout) as {
    exponent: number;
    prime: boolean | null;
    res64: string;
    iterations: number;
  };
}

const lastRes64 = (exponent: number, iterations?: number) => residue(exponent, iterations).res64;

describe('the Mersenne kernel', () => {
  it('prints one line of JSON', () => {
    expect(host.run(['--exponent', '9697']).stdout).toBe(
      '{"exponent":9697,"prime":false,"res64":"A23DAD2328692889","iterations":9695}\n',
    );
  });

  it('agrees with big integers on every exponent below 1,300, prime or not', () => {
    for (let exponent = 2; exponent < 1300; exponent++) {
      const term = lucasLehmerTerm(exponent);
      expect(residue(exponent)).toEqual({
        exponent,
        prime: mersenneExponents.includes(exponent),
        res64: res64(term),
        iterations: exponent - 2,
      });
    }
  });

  it('stops where it is told, and then claims nothing about the number', () => {
    expect(residue(127, 100)).toEqual({
      exponent: 127,
      prime: null,
      res64: res64(lucasLehmerTerm(127, 100)),
      iterations: 100,
    });
    expect(residue(127, 125)).toEqual(residue(127));
  });

  it.each([
    ['no exponent', []],
    ['an exponent without a value', ['--exponent']],
    ['something that is no number', ['--exponent', '12a7']],
    ['an exponent below 2', ['--exponent', '1']],
    ['more iterations than the test has', ['--exponent', '7', '--iterations', '6']],
  ])('refuses %s with code 2 and a sentence', (_what, args) => {
    const end = host.run(args);
    expect(end.exitCode).toBe(2);
    expect(end.stdout).toBe('');
    expect(end.stderr).toMatch(/^--\w+ (needs|must) .*\n$/);
  });

  it('is a WASI preview 1 command and nothing more', () => {
    const modules = new Set(WebAssembly.Module.imports(host.module).map((entry) => entry.module));
    expect([...modules]).toEqual(['wasi_snapshot_preview1']);
    expect(WebAssembly.Module.exports(host.module).map((entry) => entry.name)).toEqual([
      'memory',
      '_start',
    ]);
  });
});

describe('the residues of the Mersenne kernel', () => {
  it('ends at the terms of OEIS A095847', () => {
    for (const [exponent, term] of lastTerms) {
      expect([exponent, lastRes64(exponent)]).toEqual([exponent, res64(term)]);
    }
  });

  it('finds the Mersenne primes up to exponent 11,213', () => {
    for (const exponent of mersenneExponents.filter((p) => p > 2 && p < 12_000)) {
      expect([exponent, lastRes64(exponent)]).toEqual([exponent, '0000000000000000']);
    }
  });

  // Computed for this test by two programs, a number theoretic transform in C and Python's integers.
  it.each([
    [9697, 'A23DAD2328692889'],
    [9719, '04FBDB12D4E0B40D'],
    [10007, '2CC5456D685892E3'],
  ])('ends 2^%i - 1 at %s', (exponent, expected) => {
    expect(lastRes64(exponent)).toBe(expected);
  });

  it.each(mlucasSelfTest)('agrees with the self-test of Mlucas for $exponent', (row) => {
    expect(lastRes64(row.exponent, 100)).toBe(row.after100);
    expect(lastRes64(row.exponent, 1000)).toBe(row.after1000);
    expect(lastRes64(row.exponent, 10_000)).toBe(row.after10000);
  });

  // The schoolbook ends at 7,140; then the transform doubles its length at each of the others.
  it.each([7140, 12_800, 25_088, 49_152, 96_256, 188_416])(
    'changes its way of squaring at exponent %i without a seam',
    (seam) => {
      for (const exponent of [seam - 1, seam, seam + 1]) {
        const expected = res64(lucasLehmerTerm(exponent, 30));
        expect([exponent, lastRes64(exponent, 30)]).toEqual([exponent, expected]);
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
        if (p < 300_000) expect([p, lastRes64(p, 100)]).toEqual([p, it100]);
        if (p < 70_000) expect([p, lastRes64(p, 1000)]).toEqual([p, it1000]);
      }
    },
  );
});

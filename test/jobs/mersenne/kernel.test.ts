import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lucasLehmerTerm, res64 } from '../../../jobs/mersenne/oracle.ts';
import { mersenneExponents } from '../../../jobs/mersenne/published.ts';
import { hostKernel, type KernelHost } from '../kernel-host.ts';

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

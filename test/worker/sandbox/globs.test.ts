import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { foldersOf, matchesGlob } from '../../../worker/sandbox/globs.ts';

describe('an output pattern', () => {
  it.each([
    ['/out/*', '/out/a', true],
    ['/out/*', '/out/', false],
    ['/out/*', '/out/a/b', false],
    ['/out/*', '/other/a', false],
    ['/out/*.json', '/out/a.json', true],
    ['/out/*.json', '/out/a.json.gz', false],
    ['/out/part-*-of-*', '/out/part-1-of-2', true],
    ['/out/part-*-of-*', '/out/part-1', false],
    ['/**', '/a/b/c', true],
    ['/out/**', '/out/a/b', true],
    ['/out/**/last', '/out/last', true],
    ['/out/**/last', '/out/a/b/last', true],
    ['/out/**/last', '/out/a/b/first', false],
    ['/result', '/result', true],
    ['/result', '/results', false],
    ['//out/./*', '/out/a', true],
    ['/a.b', '/axb', false],
  ])('%s on %s: %s', (pattern, path, expected) => {
    expect(matchesGlob(pattern, path)).toBe(expected);
  });

  it('means what a regular expression would, within one name', () => {
    const letters = fc.array(fc.constantFrom('a', 'b', '*'), { minLength: 1, maxLength: 8 });
    const names = fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(letters, names, (pattern, name) => {
        fc.pre(!pattern.every((letter) => letter === '*'));
        const expression = new RegExp(`^${pattern.join('').replaceAll('*', '.*')}$`);
        const [glob, path] = [`/${pattern.join('')}`, `/${name.join('')}`];
        expect(matchesGlob(glob, path)).toBe(expression.test(name.join('')));
      }),
    );
  });

  it('[S2] with many stars is matched in little time', () => {
    expect(matchesGlob(`/${'*a'.repeat(120)}`, `/${'a'.repeat(4000)}b`)).toBe(false);
  });

  it('names the folders that are there from the start', () => {
    expect(foldersOf('/out/*')).toEqual(['out']);
    expect(foldersOf('/out/deep/result.json')).toEqual(['out', 'deep']);
    expect(foldersOf('/out/*/x/y')).toEqual(['out']);
    expect(foldersOf('/**')).toEqual([]);
  });
});

/** Results on disk: paths that kernels chose, and tables that lose nothing. */
import { join, sep } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { csvColumns, csvHeader, csvRow } from '../../cli/csv.ts';
import { within } from '../../cli/guest-files.ts';
import { resultLineExamples } from '../../protocol/examples.ts';
import type { ResultLine } from '../../protocol/http.ts';

describe('a guest path', () => {
  const folder = join(sep, 'tmp', 'results');

  test('is a path below the folder', () => {
    expect(within(folder, '/out/a.txt')).toBe(join(folder, 'out', 'a.txt'));
    expect(within(folder, 'out//a')).toBe(join(folder, 'out', 'a'));
    expect(within(folder, '/..a')).toBe(join(folder, '..a'));
  });

  test.each(['/../a', '/a/../../b', '..', '/', '', '/a/..', 'a\0b'])('%j is refused', (path) => {
    expect(() => within(folder, path)).toThrow('is not written');
  });

  test('never leads out of the folder, whatever it is', () => {
    const parts = fc.constantFrom('..', '.', '', 'a', '/', '\\', '...', '~', 'C:');
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 8 }), (path) => {
        let target: string;
        try {
          target = within(folder, path.join('/'));
        } catch {
          return;
        }
        expect(target.startsWith(folder + sep)).toBe(true);
      }),
    );
  });
});

describe('a table', () => {
  const [succeeded, failed] = resultLineExamples as [ResultLine, ResultLine];
  const columns = csvColumns(succeeded);

  test('has a column for every parameter and every field of the first output', () => {
    expect(csvHeader(columns)).toBe(
      'unit,p,verdict,outcome,fuel,output.exponent,output.prime,output.res64,output.iterations,more\r\n',
    );
    expect(csvRow(succeeded, columns)).toBe(
      '4,2281,accepted,success,41957077,2281,true,0000000000000000,2279,\r\n',
    );
  });

  test('says in the last column why a unit failed', () => {
    expect(csvRow(failed, columns)).toBe(
      '3,2213,invalid,kernel_trap,8214,,,,,"{""detail"":""kernel_trap: unreachable executed""}"\r\n',
    );
  });

  test('keeps in the last column what has no column', () => {
    const odd = {
      ...succeeded,
      output: { prime: true, witness: [1, 2] },
      files: { '/out/a': 'YQ==' },
    };
    expect(csvRow(odd, columns)).toContain('"{""witness"":[1,2],""files"":{""/out/a"":""YQ==""}}"');
    expect(csvRow({ ...succeeded, output: 'text' }, columns)).toContain('"{""output"":""text""}"');
  });

  test('of plain text has one column for it, quoted where it must be', () => {
    const text = { ...succeeded, output: 'a "b",\nc' };
    expect(csvHeader(csvColumns(text))).toBe('unit,p,verdict,outcome,fuel,output,more\r\n');
    expect(csvRow(text, csvColumns(text))).toBe(
      '4,2281,accepted,success,41957077,"a ""b"",\nc",\r\n',
    );
  });
});

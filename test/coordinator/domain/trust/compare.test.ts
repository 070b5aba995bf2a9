import { describe, expect, it } from 'vitest';
import {
  agreeWithin,
  type Compared,
  cellsMax,
  exactAnswer,
  readBody,
  type Tolerance,
  verifierSays,
} from '../../../../coordinator/domain/trust/compare.ts';

const aResult = (parts: Partial<Compared> = {}): Compared => ({
  outcome: 'success',
  exitCode: 0,
  fuel: 1000,
  digest: 'd1',
  ...parts,
});

describe('exact comparison', () => {
  it.each<[string, Partial<Compared>]>([
    ['output', { digest: 'd2' }],
    ['fuel', { fuel: 1001 }],
    ['exit code', { exitCode: 1 }],
    ['outcome', { outcome: 'kernel_trap' }],
  ])('tells apart results that differ in %s', (_, parts) => {
    expect(exactAnswer(aResult(parts))).not.toBe(exactAnswer(aResult()));
  });

  it('finds two results alike that differ in nothing', () => {
    expect(exactAnswer(aResult())).toBe(exactAnswer(aResult()));
  });
});

describe('comparison within tolerances', () => {
  const tolerance = { energy: { relative: 1e-6 }, 'atoms.x': { absolute: 0.01 } };
  const agree = (a: unknown, b: unknown) =>
    agreeWithin(tolerance, aResult({ body: a }), aResult({ body: b, digest: 'd2', fuel: 1005 }));

  it('lets declared numbers differ that much', () => {
    expect(agree({ energy: 1_000_000 }, { energy: 1_000_001 })).toBe(true);
    expect(agree({ energy: 1_000_000 }, { energy: 1_000_002 })).toBe(false);
    expect(agree({ atoms: [{ x: 1 }, { x: 2 }] }, { atoms: [{ x: 1.009 }, { x: 2 }] })).toBe(true);
    expect(agree({ atoms: [{ x: 1 }] }, { atoms: [{ x: 1.02 }] })).toBe(false);
  });

  it('wants all else to be equal', () => {
    expect(agree({ steps: 10 }, { steps: 10 })).toBe(true);
    expect(agree({ steps: 10 }, { steps: 11 })).toBe(false);
    expect(agree({ energy: 1 }, { energy: 1, note: 'x' })).toBe(false);
    expect(agree({ energy: 1 }, { energy: '1' })).toBe(false);
    expect(agree({ atoms: [] }, { atoms: [{ x: 1 }] })).toBe(false);
    expect(agree({ energy: null }, { energy: 0 })).toBe(false);
  });

  it('never finds a number near to what is none', () => {
    expect(agree({ energy: Number.NaN }, { energy: 1 })).toBe(false);
    expect(agree({ energy: Number.POSITIVE_INFINITY }, { energy: 1 })).toBe(false);
  });

  it('lets fuel differ by a percent: nobody names its own pay', () => {
    const first = aResult({ body: 1, fuel: 1_000_000 });
    expect(agreeWithin({}, first, { ...first, digest: 'd2', fuel: 1_010_000 })).toBe(true);
    expect(agreeWithin({}, first, { ...first, digest: 'd2', fuel: 1_020_000 })).toBe(false);
  });

  it('falls back on the digest where the output could not be read, and is exact about failures', () => {
    const text = aResult();
    expect(agreeWithin(tolerance, text, aResult({ fuel: 1001 }))).toBe(true);
    expect(agreeWithin(tolerance, text, aResult({ digest: 'd2' }))).toBe(false);
    const trap = aResult({ outcome: 'kernel_trap', exitCode: null });
    expect(agreeWithin(tolerance, trap, { ...trap, fuel: 2 })).toBe(false);
  });
});

describe('what a unit prints', () => {
  const printed = (text: string, files: Record<string, Uint8Array> = {}): Compared => ({
    ...aResult({ digest: text }),
    ...readBody({ stdout: Buffer.from(text), files }),
  });
  const agree = (tolerance: Tolerance, a: string, b: string) =>
    agreeWithin(tolerance, printed(a), printed(b));

  it('is one JSON value, or one a line', () => {
    const tolerance = { e: { relative: 0.1 } };
    expect(agree(tolerance, '{"e": 10}', '{"e": 10.5}\n')).toBe(true);
    expect(agree(tolerance, '{"e":10}\n{"e":20}\n', '{"e":10.5}\n{"e":20.5}')).toBe(true);
    expect(agree(tolerance, '{"e":10}\n{"e":20}', '{"e":10}\n{"e":30}')).toBe(false);
    expect(agree(tolerance, '{"e":10}\n{"e":20}', '{"e":10}')).toBe(false);
  });

  it('is rows of columns otherwise, which are compared by their number', () => {
    const tolerance = { $2: { absolute: 0.01 } };
    expect(agree(tolerance, 'He 1.50\nNe 2.5', 'He 1.501\nNe  2.499\n')).toBe(true);
    expect(agree(tolerance, 'a,1e3,x', 'a, 1000.001 ,x')).toBe(true);
    expect(agree(tolerance, 'He 1.5', 'Ar 1.5')).toBe(false);
    expect(agree(tolerance, '1 1', '1.001 1')).toBe(false);
    expect(agree(tolerance, 'a 1', 'a 1 1')).toBe(false);
    expect(agree(tolerance, 'a 1e999', 'a 2e999')).toBe(true);
    expect(agree(tolerance, 'a 1e999', 'a 5')).toBe(false);
  });

  it('wants the files that come with it to be equal', () => {
    const tolerance = { e: { relative: 0.1 } };
    const first = printed('{"e":10}', { '/out/a': Buffer.from('1') });
    const near = (files: Record<string, Uint8Array>) =>
      agreeWithin(tolerance, first, printed('{"e":10.1}', files));
    expect(near({ '/out/a': Buffer.from('1') })).toBe(true);
    expect(near({ '/out/a': Buffer.from('2') })).toBe(false);
    expect(near({})).toBe(false);
  });

  it('may be nested as deep as a stranger likes', () => {
    const deep = `${'['.repeat(100_000)}1${']'.repeat(100_000)}`;
    expect(agree({ e: { absolute: 1 } }, deep, deep.replace('1', '2'))).toBe(false);
  });
});

describe('a verifier', () => {
  it('says yes by success, no by failing, and nothing when its host failed', () => {
    expect(verifierSays('success', 0)).toBe(true);
    expect(verifierSays('kernel_exit', 1)).toBe(false);
    expect(verifierSays('kernel_trap', null)).toBe(false);
    expect(verifierSays('host_error', null)).toBe(null);
    expect(verifierSays('time_exceeded', null)).toBe(null);
  });
});

// A volunteer could stop the coordinator for good with a megabyte of digits: patterns went over them once for each.
describe('what a stranger printed to be slow to read', () => {
  const mebi = 2 ** 20;
  const bodyOf = (text: string) => readBody({ stdout: Buffer.from(text), files: {} }).body;

  it('[P1] is text where it is longer than any number', () => {
    const digits = `${'1'.repeat(mebi)}x`;
    expect(bodyOf(digits)).toEqual([{ $1: digits }]);
    expect(bodyOf(`${'1'.repeat(200)}, 2`)).toEqual([{ $1: '1'.repeat(200), $2: 2 }]);
  });

  it('[P1] is no rows when there are too many cells, and agrees with its equal alone', () => {
    expect(bodyOf('1 '.repeat(cellsMax))).toHaveLength(1);
    for (const text of [','.repeat(mebi), 'x\n'.repeat(mebi / 2), '1 2\n'.repeat(cellsMax)]) {
      const many = aResult({ body: bodyOf(text) });
      expect(many.body).toBeUndefined();
      expect(agreeWithin({}, many, { ...many, digest: 'd2' })).toBe(false);
      expect(agreeWithin({}, many, many)).toBe(true);
    }
  });
});

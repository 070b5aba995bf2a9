import { describe, expect, it } from 'vitest';
import {
  agreeExactly,
  agreeWithin,
  answerOf,
  type Compared,
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
    expect(agreeExactly(aResult(), aResult(parts))).toBe(false);
  });

  it('finds two results alike that differ in nothing', () => {
    expect(agreeExactly(aResult(), aResult())).toBe(true);
  });
});

describe('comparison within tolerances', () => {
  const tolerance = { energy: { relative: 1e-6 }, 'atoms.x': { absolute: 0.01 } };
  const agree = (a: unknown, b: unknown) =>
    agreeWithin(tolerance, aResult({ json: a }), aResult({ json: b, digest: 'd2', fuel: 1005 }));

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
    const first = aResult({ json: 1, fuel: 1_000_000 });
    expect(agreeWithin({}, first, { ...first, digest: 'd2', fuel: 1_010_000 })).toBe(true);
    expect(agreeWithin({}, first, { ...first, digest: 'd2', fuel: 1_020_000 })).toBe(false);
  });

  it('falls back on the digest where the output is not JSON, and is exact about failures', () => {
    const text = aResult({ fuel: 1 });
    expect(agreeWithin(tolerance, text, aResult({ fuel: 2 }))).toBe(true);
    expect(agreeWithin(tolerance, text, aResult({ digest: 'd2' }))).toBe(false);
    const trap = aResult({ outcome: 'kernel_trap', exitCode: null });
    expect(agreeWithin(tolerance, trap, { ...trap, fuel: 2 })).toBe(false);
  });
});

describe('the name of an answer', () => {
  it('is that of the first heard that agrees, or a new one', () => {
    const near = (a: Compared, b: Compared) => Math.abs(a.fuel - b.fuel) <= 1;
    const answers = new Map<string, Compared>();
    const names = [10, 11, 12, 20].map((fuel) => answerOf(aResult({ fuel }), answers, near));
    expect(names).toEqual(['answer-1', 'answer-1', 'answer-2', 'answer-3']);
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

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FairShare } from '../../../coordinator/domain/fair-share.ts';

/** Serves `turns` turns and returns what each was served. `cost` of a turn may differ by key. */
function serve(
  share: FairShare<string>,
  weights: Record<string, number>,
  turns: number,
  cost: (key: string) => number = () => 1,
): Record<string, number> {
  const served: Record<string, number> = {};
  for (let turn = 0; turn < turns; turn++) {
    const key = share.next(Object.keys(weights));
    if (key === undefined) throw new Error('nobody to serve');
    served[key] = (served[key] ?? 0) + cost(key);
    share.charge(key, cost(key), weights[key] ?? 1);
  }
  return served;
}

describe('fair share', () => {
  it('has nobody to serve among none', () => {
    expect(new FairShare().next([])).toBeUndefined();
  });

  it('serves each by its weight, to within one turn, whatever a turn costs', () => {
    const weight = fc.integer({ min: 1, max: 10 });
    const cost = fc.integer({ min: 1, max: 1000 });
    const one = fc.record({ weight, cost });
    fc.assert(
      fc.property(fc.array(one, { minLength: 2, maxLength: 5 }), (drawn) => {
        const weights = Object.fromEntries(drawn.map((d, i) => [`job ${i}`, d.weight]));
        const costs = Object.fromEntries(drawn.map((d, i) => [`job ${i}`, d.cost]));
        const served = serve(new FairShare(), weights, 3000, (key) => costs[key] ?? 1);
        const shares = Object.keys(weights).map((key) => (served[key] ?? 0) / (weights[key] ?? 1));
        const turn = Math.max(...drawn.map((d) => d.cost / d.weight));
        expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(turn + 1e-6);
      }),
    );
  });

  it('serves a newcomer as the others from now on: it does not catch up on the past', () => {
    const share = new FairShare<string>();
    serve(share, { old: 1 }, 1000);
    const served = serve(share, { old: 1, fresh: 1 }, 100);
    expect(served['fresh']).toBeGreaterThanOrEqual(49);
    expect(served['old']).toBeGreaterThanOrEqual(49);
  });

  it('lets one that paused come back without a debt and without a claim', () => {
    const share = new FairShare<string>();
    serve(share, { a: 1, b: 1 }, 100);
    serve(share, { a: 1 }, 1000);
    const served = serve(share, { a: 1, b: 1 }, 100);
    expect(served['b']).toBeGreaterThanOrEqual(49);
    expect(served['b']).toBeLessThanOrEqual(51);
  });

  it('treats one that was forgotten as new', () => {
    const share = new FairShare<string>();
    serve(share, { a: 1, b: 1 }, 10);
    share.charge('a', 1_000_000, 1);
    share.forget('a');
    const served = serve(share, { a: 1, b: 1 }, 10);
    expect(served['a']).toBeGreaterThanOrEqual(4);
  });

  it('serves the first named when all are equal', () => {
    expect(new FairShare<string>().next(['b', 'a'])).toBe('b');
  });
});

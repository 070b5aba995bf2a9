/**
 * The simulated grid at a size that a test can afford: that it runs to its end, the same each time, and
 * that our policy tells cheaters from others. What the figures are is the bench's to say.
 */
import { describe, expect, it } from 'vitest';
import { AdaptiveReplication } from '../../bench/trust/adaptive.ts';
import { runGrid } from '../../bench/trust/grid.ts';
import { Manyhands } from '../../bench/trust/manyhands.ts';
import type { Adversary } from '../../bench/trust/population.ts';
import { Quorum } from '../../bench/trust/quorum.ts';

const hosts = 100;
const units = 20_000;
const run = (
  adversary: Adversary,
  bad: number,
  Policy = Manyhands as new (
    ...parts: ConstructorParameters<typeof Manyhands>
  ) => Manyhands | Quorum,
) => runGrid({ hosts, bad, adversary }, units, 1, (...parts) => new Policy(...parts));

describe('the simulated grid', () => {
  it('finds every lie of hosts that lie often, alone or together', () => {
    expect(run({ kind: 'independent', lies: 1 }, 0.05).wrongPerMillion).toBe(0);
    expect(run({ kind: 'colluding', lies: 1 }, 0.05).wrongPerMillion).toBe(0);
  });

  it('comes to an end with every kind of host', () => {
    const kinds: Adversary[] = [
      { kind: 'betraying', lies: 1, after: 100 },
      { kind: 'whitewashing', lies: 0.1 },
      { kind: 'hit_and_run', honest: 7 },
      { kind: 'flaky', errors: 0.006 },
    ];
    for (const kind of kinds) {
      const { overhead } = run(kind, 0.05);
      expect(overhead).toBeGreaterThan(1.05);
      expect(overhead).toBeLessThan(2);
    }
  });

  it('repeats itself from its seed', () => {
    const again = () => run({ kind: 'independent', lies: 0.1 }, 0.05);
    expect(again()).toEqual(again());
  });

  it('has a quorum of two run everything twice, and BOINC’s believe its hosts by and by', () => {
    expect(run({ kind: 'none' }, 0, Quorum).overhead).toBe(2);
    expect(run({ kind: 'none' }, 0, AdaptiveReplication).overhead).toBeLessThan(1.2);
  });
});

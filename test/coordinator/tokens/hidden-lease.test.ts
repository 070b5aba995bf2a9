import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { LeaseFacts } from '../../../coordinator/domain/lease.ts';
import { fromRuns, toRuns, unitAt } from '../../../coordinator/domain/shard.ts';
import { unitsAt } from '../../../coordinator/domain/unit-runs.ts';
import { LeaseTokens } from '../../../coordinator/tokens/lease-token.ts';
import { Sealer } from '../../../coordinator/tokens/seal.ts';
import { aJob, aLease, aShard, hostId } from '../builders.ts';

const key = { keyId: 'k1', secret: new Uint8Array(32).fill(7) };
const { jobId } = aJob();
const aCoordinator = () => new LeaseTokens(new Sealer([key]));

/** A lease on some positions of a shard that was split, or of one that lists its units. */
const aLeaseOf = fc
  .record({
    number: fc.nat(5_000_000),
    first: fc.nat(2 ** 50),
    gaps: fc.array(fc.constantFrom(1, 1, 1, 2, 900), { minLength: 1, maxLength: 40 }),
    taken: fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }),
    isList: fc.boolean(),
  })
  .map(({ number, first, gaps, taken, isList }): LeaseFacts => {
    let unit = first;
    const list = gaps.map((gap) => {
      unit += gap;
      return unit;
    });
    const some = list.map((_, position) => position).filter((position) => taken[position]);
    const positions = toRuns(some.length === 0 ? [0] : some);
    const units = isList ? { list } : { from: first, count: list.length };
    return { ...aLease(1, []), shard: { jobId, number, units }, positions };
  });

const told = ({ shard, positions }: LeaseFacts) => unitsAt(shard.units, positions);

it('any process that has the secret finds in a token which units were leased, and under what', () => {
  fc.assert(
    fc.property(aLeaseOf, (facts) => {
      const opened = aCoordinator().open(aCoordinator().seal(facts), facts);
      expect({ ...opened, shard: null }).toEqual({ ...facts, shard: null });
      const { jobId, number, units } = opened.shard;
      expect({ jobId, number }).toEqual({ jobId: facts.shard.jobId, number: facts.shard.number });
      for (const at of fromRuns(facts.positions)) {
        expect(unitAt(units, at)).toBe(unitAt(facts.shard.units, at));
      }
      expect(Object.keys(units)).toEqual(Object.keys(facts.shard.units));
    }),
  );
});

const aFacts: LeaseFacts = { ...aLease(1, [[0, 3]]), shard: aShard() };

it('another host’s lease opens for nobody else', () => {
  const token = aCoordinator().seal(aFacts);
  expect(() => aCoordinator().open(token, { ...aFacts, hostId: hostId(2) })).toThrow(
    /not granted to this host/,
  );
});

// A host that could tell a check would be honest in checks and lie elsewhere, where it is found out less.
it('[T1] a token’s length says no more than its units do, whatever shard they are of', () => {
  const tokens = aCoordinator();
  const lengths = new Map<number, Set<number>>();
  fc.assert(
    fc.property(aLeaseOf, (facts) => {
      const runs = told(facts).length;
      const known = lengths.get(runs) ?? new Set();
      lengths.set(runs, known.add(tokens.seal(facts).length));
    }),
    { numRuns: 2000 },
  );
  for (const [runs, known] of lengths)
    expect([runs, [...known]]).toEqual([runs, [...known].slice(0, 1)]);
});

it('and nobody reads it: the same lease is hidden differently each time', () => {
  const tokens = aCoordinator();
  const bodies = Array.from({ length: 2000 }, () => {
    const [, body = ''] = tokens.seal(aFacts).split('.');
    return Buffer.from(body, 'base64url').subarray(12);
  });
  expect(new Set(bodies.map((body) => body.toString('hex'))).size).toBe(bodies.length);
  for (const body of bodies) {
    expect(body.includes(aFacts.leaseId)).toBe(false);
    expect(body.includes(jobId)).toBe(false);
  }
  // Every bit of it is set half of the time, but for chance (six sigma of 2,000).
  const length = bodies[0]?.length ?? 0;
  for (let bit = 0; bit < 8 * length; bit++) {
    const set = bodies.filter((body) => ((body[bit >> 3] ?? 0) >> (bit & 7)) & 1).length;
    expect(Math.abs(set - 1000)).toBeLessThan(135);
  }
});

import { describe, expect, it } from 'vitest';
import type { LeaseFacts } from '../../../coordinator/domain/lease.ts';
import { unitAt } from '../../../coordinator/domain/shard.ts';
import { LeaseTokens } from '../../../coordinator/tokens/lease-token.ts';
import { Sealer } from '../../../coordinator/tokens/seal.ts';
import { accountId, hostId, jobId, leaseId } from '../builders.ts';

const sealer = new Sealer([{ keyId: 'k1', secret: new Uint8Array(32).fill(7) }]);
const lease = (units: LeaseFacts['shard']['units']): LeaseFacts => ({
  leaseId: leaseId(1),
  hostId: hostId(1),
  accountId: accountId(1),
  shard: { jobId: jobId(1), number: 3, units },
  positions: [
    [0, 2],
    [4, 1],
  ],
});
const holder = { hostId: hostId(1), accountId: accountId(1) };

describe.each([
  ['a run', lease({ from: 10, count: 8 })],
  ['a list', lease({ list: [3, 5, 8, 13, 21] })],
])('the token of a lease on %s', (_, facts) => {
  it('opens to the lease, as often as it is shown, where it was made and elsewhere', () => {
    const tokens = new LeaseTokens(sealer);
    const token = tokens.seal(facts);
    const elsewhere = new LeaseTokens(sealer);
    expect(tokens.open(token, holder)).toEqual(facts);
    for (let i = 0; i < 3; i++) {
      for (const opened of [tokens.open(token, holder), elsewhere.open(token, holder)]) {
        expect({ ...opened, shard: null }).toEqual({ ...facts, shard: null });
        for (const at of [0, 1, 4])
          expect(unitAt(opened.shard.units, at)).toBe(unitAt(facts.shard.units, at));
      }
    }
  });

  it.each([
    ['host', { ...holder, hostId: hostId(2) }],
    ['account', { ...holder, accountId: accountId(2) }],
  ])('does not open for another %s, and still opens for its holder', (_who, other) => {
    const tokens = new LeaseTokens(sealer);
    const token = tokens.seal(facts);
    expect(() => tokens.open(token, other)).toThrow('lease');
    expect(tokens.open(token, holder)).toEqual(facts);
  });
});

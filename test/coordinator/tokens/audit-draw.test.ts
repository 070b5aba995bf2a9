import { describe, expect, it } from 'vitest';
import { auditDraws } from '../../../coordinator/tokens/audit-draw.ts';
import { leaseId } from '../builders.ts';

const secret = Buffer.from('secret');
const positions = Array.from({ length: 256 }, (_, position) => position);

describe('the audit draw', () => {
  it('of a replica is the same whoever makes it, and with whatever others', () => {
    const all = auditDraws(secret, leaseId(1), positions);
    expect(auditDraws(secret, leaseId(1), [200, 3])).toEqual([all[200], all[3]]);
  });

  it('is another for another lease and under another secret', () => {
    const draws = auditDraws(secret, leaseId(1), positions);
    expect(auditDraws(secret, leaseId(2), positions)).not.toEqual(draws);
    expect(auditDraws(Buffer.from('other'), leaseId(1), positions)).not.toEqual(draws);
  });

  it('is spread evenly from 0 up to 1', () => {
    const leases = Array.from({ length: 100 }, (_, i) => leaseId(i));
    const draws = leases.flatMap((lease) => auditDraws(secret, lease, positions));
    const below = draws.filter((draw) => draw < 0.05).length / draws.length;
    expect(below).toBeGreaterThan(0.045);
    expect(below).toBeLessThan(0.055);
    expect(draws.every((draw) => draw >= 0 && draw < 1)).toBe(true);
  });
});

import { describe, expect, it } from 'vitest';
import type { Ended } from '../../../coordinator/domain/journal.ts';
import {
  answerOf,
  duePay,
  isGivenBack,
  type LateResult,
} from '../../../coordinator/domain/late.ts';
import type { Told, UnitCase } from '../../../coordinator/domain/trust/docket.ts';
import { accountId, aResult, aTrap, hostId, leaseId } from '../builders.ts';

const digestOf = (bytes: Uint8Array) => `sha256:${Buffer.from(bytes).toString('hex')}`;
const output = new Uint8Array([1, 2]);
const ended = (holder: number, result = aResult(3, { output, fuel: 5_000_000 })): Ended => ({
  leaseId: leaseId(holder),
  hostId: hostId(holder),
  accountId: accountId(holder),
  result,
});
const late = (holder: number, result = ended(1).result): LateResult => ({
  unit: 3,
  shard: 0,
  accountId: accountId(holder),
  hostId: hostId(holder),
  lease: { leaseId: leaseId(holder), shard: 9, position: 1 },
  answer: answerOf(result, digestOf),
});
const told = (holder: number): Told => ({
  hostId: hostId(holder),
  accountId: accountId(holder),
  network: 'n',
  answer: 'x',
  isAnchor: false,
  status: 'passed',
  micro: 5,
  place: null,
});
const about = (parts: Partial<UnitCase> = {}): UnitCase => ({
  trust: 'A1',
  wanted: 2,
  testimonies: [told(1), told(2)],
  isOut: false,
  canonical: 'x',
  ...parts,
});
const due = (one: LateResult, canonical = ended(1), known: UnitCase | undefined = undefined) =>
  duePay(one, ended(1), canonical, known, digestOf);

describe('a result that came late', () => {
  it('is worth what the canonical one is when it is the same', () => {
    const ids = { accountId: accountId(4), hostId: hostId(4) };
    expect(due(late(4))).toEqual({ kind: 'grant', ...ids, micro: 5, units: [[3, 1]] });
    const uploaded = aResult(3, { output: null, digest: output, fuel: 5_000_000 });
    expect(due(late(4, uploaded))).not.toBeNull();
  });

  it('is worth nothing when its fuel or its output is another, or there is no success to be the same as', () => {
    expect(due(late(4, aResult(3, { output, fuel: 5_000_001 })))).toBeNull();
    expect(due(late(4, aResult(3, { fuel: 5_000_000 })))).toBeNull();
    expect(due(late(4), ended(1, aTrap(3)))).toBeNull();
  });

  it('was nobody’s wish when its host had given the unit back', () => {
    const positions: [number, number][] = [[1, 1]];
    expect(isGivenBack(late(4), [{ kind: 'released', leaseId: leaseId(4), positions }])).toBe(true);
    expect(isGivenBack(late(4), [{ kind: 'released', leaseId: leaseId(5), positions }])).toBe(
      false,
    );
    expect(isGivenBack(late(4), [{ kind: 'accepted', leaseId: leaseId(4), positions }])).toBe(
      false,
    );
  });

  it('[C2] is worth nothing to an account that was paid for the unit', () => {
    expect(due(late(1))).toBeNull();
    expect(due(late(5), ended(5))).toBeNull();
    expect(due(late(2), ended(1), about())).toBeNull();
    expect(due(late(4), ended(1), about())).not.toBeNull();
    expect(due(late(4), ended(1), about({ rejected: [told(4)] }))).toBeNull();
    const verdict: Told = { ...told(4), isVerdict: true };
    expect(due(late(4), ended(1), about({ testimonies: [told(1), verdict] }))).not.toBeNull();
  });
});

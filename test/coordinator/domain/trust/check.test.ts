import { describe, expect, it } from 'vitest';
import { assurances } from '../../../../coordinator/domain/trust/assurance.ts';
import { type Case, discount, rule } from '../../../../coordinator/domain/trust/case.ts';
import {
  type Checker,
  type CheckNeeds,
  checkNeeds,
  mayCheck,
  type Others,
} from '../../../../coordinator/domain/trust/check.ts';
import {
  patienceMs,
  patienceMsMax,
  youngPatienceMs,
} from '../../../../coordinator/domain/trust/policy.ts';
import type { Repute } from '../../../../coordinator/domain/trust/repute.ts';
import { aTestimony, now } from './builders.ts';

const aCase = (parts: Partial<Case> = {}): Case => ({
  assurance: assurances.A1,
  wanted: 2,
  testimonies: [aTestimony(1, 'x')],
  ...parts,
});
const aChecker = (repute: Repute, parts: Partial<Checker> = {}): Checker => ({
  accountId: 'a7',
  network: 'n7',
  repute,
  passed: 100,
  ...parts,
});
const may = (checker: Checker, needs: CheckNeeds, waitedMs = 0, needsNetworks = false) =>
  mayCheck(checker, { needs, since: now - waitedMs, needsNetworks }, [aTestimony(1, 'x')], now);

describe('who a check is for', () => {
  const needs = (about: Case, subject: Repute) => checkNeeds(about, rule(about), subject);

  it.each<[Repute, CheckNeeds]>([
    ['newcomer', 'trusted'],
    ['flaky', 'trusted'],
    ['proven', 'anyone'],
    ['trusted', 'anyone'],
  ])('a result of a host that is %s is audited by %s', (subject, expected) => {
    expect(needs(aCase(), subject)).toBe(expected);
  });

  it('a dispute is for an anchor', () => {
    const about = aCase({ testimonies: [aTestimony(1, 'x'), aTestimony(2, 'y')] });
    expect(needs(about, 'trusted')).toBe('anchor');
  });

  it('what a convicted host said is verified by a trusted one', () => {
    const about = aCase();
    discount(about, 'h1');
    expect(needs(about, 'trusted')).toBe('trusted');
  });

  it('the audit of an audit, and every audit at A2, are for a trusted host', () => {
    const audited = aCase({ wanted: 3, testimonies: [aTestimony(1, 'x'), aTestimony(2, 'x')] });
    expect(needs(audited, 'trusted')).toBe('trusted');
    expect(needs(aCase({ assurance: assurances.A2 }), 'trusted')).toBe('trusted');
  });

  it('the last of three at A3 is for an anchor when none has spoken', () => {
    const two = [aTestimony(1, 'x'), aTestimony(2, 'x')];
    const about = aCase({ assurance: assurances.A3, wanted: 3, testimonies: two });
    expect(needs(about, 'trusted')).toBe('anchor');
    two.push(aTestimony(3, 'x', { isAnchor: true, network: 'n1' }));
    expect(needs(about, 'trusted')).not.toBe('anchor');
  });
});

describe('who may take a check', () => {
  it('[W4] never a host of an account that has testified, be it an anchor', () => {
    expect(may(aChecker('trusted', { accountId: 'a1' }), 'anyone', 365 * patienceMsMax)).toBe(
      false,
    );
    expect(may(aChecker('anchor', { accountId: 'a1' }), 'anyone', 365 * patienceMsMax)).toBe(false);
  });

  it('a neighbour only when nobody else came in time, and never at A3', () => {
    const neighbour = aChecker('trusted', { network: 'n1' });
    expect(may(neighbour, 'trusted')).toBe(false);
    expect(may(neighbour, 'trusted', patienceMs)).toBe(true);
    expect(may(neighbour, 'trusted', patienceMs, true)).toBe(false);
  });

  it('of an audit of a good host at once whoever was checked little, others later', () => {
    expect(may(aChecker('newcomer', { passed: 0 }), 'anyone')).toBe(true);
    expect(may(aChecker('trusted', { passed: 29 }), 'anyone')).toBe(true);
    expect(may(aChecker('trusted'), 'anyone')).toBe(false);
    expect(may(aChecker('trusted'), 'anyone', youngPatienceMs)).toBe(true);
    expect(may(aChecker('anchor'), 'anyone', patienceMs)).toBe(true);
  });

  it('of a newcomer trusted hosts at once, proven ones later, newcomers in a young grid', () => {
    expect(may(aChecker('trusted'), 'trusted')).toBe(true);
    expect(may(aChecker('proven'), 'trusted')).toBe(false);
    expect(may(aChecker('proven'), 'trusted', patienceMs)).toBe(true);
    expect(may(aChecker('newcomer'), 'trusted', patienceMs)).toBe(false);
    expect(may(aChecker('newcomer'), 'trusted', patienceMsMax)).toBe(true);
  });

  it('a dispute goes to an anchor, and to trusted hosts when none comes', () => {
    expect(may(aChecker('anchor'), 'anchor')).toBe(true);
    expect(may(aChecker('trusted'), 'anchor', patienceMs)).toBe(false);
    expect(may(aChecker('trusted'), 'anchor', patienceMsMax)).toBe(true);
    expect(may(aChecker('proven'), 'anchor', 100 * patienceMsMax)).toBe(false);
  });

  it.each<Repute>(['flaky', 'quarantined'])('never a host that is %s', (repute) => {
    expect(may(aChecker(repute), 'anyone', 100 * patienceMsMax)).toBe(false);
  });
});

describe('a check is kept for nobody who is not here', () => {
  type Here = { [Fact in keyof Others]?: ReturnType<Others[Fact]> };
  const here = ({
    best = null,
    leastPassed = Number.POSITIVE_INFINITY,
    areElsewhere = true,
  }: Here) => ({
    othersThan: (): Others => ({
      best: () => best,
      leastPassed: () => leastPassed,
      areElsewhere: () => areElsewhere,
    }),
  });

  it.each<[Repute, CheckNeeds, Repute, boolean]>([
    ['newcomer', 'trusted', 'newcomer', true],
    ['newcomer', 'trusted', 'proven', false],
    ['proven', 'trusted', 'proven', true],
    ['proven', 'trusted', 'trusted', false],
    ['trusted', 'trusted', 'anchor', true],
    ['newcomer', 'anchor', 'newcomer', true],
    ['newcomer', 'anchor', 'trusted', false],
    ['trusted', 'anchor', 'trusted', true],
    ['trusted', 'anchor', 'anchor', false],
    ['flaky', 'trusted', 'newcomer', false],
  ])('a %s host may have one that needs %s where the best is %s: %s', (repute, needs, best, is) => {
    expect(may(aChecker(repute, here({ best })), needs)).toBe(is);
  });

  it('who has passed many takes an audit at once where nobody is younger, an anchor where it is alone', () => {
    const may30 = (repute: Repute, leastPassed: number) =>
      may(aChecker(repute, here({ best: 'anchor', leastPassed })), 'anyone');
    expect([may30('trusted', 3), may30('trusted', 40)]).toEqual([false, true]);
    expect([may30('anchor', 40), may30('anchor', Number.POSITIVE_INFINITY)]).toEqual([false, true]);
  });

  it('a neighbour takes it where nobody is elsewhere, but never at A3', () => {
    const neighbour = (parts: Here) =>
      aChecker('trusted', { network: aTestimony(1, 'x').network, ...here(parts) });
    expect(may(neighbour({ best: 'trusted' }), 'trusted')).toBe(false);
    expect(may(neighbour({ best: 'trusted', areElsewhere: false }), 'trusted')).toBe(true);
    expect(may(neighbour({ areElsewhere: false }), 'trusted', 0, true)).toBe(false);
  });

  it('at A3 the last word is an anchor’s, whoever is here', () => {
    expect(may(aChecker('trusted', here({ best: 'trusted' })), 'anchor', 0, true)).toBe(false);
    expect(may(aChecker('anchor', here({ best: 'anchor' })), 'anchor', 0, true)).toBe(true);
  });
});

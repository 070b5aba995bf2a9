import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assurances } from '../../../../coordinator/domain/trust/assurance.ts';
import {
  type Case,
  discount,
  rule,
  type Testimony,
} from '../../../../coordinator/domain/trust/case.ts';
import { aTestimony } from './builders.ts';

const aCase = (wanted: number, ...testimonies: Testimony[]): Case => ({
  assurance: assurances.A1,
  wanted,
  testimonies,
});
const hosts = (testimonies: readonly Testimony[]) => testimonies.map(({ hostId }) => hostId);

describe('a case', () => {
  it('is settled by one testimony when no more are wanted, and nobody has passed by that', () => {
    expect(rule(aCase(1, aTestimony(1, 'x')))).toEqual({
      kind: 'settled',
      answer: 'x',
      passed: [],
      wrong: [],
    });
  });

  it('waits for the audit, which both sides pass when they agree', () => {
    const about = aCase(2, aTestimony(1, 'x'));
    expect(rule(about)).toEqual({ kind: 'wanting' });
    about.testimonies.push(aTestimony(2, 'x'));
    const ruling = rule(about);
    expect(ruling.kind === 'settled' && hosts(ruling.passed)).toEqual(['h1', 'h2']);
  });

  it('[W4] is not settled by two hosts of one account', () => {
    const about = aCase(2, aTestimony(1, 'x'), aTestimony(2, 'x', { accountId: 'a1' }));
    expect(rule(about)).toEqual({ kind: 'wanting' });
  });

  it('is disputed when answers differ, until an anchor speaks', () => {
    const about = aCase(2, aTestimony(1, 'lie'), aTestimony(2, 'x'));
    expect(rule(about)).toEqual({ kind: 'disputed' });
    about.testimonies.push(aTestimony(3, 'x', { isAnchor: true }));
    const ruling = rule(about);
    expect(ruling.kind === 'settled' && ruling.answer).toBe('x');
    expect(ruling.kind === 'settled' && hosts(ruling.wrong)).toEqual(['h1']);
  });

  it('is settled by an anchor against any number of colluders, and convicts them all', () => {
    const colluders = [1, 2, 3, 4].map((number) => aTestimony(number, 'lie'));
    const ruling = rule(aCase(2, ...colluders, aTestimony(9, 'x', { isAnchor: true })));
    expect(ruling.kind === 'settled' && hosts(ruling.wrong)).toEqual(['h1', 'h2', 'h3', 'h4']);
  });

  it('is settled without anchors once an answer leads by two accounts', () => {
    const about = aCase(2, aTestimony(1, 'lie'), aTestimony(2, 'x'), aTestimony(3, 'x'));
    expect(rule(about)).toEqual({ kind: 'disputed' });
    about.testimonies.push(aTestimony(4, 'x'));
    expect(rule(about)).toMatchObject({ kind: 'settled', answer: 'x' });
  });

  it('blames nobody when two anchors differ', () => {
    const anchors = [
      aTestimony(1, 'x', { isAnchor: true }),
      aTestimony(2, 'y', { isAnchor: true }),
    ];
    expect(rule(aCase(2, ...anchors))).toEqual({ kind: 'incident' });
  });

  it('is open again when its only backer is discounted, who is cleared by another account', () => {
    const about = aCase(1, aTestimony(1, 'x'));
    rule(about);
    expect(discount(about, 'h1')).toBe(true);
    expect(discount(about, 'h1')).toBe(false);
    expect(rule(about)).toEqual({ kind: 'wanting' });
    about.testimonies.push(aTestimony(2, 'x'));
    const ruling = rule(about);
    expect(ruling.kind === 'settled' && hosts(ruling.passed)).toEqual(['h1', 'h2']);
  });

  it('is open again after the audit when the auditor is discounted', () => {
    const about = aCase(2, aTestimony(1, 'x'), aTestimony(2, 'x'));
    rule(about);
    discount(about, 'h2');
    expect(rule(about)).toEqual({ kind: 'wanting' });
  });

  it('takes a later answer that differs as a dispute', () => {
    const about = aCase(2, aTestimony(1, 'x'), aTestimony(2, 'x'));
    rule(about);
    about.testimonies.push(aTestimony(3, 'y'));
    expect(rule(about)).toEqual({ kind: 'disputed' });
  });

  it('wants three accounts on three networks and an anchor at A3', () => {
    const about: Case = { assurance: assurances.A3, wanted: 3, testimonies: [] };
    about.testimonies.push(aTestimony(1, 'x'), aTestimony(2, 'x'), aTestimony(3, 'x'));
    expect(rule(about)).toEqual({ kind: 'wanting' });
    about.testimonies.push(aTestimony(4, 'x', { isAnchor: true, network: 'n1' }));
    expect(rule(about)).toMatchObject({ kind: 'settled' });
    const neighbours = [1, 2, 3].map((n) =>
      aTestimony(n, 'x', { network: 'n', isAnchor: n === 3 }),
    );
    const close: Case = { assurance: assurances.A3, wanted: 3, testimonies: neighbours };
    expect(rule(close)).toEqual({ kind: 'wanting' });
  });

  it('tells of each testimony once, whatever comes in whatever order', () => {
    const testimony = fc.record({
      account: fc.integer({ min: 1, max: 6 }),
      answer: fc.constantFrom('x', 'y', 'z'),
      isAnchor: fc.boolean(),
      discounts: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(testimony, { maxLength: 12 }),
        fc.integer({ min: 1, max: 3 }),
        (all, wanted) => {
          const about = aCase(wanted);
          const told = new Map<string, string[]>();
          for (const [i, { account, answer, isAnchor, discounts }] of all.entries()) {
            const anchored = isAnchor ? 'x' : answer;
            about.testimonies.push(aTestimony(i, anchored, { accountId: `a${account}`, isAnchor }));
            const ruling = rule(about);
            if (ruling.kind !== 'settled') continue;
            for (const { hostId } of ruling.wrong)
              told.set(hostId, [...(told.get(hostId) ?? []), 'wrong']);
            for (const { hostId } of ruling.passed)
              told.set(hostId, [...(told.get(hostId) ?? []), 'passed']);
            if (about.testimonies.some((t) => t.isAnchor)) expect(ruling.answer).toBe('x');
            if (discounts) discount(about, `h${i}`);
          }
          for (const said of told.values()) {
            expect(said.filter((word) => word === 'wrong').length).toBeLessThanOrEqual(1);
          }
        },
      ),
    );
  });
});

import { describe, expect, it } from 'vitest';
import {
  canBeChecked,
  unprovenAccounts,
  waitsMs,
} from '../../../../coordinator/domain/trust/closing.ts';
import { type HeldResult, holdState } from '../../../../coordinator/domain/trust/hold.ts';
import type { Repute } from '../../../../coordinator/domain/trust/repute.ts';
import { aJob } from '../../builders.ts';
import { aRecord, aTestimony, dayMs, goodRecord, now } from './builders.ts';

const aResult = (ageDays: number, laterResults = 0, isConfirmed = false): HeldResult => ({
  recordedAt: now - ageDays * dayMs,
  laterResults,
  isConfirmed,
});
const good = aRecord(goodRecord);
const young = aRecord({ results: 199 });

describe('the hold', () => {
  it('ends after a week and 10,000 later results, whichever is last', () => {
    expect(holdState(aResult(6.9, 20_000), good, now)).toBe('held');
    expect(holdState(aResult(7, 9_999), good, now)).toBe('held');
    expect(holdState(aResult(7, 10_000), good, now)).toBe('final');
  });

  it('ends after a month at the latest', () => {
    expect(holdState(aResult(29.9), good, now)).toBe('held');
    expect(holdState(aResult(30), good, now)).toBe('final');
  });

  it('does not end for the word of an account that is not mature', () => {
    expect(holdState(aResult(20, 150), young, now)).toBe('held');
    expect(holdState(aResult(30, 150), young, now)).toBe('verify');
    expect(holdState(aResult(30, 150, true), young, now)).toBe('final');
  });

  it('asks to verify what an account left behind that went before it was mature', () => {
    const left = { ...young, lastSeenAt: now - 7 * dayMs };
    expect(holdState(aResult(8), left, now)).toBe('verify');
    expect(holdState(aResult(8, 0, true), left, now)).toBe('held');
    expect(holdState(aResult(8), { ...good, lastSeenAt: now - 7 * dayMs }, now)).toBe('held');
  });
});

describe('the closing rule', () => {
  it('names the accounts with results in the job that passed no check there', () => {
    const tallies = new Map([
      ['a1', { hosts: ['h1'], hasPassed: true }],
      ['a2', { hosts: ['h2'], hasPassed: false }],
      ['a3', { hosts: [], hasPassed: false }],
    ]);
    expect(unprovenAccounts(tallies)).toEqual(['a2']);
  });

  const job = aJob();
  const here = (repute: Repute, account = 2, memoryBytes = 2 ** 40) => ({
    accountId: `a${account}`,
    memoryBytes,
    repute,
  });
  const said = (...answers: string[]) => ({
    testimonies: answers.map((answer, i) => aTestimony(i + 1, answer)),
  });

  it.each<[string, Repute, number, number, boolean]>([
    ['a newcomer', 'newcomer', 2, 2 ** 40, true],
    ['the account itself', 'trusted', 1, 2 ** 40, false],
    ['a host that was proven wrong', 'flaky', 2, 2 ** 40, false],
    ['a host without the memory', 'trusted', 2, 1, false],
  ])('%s can check a result: %s, account %i with %i bytes: %s', (_, repute, account, bytes, is) => {
    expect(canBeChecked(job, said('x'), [here(repute, account, bytes)])).toBe(is);
  });

  it('a dispute is for anchors and trusted hosts; nobody is there when nobody is', () => {
    expect(canBeChecked(job, said('x', 'y'), [here('proven', 3)])).toBe(false);
    expect(canBeChecked(job, said('x', 'y'), [here('trusted', 3)])).toBe(true);
    expect(canBeChecked(job, said('x'), [])).toBe(false);
  });

  it('waits a unit’s time for whoever is at work, and for nobody no longer than a look', () => {
    expect([waitsMs(true), waitsMs(false)]).toEqual([600_000, 500]);
  });
});

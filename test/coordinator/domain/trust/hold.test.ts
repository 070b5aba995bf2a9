import { describe, expect, it } from 'vitest';
import { accountsToCheck } from '../../../../coordinator/domain/trust/closing.ts';
import { type HeldResult, holdState } from '../../../../coordinator/domain/trust/hold.ts';
import { aRecord, dayMs, goodRecord, now } from './builders.ts';

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
      ['a1', { results: 10, passed: 1 }],
      ['a2', { results: 1, passed: 0 }],
      ['a3', { results: 0, passed: 0 }],
    ]);
    expect(accountsToCheck(tallies)).toEqual(['a2']);
  });
});

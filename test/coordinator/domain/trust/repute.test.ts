import { describe, expect, it } from 'vitest';
import { assurances } from '../../../../coordinator/domain/trust/assurance.ts';
import {
  accountsWanted,
  auditShare,
  isAuditAudited,
} from '../../../../coordinator/domain/trust/audit.ts';
import { convict, toVerifyAgain } from '../../../../coordinator/domain/trust/conviction.ts';
import {
  boostOnChange,
  passed,
  recorded,
  stranger,
} from '../../../../coordinator/domain/trust/reliability.ts';
import { type Identity, reputeOf } from '../../../../coordinator/domain/trust/repute.ts';
import { anIdentity, aRecord, dayMs, goodRecord, now } from './builders.ts';

/** Proven wrong so many times, at these moments, by these hosts of one account. */
function convicted(at: readonly number[], hostOf = (_: number) => 'h1'): Identity {
  let account = aRecord(goodRecord);
  const hosts = new Map<string, ReturnType<typeof aRecord>>();
  for (const [i, moment] of at.entries()) {
    const hostId = hostOf(i);
    const host = hosts.get(hostId) ?? aRecord(goodRecord);
    const { identity } = convict({ isAnchor: false, host, account }, hostId, moment);
    hosts.set(hostId, identity.host);
    account = identity.account;
  }
  return { isAnchor: false, host: hosts.get('h1') ?? aRecord(goodRecord), account };
}

describe('repute', () => {
  it('is a newcomer’s until host and account have passed five comparisons each', () => {
    expect(reputeOf(anIdentity(), now)).toBe('newcomer');
    expect(reputeOf(anIdentity({ passed: 4 }), now)).toBe('newcomer');
    expect(reputeOf(anIdentity({ passed: 5 }), now)).toBe('proven');
    const newMachine = { ...anIdentity(goodRecord), host: stranger(now) };
    expect(reputeOf(newMachine, now)).toBe('newcomer');
  });

  it('is trusted after 200 results and three days, and not within 90 days of a proof', () => {
    expect(reputeOf(anIdentity(goodRecord), now)).toBe('trusted');
    expect(reputeOf(anIdentity({ ...goodRecord, results: 199 }), now)).toBe('proven');
    expect(reputeOf(anIdentity({ ...goodRecord, firstSeenAt: now - 2 * dayMs }), now)).toBe(
      'proven',
    );
    const cleared = { ...goodRecord, wrong: 1, passed: 5000 };
    const lately = anIdentity({ ...cleared, lastWrongAt: now - 89 * dayMs });
    expect(reputeOf(lately, now)).toBe('proven');
    expect(reputeOf(anIdentity({ ...cleared, lastWrongAt: now - 90 * dayMs }), now)).toBe(
      'trusted',
    );
  });

  it('is lost by one proof, and comes back with the record', () => {
    const caught = convicted([now]);
    expect(reputeOf(caught, now)).toBe('flaky');
    let { host } = caught;
    for (let i = 0; i < 2000; i++) host = passed(recorded(host, 1, now));
    expect(reputeOf({ ...caught, host }, now)).not.toBe('flaky');
  });

  it('of an anchor is not in question', () => {
    expect(reputeOf({ ...anIdentity(), isAnchor: true }, now)).toBe('anchor');
  });
});

describe('quarantine', () => {
  it('comes with the third strike in a month and doubles each time', () => {
    expect(reputeOf(convicted([now, now]), now)).toBe('flaky');
    const once = convicted([now, now, now]);
    expect(reputeOf(once, now + dayMs - 1)).toBe('quarantined');
    expect(reputeOf(once, now + dayMs)).toBe('flaky');
    const twice = convicted([now, now, now, now, now, now]);
    expect(twice.host.quarantinedUntil).toBe(now + 2 * dayMs);
  });

  it('does not come of strikes that are a month old', () => {
    expect(reputeOf(convicted([now - 31 * dayMs, now - 30 * dayMs, now]), now)).toBe('flaky');
  });

  it('is the host’s when one machine erred, the account’s when several did', () => {
    expect(convicted([now, now, now]).account.quarantines).toBe(0);
    const spread = convicted([now, now, now], (i) => `h${i}`);
    expect(spread.account.quarantinedUntil).toBe(now + dayMs);
    expect(reputeOf({ ...anIdentity(goodRecord), account: spread.account }, now)).toBe(
      'quarantined',
    );
  });

  it('has an end that can be written down, however often it comes', () => {
    const often = convicted(Array.from({ length: 3000 }, () => now));
    expect(often.host.quarantinedUntil).toBeLessThan(now + 1100 * dayMs);
  });
});

describe('audits', () => {
  const share = (identity: Identity) => auditShare(identity, assurances.A1, now);

  it('are all of a newcomer’s first five results, then one in twenty', () => {
    expect(share(anIdentity({ checks: 4 }))).toBe(1);
    expect(share(anIdentity({ checks: 5 }))).toBe(0.05);
    expect(share(anIdentity(goodRecord))).toBe(0.05);
    expect(auditShare(anIdentity(goodRecord), assurances.A0, now)).toBe(0.02);
    expect(auditShare(anIdentity(goodRecord), assurances.A2, now)).toBe(1);
  });

  it('are all of a flaky host’s results', () => {
    expect(share(convicted([now]))).toBe(1);
  });

  it.each([
    ['another runtime', { runtime: 'v2' }],
    ['another network', { network: 'n2' }],
  ])('are half of the next twenty results after %s', (_, change) => {
    const before = { runtime: 'v1', network: 'n1' };
    const known = aRecord({ ...goodRecord, lastSeenAt: now - dayMs });
    let host = boostOnChange(known, before, { ...before, ...change }, now);
    const account = aRecord(goodRecord);
    for (let i = 0; i < 20; i++) {
      expect(share({ isAnchor: false, host, account })).toBe(0.5);
      host = recorded(host, 0, now);
    }
    expect(share({ isAnchor: false, host, account })).toBe(0.05);
    expect(boostOnChange(known, before, before, now)).toBe(known);
  });

  it('are half of the next twenty after a month away', () => {
    const same = { runtime: 'v1', network: 'n1' };
    const away = aRecord({ ...goodRecord, lastSeenAt: now - 31 * dayMs });
    expect(boostOnChange(away, same, same, now).boosted).toBe(20);
  });

  it('fall where the draw is below the share; A3 wants three from the start', () => {
    const good = anIdentity(goodRecord);
    expect(accountsWanted(good, assurances.A1, 0.049, now)).toBe(2);
    expect(accountsWanted(good, assurances.A1, 0.05, now)).toBe(1);
    expect(accountsWanted(good, assurances.A3, 0.9, now)).toBe(3);
    expect([isAuditAudited(0.09), isAuditAudited(0.1)]).toEqual([true, false]);
  });
});

describe('a conviction', () => {
  const numbers = Array.from({ length: 500 }, (_, i) => i);

  it('takes a sample of the open results first, then all, then the account’s', () => {
    const first = convict(anIdentity(goodRecord), 'h1', now);
    expect(first.reach).toBe('sample');
    const second = convict(first.identity, 'h1', now);
    expect(second.reach).toBe('host');
    const other = { ...second.identity, host: aRecord(goodRecord) };
    expect(convict(other, 'h2', now).reach).toBe('account');
  });

  it('draws the sample without repeating itself', () => {
    let next = 0;
    const sample = toVerifyAgain(numbers, 'sample', (below) => (next++ * 7919) % below);
    expect(new Set(sample).size).toBe(30);
    expect(sample.every((result) => numbers.includes(result))).toBe(true);
    expect(toVerifyAgain(numbers, 'host', () => 0)).toEqual(numbers);
    expect(toVerifyAgain([1, 2], 'sample', () => 0)).toEqual([1, 2]);
  });
});

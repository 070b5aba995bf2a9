import { describe, expect, it } from 'vitest';
import { Capacities } from '../../../coordinator/domain/capacities.ts';
import { accountQuota, hostQuota } from '../../../coordinator/domain/quota.ts';
import { accountId, hostId } from '../builders.ts';

const minuteMs = 60_000;

describe('a quota', () => {
  it('begins with two units a thread, and no more threads than a stranger is believed', () => {
    expect(hostQuota(4, 0).units).toBe(8);
    expect(hostQuota(4096, 0).units).toBe(128);
  });

  it('grows by what gets done, up to what a host can ask for', () => {
    const quota = hostQuota(1, 0);
    quota.done(2);
    expect(quota.units).toBe(4);
    quota.done(1_000_000);
    expect(quota.units).toBe(4096);
  });

  it('of a host that is known goes on from what is on record', () => {
    expect(hostQuota(1, 500).units).toBe(502);
    expect(accountQuota(1_000_000).units).toBe(1_001_024);
  });

  it('is halved by a lease that was left to end, which costs no rest, and never to nothing', () => {
    const quota = hostQuota(4, 0);
    for (const units of [4, 2, 1, 1, 1]) {
      quota.halve();
      expect(quota.units).toBe(units);
    }
    expect(quota.restMs(0)).toBe(0);
  });

  it('has a rest after 128 leases given back without a result in between', () => {
    const quota = hostQuota(4, 0);
    const giveBack = (leases: number) => {
      for (let i = 0; i < leases; i++) quota.returned(0);
    };
    giveBack(127);
    quota.reported();
    giveBack(127);
    expect(quota.restMs(0)).toBe(0);
    giveBack(1);
    expect(quota.restMs(0)).toBe(minuteMs);
    giveBack(1);
    expect(quota.restMs(0)).toBe(2 * minuteMs);
    expect(quota.units).toBe(8);
  });

  it('has a rest after three spoiled runs in a row, twice as long with each further one, up to an hour', () => {
    const quota = hostQuota(4, 0);
    quota.failed(0);
    quota.failed(0);
    expect(quota.restMs(0)).toBe(0);
    for (const minutes of [1, 2, 4, 8, 16, 32, 60, 60]) {
      quota.failed(0);
      expect(quota.restMs(0)).toBe(minutes * minuteMs);
    }
  });

  it('has no rest that is longer because the clock was set back', () => {
    const quota = hostQuota(4, 0);
    for (let i = 0; i < 3; i++) quota.failed(600 * minuteMs);
    expect(quota.restMs(600 * minuteMs)).toBe(minuteMs);
    expect(quota.restMs(0)).toBe(0);
  });

  it('forgets the failures with the first run that is good', () => {
    const quota = hostQuota(4, 0);
    for (let i = 0; i < 2; i++) quota.failed(0);
    quota.done(1);
    for (let i = 0; i < 2; i++) quota.failed(0);
    expect(quota.restMs(0)).toBe(0);
  });
});

describe('what a host can take', () => {
  const seen = (host: number, account = host) => ({
    hostId: hostId(host),
    accountId: accountId(account),
    threads: 2,
    speed: null,
    results: 0,
    accountResults: 0,
  });

  it('is one thing, in however many sessions it says hello', () => {
    const capacities = new Capacities();
    const capacity = capacities.welcome(seen(1));
    capacities.reported(
      hostId(1),
      { units: 2, fuel: 1e6, wallMs: 10 },
      { accepted: 2, spoiled: 0 },
      0,
    );
    expect(capacity.quota.units).toBe(6);
    expect(capacity.speed).not.toBeNull();
    expect(capacities.welcome(seen(1))).toBe(capacity);
  });

  it('is shared by the hosts of an account as far as the account goes', () => {
    const capacities = new Capacities();
    const [one, other] = [capacities.welcome(seen(1, 7)), capacities.welcome(seen(2, 7))];
    expect(one.accountQuota).toBe(other.accountQuota);
    expect(one.quota).not.toBe(other.quota);
  });

  it('is halved once when many of its leases end at once', () => {
    const capacities = new Capacities();
    const { quota } = capacities.welcome({ ...seen(1), results: 60 });
    capacities.lapsed([hostId(1), hostId(1), hostId(2)]);
    expect(quota.units).toBe(32);
  });
});

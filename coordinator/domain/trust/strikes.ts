/**
 * Quarantine: three results proven wrong in a month and there is no work for a day, then two, then
 * four. A broken machine harms itself only; when the strikes come from several hosts of an account,
 * it is the account that waits.
 */
import { quarantineDoublingsMax, quarantineMs, strikesMax } from './policy.ts';
import { type Reliability, recentStrikes } from './reliability.ts';

/** A host's record after a strike. */
export function quarantineHost(host: Reliability, now: number): Reliability {
  return recentStrikes(host, now).length < strikesMax ? host : quarantined(host, now);
}

/** Its account's record after a strike. */
export function quarantineAccount(account: Reliability, now: number): Reliability {
  const strikes = recentStrikes(account, now);
  const hosts = new Set(strikes.map(({ hostId }) => hostId));
  return strikes.length < strikesMax || hosts.size < 2 ? account : quarantined(account, now);
}

/** The strikes are spent: it takes three new ones for the next quarantine. */
const quarantined = (known: Reliability, now: number): Reliability => ({
  ...known,
  strikes: [],
  quarantines: known.quarantines + 1,
  quarantinedUntil: now + quarantineMs * 2 ** Math.min(known.quarantines, quarantineDoublingsMax),
});

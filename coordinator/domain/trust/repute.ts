/**
 * What a host may be believed, in one word, from its own record and its account's:
 *
 *   anchor        the operator vouches for it; its word settles what strangers dispute
 *   trusted       long enough here, never lately wrong: audits newcomers
 *   proven        has passed its probation
 *   newcomer      has not; all it does is audited
 *   flaky         was proven wrong; works in quorums of two and audits nobody
 *   quarantined   gets no work for a while
 */
import { maturityResults, probationAudits, trustedAgeMs, trustedResultsMin } from './policy.ts';
import { isFlaky, isProofRemembered, type Reliability } from './reliability.ts';

export type Repute = 'anchor' | 'trusted' | 'proven' | 'newcomer' | 'flaky' | 'quarantined';

/** A host's record, and that of the account it works for. */
export type Identity = { isAnchor: boolean; host: Reliability; account: Reliability };

export function reputeOf({ isAnchor, host, account }: Identity, now: number): Repute {
  if (isAnchor) return 'anchor';
  if (now < Math.max(host.quarantinedUntil, account.quarantinedUntil)) return 'quarantined';
  if (isFlaky(host)) return 'flaky';
  if (host.passed < probationAudits || account.passed < probationAudits) return 'newcomer';
  const isLongHere =
    account.results >= trustedResultsMin && now - account.firstSeenAt >= trustedAgeMs;
  const isClean = !isProofRemembered(host, now) && !isProofRemembered(account, now);
  return isLongHere && isClean ? 'trusted' : 'proven';
}

/** Whether an account may leave without its open results being checked again, and have final ones. */
export const isMature = (account: Reliability): boolean => account.results >= maturityResults;

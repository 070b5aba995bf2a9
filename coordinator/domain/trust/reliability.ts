/**
 * What is known of an identity, be it a host or an account: counts, and when it was proven wrong.
 * Both are kept. The host's record tells a broken machine; the account's tells a cheater who changes
 * machines, because an account shares the history and the strikes of all its hosts.
 *
 * Checks count for both sides: who is audited and who audits have each been compared with a stranger,
 * and neither could tell which of the two it was.
 */
import type { HostId } from '../../../protocol/ids.ts';
import {
  boostedResults,
  flakyErrorShare,
  longSilenceMs,
  proofMemoryMs,
  strikeMemoryMs,
} from './policy.ts';

export type Strike = { at: number; hostId: HostId };

export type Reliability = {
  firstSeenAt: number;
  lastSeenAt: number;
  /** Results recorded. */
  results: number;
  /** Comparisons begun: its results drawn for an audit, and its audits of others. */
  checks: number;
  /** Comparisons passed. */
  passed: number;
  /** Results proven wrong, ever. */
  wrong: number;
  /** Those of the last month. */
  strikes: readonly Strike[];
  lastWrongAt: number | null;
  quarantines: number;
  quarantinedUntil: number;
  /** Results left for which audits are boosted. */
  boosted: number;
};

export const stranger = (now: number): Reliability => ({
  firstSeenAt: now,
  lastSeenAt: now,
  results: 0,
  checks: 0,
  passed: 0,
  wrong: 0,
  strikes: [],
  lastWrongAt: null,
  quarantines: 0,
  quarantinedUntil: 0,
  boosted: 0,
});

/** Results were recorded; `checks` of them are compared with others', now or soon. */
export const recorded = (
  known: Reliability,
  checks: number,
  now: number,
  results = 1,
): Reliability => ({
  ...known,
  lastSeenAt: Math.max(known.lastSeenAt, now),
  results: known.results + results,
  checks: known.checks + checks,
  boosted: Math.max(known.boosted - results, 0),
});

export const passed = (known: Reliability): Reliability => ({ ...known, passed: known.passed + 1 });

/** One of its results was proven wrong. All trust is gone; what it passed before counts for nothing. */
export const provenWrong = (known: Reliability, hostId: HostId, now: number): Reliability => ({
  ...known,
  passed: 0,
  wrong: known.wrong + 1,
  lastWrongAt: now,
  strikes: [...recentStrikes(known, now), { at: now, hostId }],
});

export const recentStrikes = ({ strikes }: Reliability, now: number): Strike[] =>
  strikes.filter(({ at }) => now - at < strikeMemoryMs);

export const isProofRemembered = ({ lastWrongAt }: Reliability, now: number): boolean =>
  lastWrongAt !== null && now - lastWrongAt < proofMemoryMs;

/**
 * Proven wrong, and by its record likely to be so again. Until the first proof nobody is suspected:
 * with few checks the estimate (wrong + 1) / (checks + 2) is high for everyone.
 */
export const isFlaky = ({ wrong, passed: right }: Reliability): boolean =>
  wrong > 0 && (wrong + 1) / (wrong + right + 2) > flakyErrorShare;

/** What a host tells of itself, or what is seen of it. */
export type Circumstances = { runtime: string; network: string };

/** Something about the host has changed that a betrayal, or another machine, would change. */
export function boostOnChange(
  known: Reliability,
  before: Circumstances,
  after: Circumstances,
  now: number,
): Reliability {
  const isChanged =
    before.runtime !== after.runtime ||
    before.network !== after.network ||
    now - known.lastSeenAt > longSilenceMs;
  return isChanged ? { ...known, boosted: boostedResults } : known;
}

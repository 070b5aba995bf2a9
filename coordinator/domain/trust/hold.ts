/**
 * The hold: how long an accepted result can still be taken back. It ends when the account has made
 * enough results after it (so many chances to be caught) and a week has passed, or after a month.
 * The word of an account that left before it was mature, or did not become so in a month, is not
 * enough: its results are checked again, unless somebody has confirmed them already; and when nobody has in
 * a month more, nobody will.
 */
import { departureMs, holdMs, holdMsMax, holdResults, verifyMsMax } from './policy.ts';
import type { Reliability } from './reliability.ts';
import { isMature } from './repute.ts';

export type HeldResult = {
  recordedAt: number;
  /** Results of its account recorded after it. */
  laterResults: number;
  /** Whether another account has said the same. */
  isConfirmed: boolean;
};

export type HoldState = 'held' | 'final' | 'verify';

export function holdState(result: HeldResult, account: Reliability, now: number): HoldState {
  const ageMs = now - result.recordedAt;
  if (!result.isConfirmed && !isMature(account) && ageMs < verifyMsMax) {
    return hasLeft(account, now) || ageMs >= holdMsMax ? 'verify' : 'held';
  }
  if (ageMs >= holdMsMax) return 'final';
  return ageMs >= holdMs && result.laterResults >= holdResults ? 'final' : 'held';
}

const hasLeft = (account: Reliability, now: number): boolean =>
  now - account.lastSeenAt >= departureMs;

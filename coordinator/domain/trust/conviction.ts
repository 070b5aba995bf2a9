/**
 * What follows when a result is proven wrong. The first proof takes a sample of the host's open
 * results: a flipped bit is not a cheater. Any further one takes all of them, and when several hosts
 * of an account are caught, all of that account's. Whoever gave the same wrong answer is convicted by
 * the same ruling, so colluders fall together.
 */
import type { HostId } from '../../../protocol/ids.ts';
import { revocationSample } from './policy.ts';
import { isProofRemembered, provenWrong } from './reliability.ts';
import type { Identity } from './repute.ts';
import { quarantineAccount, quarantineHost } from './strikes.ts';

/**
 * Which open results are checked again: some of the host's, all of them, or all of its account's. Of a host that
 * was not proven wrong, and left before it was mature: those that nobody has confirmed.
 */
export type Reach = 'unconfirmed' | 'sample' | 'host' | 'account';

export type Conviction = { identity: Identity; reach: Reach };

export function convict(before: Identity, hostId: HostId, now: number): Conviction {
  const { isAnchor } = before;
  const host = quarantineHost(provenWrong(before.host, hostId, now), now);
  const account = quarantineAccount(provenWrong(before.account, hostId, now), now);
  const identity = { isAnchor, host, account };
  if (account.quarantines > before.account.quarantines) return { identity, reach: 'account' };
  return { identity, reach: isProofRemembered(before.host, now) ? 'host' : 'sample' };
}

/** Of some open results, those to check again. `random` gives a whole number below its argument. */
export function toVerifyAgain<Result>(
  open: readonly Result[],
  reach: Reach,
  random: (below: number) => number,
): Result[] {
  if (reach !== 'sample' || open.length <= revocationSample) return [...open];
  const left = [...open];
  for (let i = 0; i < revocationSample; i++) {
    const at = i + random(left.length - i);
    const [one, other] = [left[i], left[at]];
    if (one === undefined || other === undefined) throw new RangeError(`random gave ${at}`);
    left[i] = other;
    left[at] = one;
  }
  return left.slice(0, revocationSample);
}

/**
 * A check is the next replica of a case: an audit, a re-verification, a second opinion or a referee.
 * The host that gets one cannot tell it from any other unit. Who may: always another account; another
 * network if one comes in time; and, by what is to be checked,
 *
 *   a newcomer, a flaky host, anything doubtful  → a trusted host: newcomers do not vouch for each other
 *   a host in good repute                        → whoever has been checked least: one replica tells
 *                                                  about both, and those tell most of whom least is known
 *   a dispute                                    → an anchor
 *
 * Patience makes rules of preference, not of waiting: the longer a check is open, the more may take it. And
 * nobody is waited for who is not here: in a young grid newcomers check each other, for there is nobody else.
 */
import type { AccountId, Digest } from '../../../protocol/ids.ts';
import { backing, type Case, type Ruling, type Testimony } from './case.ts';
import { networkAtA3 } from './network.ts';
import { patienceMs, patienceMsMax, youngChecks, youngPatienceMs } from './policy.ts';
import type { Repute } from './repute.ts';

export type CheckNeeds = 'anchor' | 'trusted' | 'anyone';

/** `since`: when it was ordered, in ms. */
export type Check = { needs: CheckNeeds; since: number; needsNetworks: boolean };

/** Somebody who has testified already. */
export type Heard = Pick<Testimony, 'hostId' | 'accountId' | 'network'>;

/** Of a shard of checks. */
export type CheckOrder = Check & {
  /** By position, who has testified about the unit. */
  heard: readonly (readonly Heard[])[];
  /**
   * Set when the job's verifier is to look at results, and units are not computed anew: by position, what was
   * printed, as an artifact. Empty from when it is ordered until it is opened.
   */
  verify?: readonly Digest[];
  /** Of those results, what each was worth: nobody is paid more for looking at one. Set with `verify`. */
  worth?: readonly number[];
};

/** Whoever has testified about any unit of an order. */
export const everybodyHeard = (order: CheckOrder | undefined): Heard[] => [
  ...new Map(order?.heard.flat().map((one) => [`${one.accountId} ${one.network}`, one])).values(),
];

export type Checker = {
  accountId: AccountId;
  network: string;
  repute: Repute;
  /** Comparisons it has passed. */
  passed: number;
  /** Who else is connected; where that is not known, somebody better may come. */
  othersThan?: (heard: readonly Heard[], areElsewhere?: boolean) => Others;
};

/**
 * Who is connected and may check (or, of those, who is on another network as A3 tells them apart): the best of them,
 * the fewest comparisons that one who is no anchor has passed, and whether one is on another network.
 */
export type Others = {
  best(): Repute | null;
  leastPassed(): number;
  areElsewhere(): boolean;
};

/** Whom the next replica of a case is for. `subject` is the repute of whoever was heard last. */
export function checkNeeds(
  { assurance, testimonies }: Case,
  ruling: Ruling,
  subject: Repute,
): CheckNeeds {
  if (ruling.kind === 'disputed') return 'anchor';
  const hasAnchor = testimonies.some(({ isAnchor }) => isAnchor);
  const [first] = testimonies;
  const backed = first === undefined ? 0 : backing(testimonies, first.answer, assurance);
  const isLastOfA3 = assurance.needsAnchor && backed >= assurance.accountsToAccept - 1;
  if (isLastOfA3 && !hasAnchor) return 'anchor';
  const isDoubtful = testimonies.some(({ status }) => status === 'discounted');
  if (assurance.needsTrusted || isDoubtful || backed > 1) return 'trusted';
  return goodReputes.has(subject) ? 'anyone' : 'trusted';
}

const goodReputes: ReadonlySet<Repute> = new Set(['anchor', 'trusted', 'proven']);

/** Whether this host may take the check now, of a unit about which these have testified. */
export function mayCheck(
  checker: Checker,
  check: Check,
  heard: readonly Heard[],
  now: number,
): boolean {
  const { accountId, network, othersThan } = checker;
  if (heard.some((testimony) => testimony.accountId === accountId)) return false;
  if (isKeptFrom(checker, check, now, heard)) return false;
  // An anchor's word is needed wherever it is; that there are three networks, its own among them, the case sees to.
  if (check.needsNetworks && check.needs === 'anchor') return true;
  if (check.needsNetworks) {
    const ours = networkAtA3(network);
    return heard.every((testimony) => networkAtA3(testimony.network) !== ours);
  }
  if (heard.every((testimony) => testimony.network !== network)) return true;
  return now - check.since >= patienceMs || othersThan?.(heard).areElsewhere() === false;
}

/** Whether a host has to leave such a check to others, of a unit about which these have testified. */
export function isKeptFrom(
  checker: Pick<Checker, 'repute' | 'passed' | 'othersThan'>,
  check: Check,
  now: number,
  heard: readonly Heard[],
): boolean {
  if (now - check.since >= keptMs(check.needs, checker)) return false;
  const { repute, othersThan } = checker;
  if (othersThan === undefined || repute === 'flaky' || repute === 'quarantined') return true;
  // At A3 an anchor has to be among them.
  if (check.needs === 'anchor' && check.needsNetworks) return true;
  const others = othersThan(heard, check.needsNetworks);
  if (check.needs === 'anyone')
    return others.leastPassed() < (repute === 'anchor' ? Number.POSITIVE_INFINITY : youngChecks);
  const ranks = check.needs === 'anchor' ? disputeRanks : trustRanks;
  const best = others.best();
  return best !== null && ranks[best] > ranks[repute];
}

const disputeRanks: Record<Repute, number> = {
  anchor: 3,
  trusted: 2,
  proven: 1,
  newcomer: 0,
  flaky: -1,
  quarantined: -1,
};
/** An anchor is as good as a trusted host, and no better, where one of either is asked for. */
const trustRanks: Record<Repute, number> = { ...disputeRanks, anchor: 2 };

/** For how long such a check is kept from a host. */
function keptMs(needs: CheckNeeds, { repute, passed }: Pick<Checker, 'repute' | 'passed'>): number {
  switch (repute) {
    case 'quarantined':
    case 'flaky':
      return Number.POSITIVE_INFINITY;
    case 'anchor':
      return needs === 'anyone' ? patienceMs : 0;
    case 'trusted':
    case 'proven':
    case 'newcomer':
      if (needs === 'anyone') return passed < youngChecks ? 0 : youngPatienceMs;
      if (needs === 'trusted') return trustedKeptMs[repute];
      return repute === 'trusted' ? patienceMsMax : Number.POSITIVE_INFINITY;
  }
}

const trustedKeptMs = { trusted: 0, proven: patienceMs, newcomer: patienceMsMax };

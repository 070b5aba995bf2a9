/**
 * Results that came when their unit was decided by somebody else's. Nobody needs them, and whoever made them in good
 * faith is paid all the same: in full, when the canonical result is final and theirs is the same. Not before: until
 * then it may turn out that both are wrong, and whether their account earns with the unit in another way, by a check.
 */
import type { AccountId, HostId, LeaseId } from '../../protocol/ids.ts';
import type { Payment } from './award.ts';
import { creditMicro } from './credit.ts';
import type { Ended, JournalEntry, RecordedResult } from './journal.ts';
import { runsInclude } from './shard.ts';
import type { UnitCase } from './trust/docket.ts';

export type LateResult = {
  unit: number;
  /** The number of its split shard. */
  shard: number;
  accountId: AccountId;
  hostId: HostId;
  /** Under which lease, and where in the shard that it is of: one that checks, perhaps. */
  lease: { leaseId: LeaseId; shard: number; position: number };
  /** Equal for results that are the same. */
  answer: string;
};

/** What a result says; two that are the same burned the same fuel for the same bytes. */
export const answerOf = (
  { fuel, output, digest }: RecordedResult,
  digestOf: (bytes: Uint8Array) => string,
): string =>
  `${fuel} ${output === null ? `sha256:${Buffer.from(digest ?? []).toString('hex')}` : digestOf(output)}`;

/** Whether the host had given the unit back: then what it did was nobody's wish. */
export const isGivenBack = ({ lease }: LateResult, journal: readonly JournalEntry[]): boolean =>
  journal.some(
    (entry) =>
      entry.kind === 'released' &&
      entry.leaseId === lease.leaseId &&
      runsInclude(entry.positions, lease.position),
  );

/** One for each account and unit. */
export const lateName = ({ unit, accountId }: LateResult): string => `${unit} ${accountId}`;

/**
 * What is due for it, now that these are final: the result the unit was accepted with, and the canonical one. No check
 * of the unit may be out, because its own account may be about to be paid for that.
 */
export function duePay(
  { unit, accountId, hostId, answer }: LateResult,
  accepted: Ended,
  canonical: Ended,
  about: UnitCase | undefined,
  digestOf: (bytes: Uint8Array) => string,
): Payment | null {
  const { outcome, fuel } = canonical.result;
  const isSame = outcome === 'success' && answerOf(canonical.result, digestOf) === answer;
  const micro = creditMicro(fuel);
  if (!isSame || micro === 0) return null;
  const told = [...(about?.testimonies ?? []), ...(about?.rejected ?? [])];
  // Who only looked at others' results was not paid for the unit.
  const computed = told.filter(({ isVerdict }) => isVerdict !== true);
  if ([accepted, canonical, ...computed].some((one) => one.accountId === accountId)) return null;
  return { kind: 'grant', accountId, hostId, micro, units: [[unit, 1]] };
}

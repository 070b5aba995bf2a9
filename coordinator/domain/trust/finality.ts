/**
 * Whether a unit's result is final: whether the hold of its account is over, and nothing about the unit is open.
 * A result that is being checked is held until that was heard, and one of a level that checks each result until
 * its case is settled; but for the last of these, all waiting has an end.
 */
import type { HostId } from '../../../protocol/ids.ts';
import { finalBy } from '../hold.ts';
import type { UnitCase } from './docket.ts';
import { type HeldResult, type HoldState, holdState } from './hold.ts';
import type { Reliability } from './reliability.ts';

/** An account, for what it had recorded by the end of a day. */
export type AccountHold = Pick<HeldResult, 'recordedAt' | 'laterResults'> & {
  account: Reliability;
  /** A host of it was proven wrong just now, and its open results are about to be looked at. */
  isSwept: boolean;
};

/** A unit that was accepted: whose result is canonical, and its case if it has one. */
export type HeldUnit = { hostId: HostId; isAnchor: boolean; about: UnitCase | undefined };

export function unitState(
  { hostId, isAnchor, about }: HeldUnit,
  { account, isSwept, ...held }: AccountHold,
  { isEachChecked, day, now }: { isEachChecked: boolean; day: number; now: number },
): HoldState {
  const isUnsettled = about === undefined || about.canonical === '';
  const isRejected = about?.rejected !== undefined && isUnsettled;
  if (isSwept || isRejected || (isEachChecked && isUnsettled)) return 'held';
  if (about?.isOut === true && (isEachChecked || now < finalBy(day))) return 'held';
  const isConfirmed = isAnchor || (about !== undefined && isConfirmedBy(about, hostId));
  return holdState({ ...held, isConfirmed }, account, now);
}

/** Whether somebody other than the host has said the same. */
export const isConfirmedBy = ({ testimonies }: UnitCase, hostId: HostId): boolean =>
  testimonies.some((testimony) => testimony.hostId !== hostId && testimony.status === 'passed');

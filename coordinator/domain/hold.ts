/**
 * The hold, by the day: results and credit become final by the day on which they were recorded, so that what
 * has to be remembered is a number for each account and day, and for each job and day, and not for each unit.
 * Whatever was recorded on a day counts as recorded at its end. domain/trust/hold.ts has the rule.
 */
import { dayMs } from './day.ts';
import type { DayMark } from './job.ts';
import { holdMs, holdMsMax, verifyMsMax } from './trust/policy.ts';

export const endOf = (day: number): number => (day + 1) * dayMs;

/** Before that nothing of the day is final. */
export const finalFrom = (day: number): number => endOf(day) + holdMs;

/** By then all of it is, or never will be. Of an account that is known well it is sooner. */
export const finalBy = (day: number, isMature = false): number =>
  endOf(day) + (isMature ? holdMsMax : verifyMsMax);

/** Two months of days, which is when all is over, and a few for a sweep that was held up. */
const marksMax = 64;

/** The marks of a job of which so many first shards are closed now. */
export function markDay(marks: readonly DayMark[], closed: number, today: number): DayMark[] {
  const [lastDay, lastClosed] = marks.at(-1) ?? [today, 0];
  if (closed <= lastClosed) return [...marks];
  // A clock that was set back makes no day earlier than the one before.
  const day = Math.max(today, lastDay);
  const before = marks.filter((mark) => mark[0] < day);
  // Without its mark, what a day closed is reckoned with the day after it: held longer, never shorter.
  return [...before, [day, closed] as DayMark].slice(-marksMax);
}

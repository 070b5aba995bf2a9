/**
 * How long credit stays pending. It is held by the day on which it was granted, so that what waits is a
 * number for each host, job and day, and not for each unit.
 *
 * Seven days after the end of that day: an audit comes within hours, and a host that was honest a week
 * ago and is not today has its lies of today looked at (research of Sarmenta, FGCS 2002, and our own).
 */
import { dayMs, dayOf } from './day.ts';

const holdMs = 7 * dayMs;

/** When what was granted on a day is final. */
export const finalAt = (day: number): number => (day + 1) * dayMs + holdMs;

/** The last day whose grants are final at `now`; everything granted later is still pending. */
export const lastFinalDay = (now: number): number => dayOf(now - holdMs) - 1;

/**
 * How fast a host is: the fuel that one of its threads burns in a millisecond, from what it reported. The
 * meter counts the same on every host, so a speed holds for every job, and with what a unit of a job
 * costs it says how long the unit will take there.
 *
 * The time is the host's own word. It decides how much the host gets at once and until when, within
 * bounds; nothing is paid by it.
 */
import { averaged, type LogAverage } from './log-average.ts';

/** Of fuel a millisecond and thread. */
export type Speed = LogAverage;
/** What a unit of a job costs: of fuel a unit, lease by lease. */
export type UnitCost = LogAverage;

/** 10^10 a second: three times what any core does. Whoever says more has a clock that stands. */
const fuelPerMsMax = 1e7;
/** Times are told in whole milliseconds for each unit, so a unit under a half one seems to take none. */
const unitMsMin = 0.5;

export type Ran = { units: number; fuel: number; wallMs: number };

/** What is known of the host after it ran some units. */
export function speedAfter(known: Speed | null, { units, fuel, wallMs }: Ran): Speed | null {
  if (fuel <= 0) return known;
  const ms = Math.max(wallMs, units * unitMsMin);
  return averaged(known, Math.min(fuel / ms, fuelPerMsMax));
}

/** What a unit takes one thread: half of them take longer. */
export const usualMs = (cost: UnitCost, speed: Speed): number => Math.exp(cost.mean - speed.mean);

/** What 95 of 100 units take at most. 1.645: there a normal distribution leaves 5 % above. */
export const slowMs = (cost: UnitCost, speed: Speed): number =>
  Math.exp(cost.mean - speed.mean + 1.645 * Math.sqrt(cost.variance + speed.variance));

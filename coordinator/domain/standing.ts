/**
 * Recent average credit by forward decay (Cormode et al., "Forward Decay", ICDE 2009): instead of
 * shrinking every old amount as time passes, each new amount is written down grown by the same
 * factor, and one division at reading time makes it right. So no sweep is ever needed, and the order
 * of the weighted sums is the order of the averages.
 *
 * Half-life seven days, as BOINC's RAC; a steady income of R a day reads as R.
 */
const halfLifeMs = 7 * 86_400_000;
const halfLifeDays = 7;

/** The weight of an amount earned at `now`; `epochMs` is when the grid was made. */
export const racWeight = (now: number, epochMs: number): number =>
  2 ** ((now - epochMs) / halfLifeMs);

/** Microcredit a day, from the weighted sum as it was stored. */
export const racMicroPerDay = (weighted: number, now: number, epochMs: number): number =>
  ((weighted / racWeight(now, epochMs)) * Math.LN2) / halfLifeDays;

/**
 * Recent average credit by forward decay (Cormode et al., "Forward Decay", ICDE 2009): instead of
 * shrinking every old amount as time passes, each new amount counts for more, and one division at
 * reading time makes it right. So no sweep is ever needed, and the order of what is stored is the
 * order of the averages.
 *
 * What is stored is the binary logarithm of the weighted sum. The sum itself doubles in a week without
 * anybody doing anything, and would outgrow a double in nineteen years; its logarithm grows by 52 a
 * year, keeps the order, and needs no new epoch ever. It is exact to 10^-12.
 *
 * Everything earned on a day counts as earned at its noon. Then a revocation takes back just what the
 * grant gave, without having to know its hour, and the history by day is enough to count again. A
 * steady income reads within 0.1 % of itself at any hour.
 *
 * Half-life seven days, as BOINC's RAC; a steady income of R a day reads as R.
 */
import { dayMs } from './day.ts';

/** As BOINC's recent average credit has it. */
const halfLifeDays = 7;

/** The binary logarithm of what an amount of one weighs when it is earned on a day. */
export const weightOfDay = (day: number): number => (day + 0.5) / halfLifeDays;

/** What is left of a sum is rounding when it is this small a part: then nothing is left. */
const rounding = 1e-9;

/** Adds microcredit of a day (below zero: takes away). Null stands for a sum of nothing. */
export function addRecent(recent: number | null, micro: number, day: number): number | null {
  if (micro === 0) return recent;
  const added = Math.log2(Math.abs(micro)) + weightOfDay(day);
  if (recent === null) return micro > 0 ? added : null;
  const top = Math.max(recent, added);
  const sum = 2 ** (recent - top) + Math.sign(micro) * 2 ** (added - top);
  return sum > rounding ? top + Math.log2(sum) : null;
}

/** Microcredit a day, from what is stored. */
export const racMicroPerDay = (recent: number | null, now: number): number =>
  recent === null ? 0 : (2 ** (recent - now / dayMs / halfLifeDays) * Math.LN2) / halfLifeDays;

/** Whom standings are kept of. */
export const standingKinds = ['volunteer', 'host', 'job', 'team', 'country'] as const;
export type StandingKind = (typeof standingKinds)[number];

/** What a step of the ledger adds to one of them. */
export type StandingChange = {
  kind: StandingKind;
  id: string;
  day: number;
  micro: bigint;
  units: number;
  /** What of it counts for the recent average: not what somebody paid to themselves. */
  recentMicro: bigint;
};

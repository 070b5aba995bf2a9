/** Numbers as a person reads them: the same on every machine, whatever its locale. */

/** 1234567 → "1,234,567" */
export const formatCount = (value: number | bigint): string => value.toLocaleString('en-US');

/** "1 unit", "1,234 units" */
export const formatUnits = (units: number): string =>
  `${formatCount(units)} ${units === 1 ? 'unit' : 'units'}`;

/** Microcredit as credits, with as many digits as a small amount needs to show at all. */
export function formatCredit(creditMicro: string): string {
  const micro = Number(creditMicro);
  const credit = micro / 1e6;
  if (micro === 0) return '0';
  if (credit >= 1000) return formatCount(Math.floor(credit));
  return credit.toFixed(credit >= 1 ? 2 : 6);
}

const scale: [string, number][] = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
];

/** Seconds in the largest unit that leaves at least one: 95 → "1.6 min". */
export function formatSeconds(seconds: number): string {
  const [unit, size] = scaleOf(seconds);
  const value = seconds / size;
  return `${value < 10 && unit !== 's' ? value.toFixed(1) : Math.round(value)} ${unit}`;
}

/** An estimate is a range; both ends in the unit of the larger: "25–40 s". */
export function formatEta(eta: { secondsMin: number; secondsMax: number } | null): string {
  if (eta === null) return '—';
  const [unit, size] = scaleOf(eta.secondsMax);
  const from = Math.round(eta.secondsMin / size);
  const to = Math.max(1, Math.ceil(eta.secondsMax / size));
  return from >= to ? `${to} ${unit}` : `${from}–${to} ${unit}`;
}

/** Units a second, with a decimal while there are few. */
export const formatRate = (perSecond: number): string =>
  perSecond >= 10 ? formatCount(Math.round(perSecond)) : perSecond.toFixed(1);

/** Whole percents, rounded down: 100 % means all of them. */
export const percentOf = (part: number, whole: number): number =>
  whole === 0 ? 100 : Math.floor((100 * part) / whole);

function scaleOf(seconds: number): [string, number] {
  return scale.find(([, size]) => seconds >= size) ?? ['s', 1];
}

/** "90", "90s", "10m", "2h" as milliseconds; null when it is none of these. */
export function parseDurationMs(text: string): number | null {
  const [, digits, unit = 's'] = /^(\d+)(s|m|h|d)?$/.exec(text) ?? [];
  const seconds: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 };
  return digits === undefined ? null : Number(digits) * (seconds[unit] ?? 1) * 1000;
}

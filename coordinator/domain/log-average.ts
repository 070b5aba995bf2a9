/**
 * The middle and the spread of what varies by factors and not by amounts: how fast a host is, what a unit
 * costs. An exponentially weighted mean and variance of its logarithm, so that one value a thousand
 * times too large moves it no further than one a thousand times too small.
 */
export type LogAverage = {
  /** Of natural logarithms. */
  mean: number;
  variance: number;
  count: number;
};

/** The last ten or so count: a laptop that was plugged in is seen within that many. */
const weightMin = 0.1;

/** With one more value, which is above 0. The first ones count alike. */
export function averaged(known: LogAverage | null, value: number): LogAverage {
  const log = Math.log(value);
  if (known === null) return { mean: log, variance: 0, count: 1 };
  const count = known.count + 1;
  const weight = Math.max(weightMin, 1 / count);
  const off = log - known.mean;
  return {
    mean: known.mean + weight * off,
    variance: (1 - weight) * (known.variance + weight * off * off),
    count,
  };
}

/** How long what nothing names stays, and how often it is looked for. */

export type ClearingTimes = {
  /** From one round to the next. */
  everyMs: number;
  /** What is younger is not looked at: it may be named any moment. */
  graceMs: number;
  /** So long it is aside, before the round that removes it begins. */
  restMs: number;
};

const hourMs = 3_600_000;

/**
 * A round reads the whole archive, so it is a day to the next. Whoever names an artifact looks that it is there, which
 * renews it when it is a day old (artifacts/artifacts.ts), and has another day until it is set aside, and half a day
 * more until it is gone: that is what a report may wait for Redis. An upload that nobody reports or submits is there for two
 * days at least: a host or a scientist who comes later is told that it is gone, and uploads it again.
 */
export const usualTimes: ClearingTimes = {
  everyMs: 24 * hourMs,
  graceMs: 48 * hourMs,
  restMs: 12 * hourMs,
};

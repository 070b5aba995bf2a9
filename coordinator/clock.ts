/**
 * The machine's clock, and whether it was set. What is written down bears the time of day; an operator may set that by
 * an hour, and a machine that slept finds it hours on. Leases are moved along: set on, all of them would end at once, also of
 * hosts that renew them. (What a clock that was set back must not keep, nothing keeps: each says so itself.)
 *
 * A jump is told by a clock that only ever runs: it is noticed by whoever asks for the time next, before they have it.
 */
import type { Clock } from './flow/context.ts';

/** Less than that does a lease of 30 s no harm; a clock that is kept right is moved by far less. */
const jumpMsMin = 2000;

export function machineClock(jumped: (byMs: number) => void): Clock {
  let day = Date.now();
  let running = performance.now();
  return {
    now() {
      const dayNow = Date.now();
      // Asked several times for each unit: in the same millisecond nothing has jumped.
      if (dayNow === day) return dayNow;
      const runningNow = performance.now();
      const byMs = Math.round(dayNow - day - (runningNow - running));
      day = dayNow;
      running = runningNow;
      if (Math.abs(byMs) >= jumpMsMin) jumped(byMs);
      return dayNow;
    },
    soon: (run) => void setImmediate(run),
    after: (ms, run) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
  };
}

/**
 * How long to wait before trying again. The ceiling doubles from 1 s to 60 s; the wait is drawn
 * between half of it and all of it, so that ten thousand hosts that lost their coordinator in the
 * same instant do not come back in the same instant: 0.5 s at least, 60 s at most.
 */
const ceilingFirstMs = 1000;
const ceilingLastMs = 60_000;

/** `attempt` counts from 0; `random` is in [0, 1). */
export function backoffMs(attempt: number, random: number): number {
  const ceiling = Math.min(ceilingLastMs, ceilingFirstMs * 2 ** Math.min(attempt, 16));
  return Math.round((ceiling / 2) * (1 + random));
}

/**
 * Work that is done over and over: when somebody wakes it, and at the latest every `everyMs`. One
 * round at a time; wake-ups during a round, or within `restMs` of its end, lead to exactly one more.
 * The period carries jitter, so that several coordinators do not knock at Redis at once.
 */
import type { Logger } from 'pino';
import type { Clock } from '../flow/context.ts';

export type RoundParts = { clock: Clock; log: Logger; randomBytes(count: number): Uint8Array };

export type Pace = { everyMs: number; restMs: number };

export type Round = { wake(): void; close(): Promise<void> };

export function startRound(
  name: string,
  { everyMs, restMs }: Pace,
  { clock, log, randomBytes }: RoundParts,
  work: () => Promise<void>,
): Round {
  let isClosed = false;
  let isWoken = false;
  let endedAt = Number.NEGATIVE_INFINITY;
  let running: Promise<void> | null = null;
  let cancelTimer: (() => void) | null = null;

  const schedule = (ms: number) => {
    if (isClosed) return;
    cancelTimer?.();
    cancelTimer = clock.after(ms, start);
  };
  const scheduleNext = () => schedule(everyMs * (0.75 + (randomBytes(1)[0] ?? 0) / 512));
  const run = async () => {
    isWoken = false;
    let hasFailed = false;
    try {
      await work();
    } catch (error) {
      // Redis away, most often: the next round tries again, and until then nothing is lost.
      log.warn({ err: error, round: name }, 'a round failed and will be repeated');
      hasFailed = true;
    }
    running = null;
    endedAt = clock.now();
    if (isWoken && !hasFailed) wake();
    else scheduleNext();
  };
  const start = () => {
    cancelTimer?.();
    if (!isClosed) running ??= run();
  };
  const wake = () => {
    isWoken = true;
    if (running !== null) return;
    // Not more than the whole rest, should the machine's clock have been set back meanwhile.
    const rest = Math.min(endedAt + restMs - clock.now(), restMs);
    if (rest <= 0) start();
    else schedule(rest);
  };

  scheduleNext();
  return {
    wake,
    async close() {
      isClosed = true;
      cancelTimer?.();
      await running;
    },
  };
}

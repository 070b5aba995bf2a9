/**
 * Work that is done over and over: when somebody wakes it, and at the latest every `everyMs`. One
 * round at a time; wake-ups during a round lead to exactly one more. The period carries jitter, so
 * that several coordinators do not knock at Redis at once.
 */
import type { Logger } from 'pino';
import type { Clock } from '../flow/context.ts';

export type RoundParts = { clock: Clock; log: Logger; randomBytes(count: number): Uint8Array };

export type Round = { wake(): void; close(): Promise<void> };

export function startRound(
  name: string,
  everyMs: number,
  { clock, log, randomBytes }: RoundParts,
  work: () => Promise<void>,
): Round {
  let isClosed = false;
  let isWoken = false;
  let running: Promise<void> | null = null;
  let cancelTimer: (() => void) | null = null;

  const schedule = () => {
    if (isClosed) return;
    const jitter = (randomBytes(1)[0] ?? 0) / 512;
    cancelTimer = clock.after(everyMs * (0.75 + jitter), wake);
  };
  const run = async () => {
    cancelTimer?.();
    do {
      isWoken = false;
      try {
        await work();
      } catch (error) {
        // Redis away, most often: the next round tries again, and until then nothing is lost.
        log.warn({ err: error, round: name }, 'a round failed and will be repeated');
        break;
      }
    } while (isWoken && !isClosed);
    running = null;
    schedule();
  };
  const wake = () => {
    isWoken = true;
    if (!isClosed) running ??= run();
  };

  schedule();
  return {
    wake,
    async close() {
      isClosed = true;
      cancelTimer?.();
      await running;
    },
  };
}

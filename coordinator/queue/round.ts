/**
 * Work that is done over and over: when somebody wakes it, and at the latest every `everyMs`. One
 * round at a time; wake-ups during a round lead to exactly one more. The period carries jitter, so
 * that several coordinators do not knock at Redis at once.
 */
import type { Logger } from 'pino';

export type Round = { wake(): void; close(): Promise<void> };

export function startRound(
  name: string,
  everyMs: number,
  log: Logger,
  work: () => Promise<void>,
): Round {
  let isClosed = false;
  let isWoken = false;
  let running: Promise<void> | null = null;
  let timer: NodeJS.Timeout | null = null;

  const schedule = () => {
    if (isClosed) return;
    timer = setTimeout(wake, everyMs * (0.75 + Math.random() / 2));
  };
  const run = async () => {
    if (timer !== null) clearTimeout(timer);
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
      if (timer !== null) clearTimeout(timer);
      await running;
    },
  };
}

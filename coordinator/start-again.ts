/**
 * Redis may go away while a coordinator starts: it is killed, its disk is full, the network breaks. What was begun is then
 * closed, and begun anew from the first step, since each may be taken twice. Whether there is a Redis at all, and one
 * to rely on, is what the first step finds out and tells the operator (redis/open.ts).
 */
import { setTimeout as wait } from 'node:timers/promises';
import { RedisError } from './redis/error.ts';
import { OutcomeUnknown, StorageRefuses } from './store/store.ts';

/** With a second between them: a Redis that comes and goes for longer is no accident. */
const startsMax = 10;
const restMs = 1000;

/** Throws RedisError `redis_unreachable`, or what `start` throws for any other reason. */
export async function startAgain<T>(
  start: () => Promise<T>,
  tell: (line: string) => void,
): Promise<T> {
  for (let starts = 1; ; starts++) {
    try {
      return await start();
    } catch (error) {
      if (!(error instanceof OutcomeUnknown || error instanceof StorageRefuses)) throw error;
      if (starts === startsMax) throw lostAtEachStart(error);
      tell('Redis went away while the coordinator started: it starts again');
    }
    await wait(restMs);
  }
}

const lostAtEachStart = (cause: Error): RedisError =>
  new RedisError(
    'redis_unreachable',
    {
      what: 'Redis went away each time the coordinator started',
      why: cause.message,
      doThis: 'look at what ends it, in its log or in that of its machine, and start again',
    },
    { cause },
  );

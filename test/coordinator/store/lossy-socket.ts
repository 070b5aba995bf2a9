/**
 * A socket between a store and its Redis that can lose replies: the command arrives and is carried
 * out, and the connection breaks before the answer is back. That is the one failure after which
 * nobody can know what happened, and too short a moment to hit by killing processes.
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSocketBeforeRedis } from '../../support/socket-before-redis.ts';

export type LossySocket = {
  path: string;
  /** The next reply that is not an error is thrown away, together with its connection. */
  loseNextReply(): void;
  close(): Promise<void>;
};

export async function openLossySocket(redisPath: string): Promise<LossySocket> {
  const path = join(tmpdir(), `mh-lossy-${process.pid}.sock`);
  let isLosing = false;
  const close = await openSocketBeforeRedis(path, redisPath, (inner, outer) => {
    inner.on('data', (bytes) => outer.write(bytes));
    outer.on('data', (bytes) => {
      // An error (NOSCRIPT before the first run of a script) says that nothing was carried out.
      if (!isLosing || bytes[0] === '-'.charCodeAt(0)) return void inner.write(bytes);
      isLosing = false;
      inner.destroy();
    });
  });
  return {
    path,
    loseNextReply() {
      isLosing = true;
    },
    close,
  };
}

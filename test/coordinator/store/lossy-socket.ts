/**
 * A socket between a store and its Redis that can lose replies: the command arrives and is carried
 * out, and the connection breaks before the answer is back. That is the one failure after which
 * nobody can know what happened, and too short a moment to hit by killing processes.
 */
import { rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type LossySocket = {
  path: string;
  /** The next reply that is not an error is thrown away, together with its connection. */
  loseNextReply(): void;
  close(): Promise<void>;
};

export async function openLossySocket(redisPath: string): Promise<LossySocket> {
  const path = join(tmpdir(), `mh-lossy-${process.pid}.sock`);
  const sockets = new Set<Socket>();
  let isLosing = false;
  const server = createServer((inner) => {
    const outer = connect(redisPath);
    for (const socket of [inner, outer]) {
      sockets.add(socket);
      // Either end breaking is what this is for; 'close' follows.
      socket.on('error', () => undefined);
      socket.on('close', () => {
        inner.destroy();
        outer.destroy();
        sockets.delete(socket);
      });
    }
    inner.on('data', (bytes) => outer.write(bytes));
    outer.on('data', (bytes) => {
      // An error (NOSCRIPT before the first run of a script) says that nothing was carried out.
      if (!isLosing || bytes[0] === '-'.charCodeAt(0)) return void inner.write(bytes);
      isLosing = false;
      inner.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    path,
    loseNextReply() {
      isLosing = true;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await rm(path, { force: true });
    },
  };
}

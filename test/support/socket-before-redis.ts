/** A socket before a Redis, for tests that come between the two: each connection to it gets one of its own behind it. */
import { rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';

/**
 * `meet` is given both ends of a connection, and passes on what it wants to. When either breaks, so does the other.
 * Resolves with what closes all of them and takes the socket away.
 */
export async function openSocketBeforeRedis(
  path: string,
  redisPath: string,
  meet: (inner: Socket, outer: Socket) => void,
): Promise<() => Promise<void>> {
  const sockets = new Set<Socket>();
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
    meet(inner, outer);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    await rm(path, { force: true });
  };
}

/**
 * A network between two parties that can be made bad: everything that passes can be held, slowed, lost
 * from one moment on, or cut in the middle of what is being said. Bytes are never changed, reordered or
 * left out of the middle: TCP sees to that, and so does this.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

type Connection = { near: Socket; far: Socket; bytesUntilCut: number; losesReplies: boolean };

export class TcpProxy {
  readonly port: number;
  private readonly server: Server;
  private readonly connections = new Set<Connection>();
  private delayMs = 0;
  private heldUntil = 0;

  private constructor(server: Server) {
    this.server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  /** Everything that connects is connected to the port that `farPort` tells at that moment. */
  static async open(farPort: () => number): Promise<TcpProxy> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const proxy = new TcpProxy(server);
    server.on('connection', (near) => proxy.join(near, connect(farPort(), '127.0.0.1')));
    return proxy;
  }

  /** Every connection breaks, now. */
  cut(): void {
    for (const connection of this.connections) end(connection);
  }

  /** Every connection breaks when so many more bytes have come back to whoever opened it. */
  cutAfter(bytes: number): void {
    for (const connection of this.connections) connection.bytesUntilCut = bytes;
  }

  /** What is asked still arrives; its answers do not, and after a while every connection breaks. */
  loseReplies(forMs: number): void {
    const losing = [...this.connections];
    for (const connection of losing) connection.losesReplies = true;
    setTimeout(() => losing.forEach(end), forMs);
  }

  /** Each way takes so much longer, until told otherwise. */
  slowDown(delayMs: number): void {
    this.delayMs = delayMs;
  }

  /** Nothing passes for so long; then all of it does. */
  hold(forMs: number): void {
    this.heldUntil = performance.now() + forMs;
  }

  async close(): Promise<void> {
    this.server.close();
    this.cut();
    if (this.server.listening) await once(this.server, 'close');
  }

  private join(near: Socket, far: Socket): void {
    const connection = {
      near,
      far,
      bytesUntilCut: Number.POSITIVE_INFINITY,
      losesReplies: false,
    };
    this.connections.add(connection);
    this.carry(near, far, (bytes) => bytes);
    this.carry(far, near, (bytes) => {
      if (connection.losesReplies) return null;
      connection.bytesUntilCut -= bytes.length;
      if (connection.bytesUntilCut >= 0) return bytes;
      setImmediate(() => end(connection));
      return bytes.subarray(0, connection.bytesUntilCut);
    });
    for (const socket of [near, far]) {
      // Either end breaking is what this is for; 'close' follows.
      socket.on('error', () => undefined);
      socket.on('close', () => this.connections.delete(connection));
    }
  }

  /** In order, each piece not before its time; the end comes after the last of them. */
  private carry(from: Socket, to: Socket, filter: (bytes: Buffer) => Buffer | null): void {
    const waiting: { at: number; run: () => void }[] = [];
    const passDue = () => {
      while (waiting[0] !== undefined && waiting[0].at <= performance.now()) waiting.shift()?.run();
      // One timer for all: two that are due in the same millisecond may fire in either order.
      if (waiting[0] !== undefined) setTimeout(passDue, waiting[0].at - performance.now());
    };
    const inTurn = (run: () => void) => {
      const now = performance.now();
      const at = Math.max(this.heldUntil, this.delayMs > 0 ? now + this.delayMs : 0);
      if (waiting.length === 0 && at <= now) return run();
      waiting.push({ at, run });
      if (waiting.length === 1) setTimeout(passDue, at - now);
    };
    from.on('data', (bytes) =>
      inTurn(() => {
        const passed = filter(bytes);
        if (passed !== null && !to.destroyed) to.write(passed);
      }),
    );
    from.on('close', () => inTurn(() => to.destroy()));
  }
}

/** A port that nobody listens on at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function end({ near, far }: Connection): void {
  near.destroy();
  far.destroy();
}

/** A start that Redis leaves at any of its steps, behind a proxy that cuts all connections at one of them. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startCoordinator } from '../../coordinator/main.ts';
import { type PrivateRedis, startPrivateRedis } from '../support/private-redis.ts';

let redis: PrivateRedis;
let dataDir: string;
beforeAll(async () => {
  redis = await startPrivateRedis();
  dataDir = await mkdtemp(join(tmpdir(), 'mh-start-'));
});
afterAll(async () => {
  await redis.stop();
  await rm(dataDir, { recursive: true, force: true });
});
/** A dozen starts, most of them twice, with a second between. */
vi.setConfig({ testTimeout: 120_000 });

/** Cuts every connection when the `at`-th piece of a request comes, once. */
async function cutter(at: number) {
  const sockets = new Set<Socket>();
  let pieces = 0;
  const server = createServer((near) => {
    const far = connect(redis.connection.path);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
    }
    near.on('data', (bytes) => {
      pieces++;
      if (pieces === at) for (const socket of sockets) socket.destroy();
      else far.write(bytes);
    });
    far.pipe(near);
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    wasCut: () => pieces >= at,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function startCutAt(at: number): Promise<{ lines: string[]; wasCut: boolean }> {
  const proxy = await cutter(at);
  const lines: string[] = [];
  try {
    const coordinator = await startCoordinator({
      host: '127.0.0.1',
      port: 0,
      dataDir,
      redisUrl: proxy.url,
      logLevel: 'silent',
      onWait: (line) => lines.push(line),
    });
    const wasCut = proxy.wasCut();
    expect((await fetch(`${coordinator.url}/healthz`)).status).toBe(200);
    await coordinator.close();
    return { lines, wasCut };
  } finally {
    proxy.close();
  }
}

test('a coordinator whose Redis goes away while it starts starts again, and says so', async () => {
  const told: string[] = [];
  let wasCut = true;
  // The first pieces ask the operator's Redis what it is; that has an answer of its own.
  for (let at = 3; wasCut; at += 2) {
    const start = await startCutAt(at);
    told.push(...start.lines);
    wasCut = start.wasCut;
  }
  expect(told).toContainEqual(
    expect.stringContaining('Redis went away while the coordinator started'),
  );
});

/**
 * What a coordinator takes before it has done anything, and what a job of a billion units costs: it
 * is stored as its rule, so both the time to submit it and its bytes in Redis should be tiny.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { mebibytes, rssBytes } from './memory.ts';
import { startServer, stopServer } from './server.ts';

const units = 1_000_000_000;
/** After start-up's garbage has been collected once. */
const settleMs = 2000;

export async function footprint(say: (line: string) => void): Promise<object> {
  const dataDir = await mkdtemp(join(tmpdir(), 'manyhands-bench-'));
  const server = await startServer(dataDir);
  try {
    await wait(settleMs);
    const coordinatorRssBytes = await rssBytes(server.pid);
    const redisBefore = await server.redisBytes();
    const startedAt = performance.now();
    await server.submit({ name: 'a billion units', units: { range: { count: units } } });
    const submitMs = performance.now() - startedAt;
    const redisBytes = (await server.redisBytes()) - redisBefore;
    say(`idle coordinator: ${mebibytes(coordinatorRssBytes)} of RSS`);
    say(
      `a job of ${units.toLocaleString('en')} units: ${submitMs.toFixed(0)} ms, ${redisBytes} bytes of Redis`,
    );
    return { coordinatorRssBytes, units, submitMs, redisBytes };
  } finally {
    await stopServer(server);
    await rm(dataDir, { recursive: true, force: true });
  }
}

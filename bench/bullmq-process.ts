/** The peer: BullMQ's own Worker with one entry per unit, over a Redis set up as ours is. */
import { Queue, Worker } from 'bullmq';
import { openRedis } from '../coordinator/redis/open.ts';
import { makeClient } from '../coordinator/store/redis-connection.ts';
import { cpuMicros } from './cpu.ts';

/** BullMQ's documentation suggests 50 to 300 for work that only waits; 50 was the fastest measured. */
const concurrency = 50;
const bulkSize = 1000;
/** What ours keeps of a unit too. Finished entries stay, as BullMQ does unless told otherwise. */
const result = { output: '{"ok":true}\n', fuel: 1_000_000 };

process.once('message', async ({ dataDir, units }: { dataDir: string; units: number }) => {
  const redis = await openRedis({ dataDir });
  const connect = () => makeClient(redis.connection, { maxRetriesPerRequest: null });
  const [forQueue, forWorker] = [connect(), connect()];
  const queue = new Queue('units', { connection: forQueue });
  let left = 0;
  let finished = deferred();
  const worker = new Worker(
    'units',
    async () => {
      if (--left === 0) finished.resolve();
      return result;
    },
    { connection: forWorker, concurrency },
  );
  const run = async () => {
    left = units;
    finished = deferred();
    for (let from = 0; from < units; from += bulkSize) {
      const entries = Array.from({ length: Math.min(bulkSize, units - from) }, (_, i) => ({
        name: 'unit',
        data: { unit: from + i },
      }));
      await queue.addBulk(entries);
    }
    await finished.promise;
  };
  // What is measured is warm, as ours is: the first thousands of units pay for compiling.
  await run();
  const pids = [process.pid, redis.pid ?? 0];
  const [cpu, at] = [await cpuMicros(pids), performance.now()];
  await run();
  const seconds = (performance.now() - at) / 1000;
  process.send?.({
    unitsPerSecond: units / seconds,
    cpuMicrosPerUnit: ((await cpuMicros(pids)) - cpu) / units,
  });
  process.once('message', async () => {
    await worker.close();
    await queue.close();
    forQueue.disconnect();
    forWorker.disconnect();
    await redis.close();
    process.disconnect();
  });
});

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

// Goes on with a packed snapshot, in a process or thread that has never seen the kernel. From stdin
// or workerData: { dist, wasm, run, packed, bytesMax, isToStop }; it answers { end }, or { packed } when
// it was to stop again and did.

import { deserialize, serialize } from 'node:v8';
import { parentPort, workerData } from 'node:worker_threads';

async function resume({ dist, wasm, run, packed, bytesMax, isToStop }) {
  const { runInterruptibly } = await import(`${dist}/worker/sandbox/runner.js`);
  const { packSnapshot, unpackSnapshot } = await import(
    `${dist}/worker/sandbox/checkpoint/pack.js`
  );
  const stop = runInterruptibly(new WebAssembly.Module(wasm), run, {
    from: packed && (await unpackSnapshot(packed, bytesMax)),
    wantsStop: () => isToStop,
    onProgress: () => {},
  });
  if (stop.kind === 'ended') return { end: stop.end };
  return { packed: await packSnapshot(stop.snapshot) };
}

if (parentPort === null) {
  const parts = [];
  for await (const part of process.stdin) parts.push(part);
  process.stdout.write(serialize(await resume(deserialize(Buffer.concat(parts)))));
} else {
  parentPort.postMessage(await resume(workerData));
}

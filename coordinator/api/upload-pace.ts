/**
 * Bytes of an upload as they come, for as long as they do. One that stands still, or trickles, is ended: its file takes room
 * that was set aside for all of it. Only the time that the other side takes is counted, and not that of our disk.
 */
import type { Readable } from 'node:stream';
import { GridError } from '../../protocol/errors.ts';

/** A telephone that changes networks, twice over; a worker gives up sooner (worker/artifacts.ts). */
export const silenceMsMax = 60_000;
/** A quarter of what a worker takes for stuck, and a modem of 1995. */
const bytesPerMsMin = 4;

/** Throws GridError `upload_stalled`. The stream is left open then, so that there can be an answer. */
export async function* atPace(body: Readable): AsyncGenerator<Uint8Array> {
  const pieces = body.iterator({ destroyOnReturn: false });
  let [waitedMs, bytes] = [0, 0];
  for (;;) {
    const sinceMs = performance.now();
    const leftMs = silenceMsMax + bytes / bytesPerMsMin - waitedMs;
    const next = await within(Math.min(leftMs, silenceMsMax), pieces.next());
    if (next.done) return;
    waitedMs += performance.now() - sinceMs;
    bytes += next.value.length;
    yield next.value;
  }
}

function within<T>(ms: number, coming: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new GridError('upload_stalled')), ms);
    coming.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

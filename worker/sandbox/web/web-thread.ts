/**
 * One dedicated Web Worker as the sandbox sees it: begins, is ready, runs one unit at a time, and can
 * be ended in the middle of anything. After `end` it says nothing any more, whatever was on its way.
 */
import type { FromThread, ToThread } from './messages.ts';

export interface WebThreadEvents {
  onMessage(message: FromThread): void;
  /** Its program could not be loaded, or the browser ended it. */
  onBroken(reason: string): void;
}

export interface WebThread {
  run(work: ToThread): void;
  end(): void;
}

/** What we use of the browser's `Worker`; TypeScript's own types of it bring the whole DOM along. */
interface DedicatedWorker {
  onmessage: ((event: { data: FromThread }) => void) | null;
  onerror: ((event: { message?: string; preventDefault(): void }) => void) | null;
  onmessageerror: (() => void) | null;
  postMessage(message: ToThread): void;
  terminate(): void;
}
declare const Worker: new (url: string, options: { type: 'module' }) => DedicatedWorker;

export function startWebThread(url: string, events: WebThreadEvents): WebThread {
  const worker = new Worker(url, { type: 'module' });
  let isEnded = false;
  const end = () => {
    isEnded = true;
    worker.terminate();
  };
  const broken = (reason: string) => {
    if (isEnded) return;
    end();
    events.onBroken(reason);
  };
  worker.onmessage = ({ data }) => {
    if (!isEnded) events.onMessage(data);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    // A program that could not be loaded is an event without a message.
    broken(event.message ?? `${url} could not be loaded`);
  };
  worker.onmessageerror = () => broken('its answer could not be read');
  return {
    // The module is shared and the inputs are copied: the caller keeps them for another try.
    run: (work) => worker.postMessage(work),
    end,
  };
}

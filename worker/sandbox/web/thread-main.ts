/**
 * The program of a Web Worker that runs kernels: one message in, one end out. It is the wall between
 * a kernel and the page, and holds nothing that would be missed: the sandbox may end it at any moment.
 *
 * A kernel gets the imports of `runner.ts` and no way to JavaScript. As a second wall, whoever serves
 * this file should send `webThreadPolicy` (see `policy.ts`) with it: then not even this program could
 * reach the network.
 */
import { runSaving } from '../saving-run.ts';
import { seldom } from '../seldom.ts';
import type { FromThread, ToThread } from './messages.ts';

/** What we use of a dedicated worker's global scope. */
declare const self: {
  postMessage(message: FromThread): void;
  onmessage: ((event: { data: ToThread }) => void) | null;
  onmessageerror: (() => void) | null;
};

const say = (message: FromThread): void => self.postMessage(message);

self.onmessage = async ({ data: { module, ...work } }) => {
  try {
    const end = await runSaving(module, work, {
      onProgress: seldom((fraction) => say({ kind: 'progress', fraction })),
      onSaved: (saved) => say({ kind: 'saved', saved }),
    });
    say({ kind: 'ended', end });
  } catch (error) {
    say({ kind: 'failed', reason: String(error) });
  }
};
self.onmessageerror = () => say({ kind: 'failed', reason: 'the run could not be read' });
say({ kind: 'ready' });

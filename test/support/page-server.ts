// Serves the built modules to a browser as they are, and a page that loads the sandbox: no bundler
// stands between what we wrote and what runs. A module that needs more than a browser has does not load.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { webThreadPolicy } from '../../worker/sandbox/web/policy.ts';

const dist = new URL('../../dist/', import.meta.url);
export const threadPath = '/worker/sandbox/web/thread-main.js';

const page = `<!doctype html><title>A page</title><link rel="icon" href="data:,">
<script type="module">
  import { openWebSandbox } from '/worker/sandbox/web/web-sandbox.js';
  window.openWebSandbox = openWebSandbox;
</script>`;

export interface PageServer {
  url: string;
  close(): Promise<void>;
}

export async function servePage(): Promise<PageServer> {
  const server = createServer((request, reply) => {
    const path = request.url ?? '/';
    // Isolated, so that the page has shared memory and can ask for snapshots.
    reply.setHeader('cross-origin-opener-policy', 'same-origin');
    reply.setHeader('cross-origin-embedder-policy', 'require-corp');
    if (path === '/') {
      reply.setHeader('content-type', 'text/html');
      reply.end(page);
      return;
    }
    readFile(new URL(`.${path}`, dist)).then(
      (bytes) => {
        reply.setHeader('content-type', 'text/javascript');
        if (path === threadPath) reply.setHeader('content-security-policy', webThreadPolicy);
        reply.end(bytes);
      },
      () => reply.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

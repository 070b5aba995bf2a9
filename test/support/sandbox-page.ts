// The browser's sandbox as a test's own: it lives in a page of a real Chromium, and this side speaks
// its contract. Kernels, inputs and ends cross over unchanged.

import type { Browser, Page } from 'playwright-core';
import type {
  Sandbox,
  SandboxEnd,
  SandboxKernel,
  SandboxRun,
} from '../../worker/sandbox/sandbox.ts';
import type { openWebSandbox } from '../../worker/sandbox/web/web-sandbox.ts';
import { threadPath } from './page-server.ts';

/** What the page has, and keeps between two calls of the test. */
declare const window: {
  openWebSandbox: typeof openWebSandbox;
  sandbox: Sandbox;
  tellProgress(id: string, fraction: number): Promise<void>;
};

export type SandboxPage = Sandbox & { page: Page };

export async function openSandboxPage(
  browser: Browser,
  url: string,
  { threads = 1, workerUrl = threadPath } = {},
): Promise<SandboxPage> {
  const page = await browser.newPage();
  const listeners = new Map<string, (fraction: number) => void>();
  await page.exposeFunction('tellProgress', (id: string, fraction: number) =>
    listeners.get(id)?.(fraction),
  );
  await page.goto(url);
  await page.evaluate(
    (options) => {
      window.sandbox = window.openWebSandbox(options);
    },
    { threads, workerUrl },
  );
  return {
    page,
    run(kernel, run, onProgress = () => {}) {
      listeners.set(run.id, onProgress);
      return page.evaluate(runInPage, { kernel: plain(kernel), run });
    },
    save: (id) => page.evaluate((runId) => window.sandbox.save(runId), id),
    // These do not wait: the browser takes them in the order in which they were said.
    abort(id) {
      void page.evaluate((runId) => window.sandbox.abort(runId), id);
    },
    pause() {
      void page.evaluate(() => window.sandbox.pause());
    },
    resume() {
      void page.evaluate(() => window.sandbox.resume());
    },
    async close() {
      if (!page.isClosed()) await page.evaluate(() => window.sandbox.close());
    },
  };
}

/** A Buffer would arrive as an object of its own kind. */
const plain = ({ digest, wasm }: SandboxKernel): SandboxKernel => ({
  digest,
  wasm: new Uint8Array(wasm),
});

function runInPage({
  kernel,
  run,
}: {
  kernel: SandboxKernel;
  run: SandboxRun;
}): Promise<SandboxEnd> {
  return window.sandbox.run(kernel, run, (fraction) => {
    void window.tellProgress(run.id, fraction);
  });
}

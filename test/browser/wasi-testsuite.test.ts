import type { Browser } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import { describeInChromium, launchChromium } from '../support/chromium.ts';
import { type PageServer, servePage } from '../support/page-server.ts';
import { openSandboxPage, type SandboxPage } from '../support/sandbox-page.ts';
import { wasiTestsuite } from '../worker/sandbox/wasi-programs.ts';

describeInChromium('in a browser', () => {
  let browser: Browser;
  let server: PageServer;
  let sandbox: SandboxPage;
  beforeAll(async () => {
    [browser, server] = await Promise.all([launchChromium(), servePage()]);
    sandbox = await openSandboxPage(browser, server.url);
  });
  afterAll(async () => {
    await Promise.all([browser.close(), server.close()]);
  });

  wasiTestsuite('Chromium', ({ name, wasm, run }) =>
    sandbox.run({ digest: name, wasm }, { ...run, id: name, wallMsMax: 60_000 }),
  );
});

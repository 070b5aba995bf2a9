import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openSandbox } from '../../worker/sandbox/node/sandbox-process.ts';
import type { Sandbox } from '../../worker/sandbox/sandbox.ts';
import { forgedGauges } from '../attacks/attack.ts';
import { describeInChromium, launchChromium } from '../support/chromium.ts';
import { type PageServer, servePage } from '../support/page-server.ts';
import { openSandboxPage, type SandboxPage } from '../support/sandbox-page.ts';
import { wasmOf } from '../worker/sandbox/a-kernel.ts';
import {
  aGate,
  aSandboxRun,
  aWhile,
  forEver,
  greeter,
  sandboxContract,
  savable,
  savableKernel,
  spinner,
} from '../worker/sandbox/contract.ts';

describeInChromium('the sandbox of a browser', () => {
  let browser: Browser;
  let server: PageServer;
  beforeAll(async () => {
    [browser, server] = await Promise.all([launchChromium(), servePage()]);
  });
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
  });
  afterAll(async () => {
    await Promise.all([browser.close(), server.close()]);
  });
  const open = (options: { threads?: number; workerUrl?: string } = {}) =>
    openSandboxPage(browser, server.url, options);
  /** Chromium gives an ended thread 2 s before it uses force; a busy machine needs some more. */
  const threadsOf = ({ page }: SandboxPage) =>
    expect.poll(() => page.workers().length, { timeout: 20_000 });

  describe('keeps the contract:', () => {
    sandboxContract(open);
  });

  it('begins the runs under way anew after a pause, and they end as if nothing had been', async () => {
    const sandbox = await open();
    const undisturbed = await sandbox.run(spinner, aSandboxRun({ fuelMax: aWhile }));
    const begun = aGate();
    const told: number[] = [];
    const end = sandbox.run(spinner, aSandboxRun({ fuelMax: aWhile }), (fraction) => {
      told.push(fraction);
      begun.open();
    });
    await begun.opened;
    sandbox.pause();
    const waiting = sandbox.run(greeter, aSandboxRun());
    await threadsOf(sandbox).toBe(0);
    sandbox.resume();
    expect({ ...(await end), wallMs: 0 }).toEqual({ ...undisturbed, wallMs: 0 });
    expect(told).toEqual([0.5, 0.5]);
    expect(await waiting).toMatchObject({ outcome: 'success' });
  });

  it.each(Object.entries(savable))(
    '[S3] goes on with what was saved in Node %s, and Node with what was saved here',
    async (_, build) => {
      const kernel = savableKernel(build);
      const here = await open();
      const node = openSandbox({ threads: 1 });
      onTestFinished(() => node.close());
      const run = () => aSandboxRun({ fuelMax: forEver, seed: 11n });
      const stayed = await node.run(kernel, run());
      const savedBy = async (sandbox: Sandbox) => {
        const begun = aGate();
        const first = run();
        const end = sandbox.run(kernel, first, () => begun.open());
        await begun.opened;
        const saved = await sandbox.save(first.id);
        sandbox.abort(first.id);
        await end;
        if (saved === null) throw new Error('nothing was saved');
        return saved;
      };
      const movedHere = here.run(kernel, { ...run(), from: await savedBy(node) });
      const movedAway = node.run(kernel, { ...run(), from: await savedBy(here) });
      for (const end of [await movedHere, await movedAway])
        expect({ ...end, wallMs: 0 }).toEqual({ ...stayed, wallMs: 0 });
    },
  );

  it('replaces a thread that broke', async () => {
    const sandbox = await open();
    await sandbox.run(greeter, aSandboxRun());
    const [thread] = sandbox.page.workers();
    await thread?.evaluate(() => {
      setTimeout(() => {
        throw new Error('something in the browser');
      });
    });
    await threadsOf(sandbox).toBe(0);
    expect(await sandbox.run(greeter, aSandboxRun())).toMatchObject({ outcome: 'success' });
  });

  it('answers host_error when its threads cannot be loaded, and says which program', async () => {
    const sandbox = await open({ workerUrl: '/nowhere.js' });
    const end = await sandbox.run(greeter, aSandboxRun());
    expect(end.outcome).toBe('host_error');
    expect(end.detail).toContain('/nowhere.js');
  });

  it('leaves no thread after close', async () => {
    const sandbox = await open({ threads: 2 });
    await Promise.all([1, 2].map(() => sandbox.run(greeter, aSandboxRun())));
    await sandbox.close();
    await threadsOf(sandbox).toBe(0);
  });

  it('[S1] its threads can connect to nothing', async () => {
    const sandbox = await open();
    await sandbox.run(greeter, aSandboxRun());
    const [thread] = sandbox.page.workers();
    const attempt = await thread?.evaluate(
      (url) =>
        fetch(url).then(
          () => 'reached',
          () => 'refused',
        ),
      server.url,
    );
    expect(attempt).toBe('refused');
  });

  const unmetered = (body: string) => ({
    digest: 'unmetered',
    wasm: wasmOf(`(module ${forgedGauges} (memory 256) (func (export "_start") ${body}))`),
  });
  const late = () => aSandboxRun({ fuelMax: forEver, wallMsMax: 300 });

  it('[S2] ends the thread of an endless loop that nobody meters', async () => {
    const sandbox = await open();
    const end = await sandbox.run(unmetered('(loop $again (br $again))'), late());
    expect(end).toMatchObject({ outcome: 'time_exceeded' });
    expect(await sandbox.run(greeter, aSandboxRun())).toMatchObject({ outcome: 'success' });
    await threadsOf(sandbox).toBe(1);
  });

  it('[S2] goes on beside an endless memory.fill that the browser does not end', async () => {
    const sandbox = await open();
    const fill = '(memory.fill (i32.const 0) (i32.const 1) (i32.const 16777216))';
    const end = await sandbox.run(unmetered(`(loop $again ${fill} (br $again))`), late());
    expect(end).toMatchObject({ outcome: 'time_exceeded' });
    expect(await sandbox.run(greeter, aSandboxRun())).toMatchObject({ outcome: 'success' });
  });
});

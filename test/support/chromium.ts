// A real Chromium without a window, for tests of what runs in a browser.

import { type Browser, chromium } from 'playwright-core';
import { describe, it } from 'vitest';
import { findChromium } from '../../cli/chromium.ts';

const executablePath = findChromium();

/** `v8Flags` as V8 knows them; a flag that it does not know is passed over in silence. */
export function launchChromium(v8Flags: string[] = []): Promise<Browser> {
  if (executablePath === null) throw new Error('there is no Chromium on this machine');
  return chromium.launch({
    executablePath,
    args: [
      '--headless',
      '--no-sandbox', // Chromium's own needs rights that a container lacks.
      '--disable-gpu',
      // It must speak to nobody but the test.
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...(v8Flags.length === 0 ? [] : [`--js-flags=${v8Flags.join(' ')}`]),
    ],
  });
}

/** A `describe` that is skipped, and says why, where there is no Chromium. */
export function describeInChromium(title: string, tests: () => void): void {
  if (executablePath !== null) {
    describe(title, tests);
    return;
  }
  describe.skip(`${title}: skipped, there is no Chromium (see MANYHANDS_CHROMIUM)`, () => {
    it('needs a browser', () => {});
  });
}

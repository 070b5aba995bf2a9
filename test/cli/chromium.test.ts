import { afterEach, expect, test, vi } from 'vitest';
import { findChromium, provideChromium } from '../../cli/chromium.ts';

afterEach(() => vi.unstubAllEnvs());

test('the browser that a person names is taken, and a name that leads nowhere means none', () => {
  vi.stubEnv('MANYHANDS_CHROMIUM', process.execPath);
  expect(findChromium()).toBe(process.execPath);
  vi.stubEnv('MANYHANDS_CHROMIUM', '/nowhere/chromium');
  expect(findChromium()).toBe(null);
  vi.stubEnv('MANYHANDS_CHROMIUM', '');
  expect(findChromium()).toBe(null);
});

test('nothing is installed where a person named a browser, or that there is none', () => {
  vi.stubEnv('MANYHANDS_CHROMIUM', '');
  const said: string[] = [];
  provideChromium((line) => said.push(line));
  expect(said).toEqual([]);
});

/**
 * Finds a Chromium for the browser tests, and installs Debian's where we may: as root, with apt-get.
 * Volunteers need none of this; they have their own browser.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** Where Debian, Google's package for Linux, and macOS have it. */
const usualPlaces = [
  '/usr/bin/chromium',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Its path, or null. MANYHANDS_CHROMIUM names another; empty, it says that there is none. */
export function findChromium(): string | null {
  const { MANYHANDS_CHROMIUM: named } = process.env;
  const places = named === undefined ? usualPlaces : [named];
  return places.find((path) => existsSync(path)) ?? null;
}

/** Never fails: without a browser its tests are skipped, and say so. */
export function provideChromium(say: (line: string) => void): void {
  const { MANYHANDS_CHROMIUM: named } = process.env;
  if (named !== undefined || findChromium() !== null || process.getuid?.() !== 0) return;
  if (aptGet('--version') !== null) return;
  say('Installing Chromium for the browser tests');
  // Package lists are missing in a fresh container, and old in others.
  const failure = install() && (aptGet('update') ?? install());
  if (failure !== null)
    say(`Chromium could not be installed, so the browser tests will be skipped: ${failure}`);
}

const install = (): string | null => aptGet('install', '-y', '--no-install-recommends', 'chromium');

/** Null when it succeeded, else its last words. */
function aptGet(...args: string[]): string | null {
  const { status, error, stderr } = spawnSync('apt-get', args, {
    // Its questions must not wait for somebody at a terminal; half an hour is a slow mirror.
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    timeout: 1_800_000,
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
  if (status === 0) return null;
  return error?.message ?? (stderr.trim().split('\n').at(-1) || 'apt-get gave no reason');
}

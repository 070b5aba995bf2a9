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
  if (!succeeds('apt-get', '--version')) return;
  say('Installing Chromium for the browser tests');
  // A fresh container has no package lists.
  if (!installs() && !(succeeds('apt-get', 'update') && installs()))
    say('Chromium could not be installed: the browser tests will be skipped');
}

const installs = (): boolean =>
  succeeds('apt-get', 'install', '-y', '--no-install-recommends', 'chromium');

function succeeds(program: string, ...args: string[]): boolean {
  // Its questions must not wait for somebody at a terminal; half an hour is a slow mirror.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return spawnSync(program, args, { env, stdio: 'ignore', timeout: 1_800_000 }).status === 0;
}

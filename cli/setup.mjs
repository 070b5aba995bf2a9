// Makes a checkout ready to run: `npm test`, `npm run demo` and `npm run bench` call it first. It
// installs the packages when they are missing or older than package-lock.json, builds what changed, and
// fetches a Redis when the machine has none. When nothing is to be done it says nothing and takes some
// tens of milliseconds.
//
// Plain JavaScript on Node's own modules: it runs when nothing is installed. It speaks on stderr only,
// because stdout belongs to the command that follows. `--test` stands for what only the tests need: a
// Chromium, where we may install one.

import { spawnSync } from 'node:child_process';
import { statSync, utimesSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, isBuilt } from './build.mjs';
import { oneAtATime } from './one-at-a-time.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const lockFile = join(root, 'package-lock.json');
/** npm writes it at the end of an installation. */
const installedFile = join(root, 'node_modules/.package-lock.json');

function say(line) {
  process.stderr.write(`${line}\n`);
}

/** What only a person can mend. */
class SetupFailure extends Error {
  constructor(what, why, doThis) {
    super(`${what}\n${why}\n${doThis}`);
  }
}

function requireNode() {
  // 20.19 is the first that loads our packages without flags; package.json says the same to npm.
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  throw new SetupFailure(
    `Node ${process.versions.node} is too old for Manyhands`,
    'It needs Node 20.19 or newer',
    'Install a current Node from https://nodejs.org and try again',
  );
}

function isInstalled() {
  const [installed, wanted] = [installedFile, lockFile].map((file) =>
    statSync(file, { throwIfNoEntry: false }),
  );
  return installed !== undefined && (wanted === undefined || installed.mtimeMs >= wanted.mtimeMs);
}

function install() {
  say('Installing packages');
  // npm tells its scripts where it is; started by hand, it is on PATH.
  const { npm_execpath: npmFile = '' } = process.env;
  const [program, ...first] =
    basename(npmFile) === 'npm-cli.js' ? [process.execPath, npmFile] : ['npm'];
  // The compilers are development packages; --include overrides NODE_ENV=production.
  const args = [...first, 'install', '--no-audit', '--no-fund', '--include=dev'];
  const { status, error, stdout, stderr } = spawnSync(program, args, {
    cwd: root,
    encoding: 'utf8',
    shell: process.platform === 'win32', // npm is npm.cmd there
  });
  if (status !== 0) {
    throw new SetupFailure(
      'The packages could not be installed',
      error?.message ?? `${stdout}${stderr}`.trim(),
      'Mend that and try again',
    );
  }
  // npm may write package-lock.json last; without this the next run would install again.
  const now = new Date();
  utimesSync(installedFile, now, now);
}

async function buildAll() {
  say('Building');
  await build().catch((error) => {
    throw new SetupFailure('The build failed', error.message, 'Mend that and try again');
  });
}

async function provideRedis() {
  const { provideRedis } = await import('../dist/coordinator/redis/provide.js');
  await provideRedis(say).catch((error) => {
    if (error.doThis === undefined) throw error;
    throw new SetupFailure(error.what, error.why, error.doThis);
  });
}

async function provideChromium() {
  const { provideChromium } = await import('../dist/cli/chromium.js');
  provideChromium(say);
}

async function setUp() {
  requireNode();
  if (!isInstalled() || !isBuilt()) {
    await oneAtATime(root, async () => {
      // Looked at again: another terminal may just have done it.
      if (!isInstalled()) install();
      if (!isBuilt()) await buildAll();
    });
  }
  await provideRedis();
  if (process.argv.includes('--test')) await provideChromium();
}

await setUp().catch((error) => {
  if (!(error instanceof SetupFailure)) throw error;
  say(error.message);
  process.exitCode = 2; // configuration, as everywhere
});

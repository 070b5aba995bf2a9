#!/usr/bin/env node
// What `npx manyhands` finds: the command itself, once it is built.
//
// npm links a program only if its file is there when it installs, and npx installs a checkout into its
// cache at the first call, once and for all. So the program that package.json names is this file, which a
// clone has from the start: were it one of dist/, whoever called it before the first build would be told
// "manyhands: not found" ever after. Plain JavaScript, because it runs when nothing is built.

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const main = new URL('../dist/cli/main.js', import.meta.url);

if (existsSync(main)) {
  await import(main.href);
} else {
  const root = fileURLToPath(new URL('..', import.meta.url));
  process.stderr.write(
    `error[config]: Manyhands is not built yet.\n  why: ${fileURLToPath(main)} is missing\n  do:  run \`npm run setup\` in ${root}\n`,
  );
  process.exitCode = 2; // configuration, as everywhere
}

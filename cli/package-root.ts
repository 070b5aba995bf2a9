/**
 * Where the package lies and which version it is. The same code runs as cli/… from source and as
 * dist/cli/… once built, so the folder with package.json is looked for upwards.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

function findRoot(from: string): string {
  if (existsSync(join(from, 'package.json'))) return from;
  const up = dirname(from);
  if (up === from) throw new Error('package.json was not found above the manyhands command');
  return findRoot(up);
}

export const packageRoot = findRoot(import.meta.dirname);

export const packageVersion: string = JSON.parse(
  readFileSync(join(packageRoot, 'package.json'), 'utf8'),
).version;

/** The command itself, for starting another one of us as a child process. */
export const commandPath = join(packageRoot, 'dist', 'cli', 'main.js');

/**
 * JavaScript on QuickJS: the script and the engine become one module. The engine is an npm package,
 * pinned because the names of its exports are its own; what links them is in build-javascript.mjs.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../package-root.ts';
import type { Language } from './language.ts';

const needed = ['quickjs-wasi/quickjs.wasm', 'assemblyscript/package.json'];
const script = join(packageRoot, 'cli/build-javascript.mjs');

export const javaScript: Language = {
  name: 'JavaScript',
  extensions: ['.js'],
  compilers: () =>
    needed.every((file) => existsSync(join(packageRoot, 'node_modules', file)))
      ? [{ program: process.execPath, args: (source, target) => [script, source, target] }]
      : [],
  wanted: 'the npm package quickjs-wasi',
  install: `npm install --prefix ${packageRoot}`,
  probe: 'print(1);\n',
};

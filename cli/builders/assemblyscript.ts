/** AssemblyScript with the compiler that comes with Manyhands; the options are in its script. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../package-root.ts';
import type { Language } from './language.ts';

const compiler = join(packageRoot, 'node_modules/assemblyscript/bin/asc.js');
const script = join(packageRoot, 'jobs/build-kernel.mjs');

export const assemblyScript: Language = {
  name: 'AssemblyScript',
  extensions: ['.ts'],
  compilers: () =>
    existsSync(compiler)
      ? [
          {
            program: process.execPath,
            args: (source, target, flags) => [script, source, target, ...flags],
          },
        ]
      : [],
  wanted: 'the npm package assemblyscript',
  install: `npm install --prefix ${packageRoot}`,
  probe: "import { print } from 'kernel-sdk';\nprint('ready');\n",
};

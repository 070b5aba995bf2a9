// Compiles one AssemblyScript kernel to a WASI preview 1 command, with npm packages alone:
//
//   node jobs/build-kernel.mjs jobs/mersenne/assembly/kernel.ts out/kernel.wasm
//
// A kernel is written like a script: its top-level code becomes `_start`. `import … from
// 'kernel-sdk'` finds the folder beside this file from wherever the kernel lies, so a scientist's
// kernel need not be in this repository. The same source gives the same bytes, whoever builds it.
// Plain JavaScript, because it runs before anything of ours is compiled.

import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { argv, execPath, exit, stderr } from 'node:process';
import { fileURLToPath } from 'node:url';

const jobsFolder = dirname(fileURLToPath(import.meta.url));
const compiler = join(jobsFolder, '../node_modules/assemblyscript/bin/asc.js');

const [source, target] = argv.slice(2).map((path) => resolve(path));
if (source === undefined || target === undefined) {
  stderr.write('usage: node jobs/build-kernel.mjs KERNEL.ts OUT.wasm\n');
  exit(2);
}

mkdirSync(dirname(target), { recursive: true });
const options = [
  '-O3',
  // The lightest runtime that can free memory. Nothing is collected unless the kernel asks: a unit
  // ends soon, and its memory with it.
  ['--runtime', 'minimal'],
  // Code at the top level runs in the export that WASI calls, not in a Wasm start section, which
  // would run before the host has the module's memory.
  ['--exportStart', '_start'],
  ['--path', jobsFolder],
  // Without these a failed assertion imports `env.abort`, and so on, which no WASI host has.
  ['--lib', join(jobsFolder, 'kernel-sdk/every-kernel.ts')],
  ...['abort', 'seed', 'console'].map((name) => [
    '--use',
    `${name}=~lib/kernel-sdk/language/${name}`,
  ]),
  // File names in messages are relative to this, so that they do not tell where the kernel was built.
  ['--baseDir', dirname(source)],
  ['--outFile', target],
].flat();
const { status } = spawnSync(execPath, [compiler, source, ...options], {
  stdio: ['ignore', 'inherit', 'inherit'],
});
exit(status ?? 1);

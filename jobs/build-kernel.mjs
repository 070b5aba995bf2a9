// Compiles one AssemblyScript kernel to a WASI preview 1 command, with npm packages alone:
//
//   node jobs/build-kernel.mjs jobs/mersenne/assembly/kernel.ts out/kernel.wasm
//
// A kernel is written like a script: its top-level code becomes `_start`. `import … from
// 'kernel-sdk'` finds the folder beside this file from wherever the kernel lies, so a scientist's
// kernel need not be in this repository. Plain JavaScript, because it runs before anything of ours
// is compiled.

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { argv, exit, stderr } from 'node:process';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const jobsFolder = dirname(fileURLToPath(import.meta.url));
const [source, target] = argv.slice(2);
if (source === undefined || target === undefined) {
  stderr.write('usage: node jobs/build-kernel.mjs KERNEL.ts OUT.wasm\n');
  exit(2);
}

const options = [
  '-O3',
  // The lightest runtime that can free memory. Nothing is collected unless the kernel asks: a unit
  // ends soon, and its memory with it.
  ['--runtime', 'minimal'],
  // Code at the top level runs in the export that WASI calls, not in a Wasm start section, which
  // would run before the host has the module's memory.
  ['--exportStart', '_start'],
  // Without this a failed assertion imports `env.abort`, which no WASI host has.
  ['--use', 'abort=~lib/kernel-sdk/abort/abort'],
  ['--path', jobsFolder],
  // Same source, same bytes: names of files in the kernel must not depend on who builds it.
  ['--baseDir', dirname(resolve(source))],
].flat();

let wasm;
const { error } = await asc.main([resolve(source), '--outFile', 'kernel.wasm', ...options], {
  stdout: stderr,
  stderr,
  writeFile: (_name, contents) => {
    wasm = contents;
  },
});
if (error !== null || wasm === undefined) {
  stderr.write(`${source} did not compile: ${error?.message ?? 'no output'}\n`);
  exit(1);
}
await mkdir(dirname(resolve(target)), { recursive: true });
await writeFile(target, wasm);

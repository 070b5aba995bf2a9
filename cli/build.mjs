// Builds dist/: the TypeScript tree, the Lua scripts beside their loader, and the kernels of the
// built-in jobs. Plain JavaScript, because it runs before anything of ours is compiled.

import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const root = new URL('..', import.meta.url).pathname;
const bin = (name) => join(root, 'node_modules', '.bin', name);
const run = (command, args) =>
  execFileSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });

run(bin('tsc'), ['-p', 'tsconfig.build.json']);
cpSync(join(root, 'coordinator/store/lua'), join(root, 'dist/coordinator/store/lua'), {
  recursive: true,
});

for (const job of readdirSync(join(root, 'jobs'))) {
  const source = join(root, 'jobs', job, 'assembly', 'kernel.ts');
  if (!existsSync(source)) continue;
  const target = join(root, 'dist', 'jobs', job);
  mkdirSync(target, { recursive: true });
  run(process.execPath, [
    join(root, 'jobs', 'build-kernel.mjs'),
    source,
    join(target, 'kernel.wasm'),
  ]);
}

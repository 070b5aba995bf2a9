import { access, constants, readFile, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { aCheckout, type Checkout, withPackages } from './checkout.ts';

const BUILD = 'cli/build.mjs';
const quiet = { code: 0, stdout: '', stderr: '' };

// One checkout, built again and again as a developer would: each test starts where the last one ended.
describe('the build', () => {
  let checkout: Checkout & { dispose(): Promise<void> };

  beforeAll(async () => {
    checkout = await aCheckout();
    await withPackages(checkout);
    await checkout.write('cli/main.ts', `#!/usr/bin/env node\nimport '../protocol/word.ts';\n`);
    await checkout.write('protocol/word.ts', `export const word: string = 'one';\n`);
    await checkout.write('coordinator/store/lua/record.lua', 'return 1\n');
    await checkout.write('web/page.css', 'body {}\n');
    await checkout.copy('jobs/build-kernel.mjs', 'jobs/kernel-sdk');
    await checkout.write(
      'jobs/small/assembly/kernel.ts',
      `import { print } from 'kernel-sdk';\nprint('x');\n`,
    );
  });
  afterAll(() => checkout.dispose());

  const changedAt = async (path: string) => (await stat(join(checkout.root, path))).mtimeMs;
  const touch = async (path: string) => {
    const now = new Date();
    await utimes(join(checkout.root, path), now, now);
  };

  test('compiles TypeScript, copies what is not code, and builds the kernels of the jobs', async () => {
    expect(await checkout.run(BUILD)).toEqual(quiet);
    expect(await checkout.outputs()).toEqual([
      'cli/main.js',
      'coordinator/store/lua/record.lua',
      'jobs/small/kernel.wasm',
      'protocol/word.js',
      'web/page.css',
    ]);
    const kernel = await readFile(join(checkout.root, 'dist/jobs/small/kernel.wasm'));
    expect(kernel.subarray(0, 4).toString('latin1')).toBe('\0asm');
  });

  test('makes the command executable', async () => {
    await access(join(checkout.root, 'dist/cli/main.js'), constants.X_OK);
  });

  test('does nothing when nothing changed', async () => {
    const before = await changedAt('dist/.built.json');
    expect(await checkout.run(BUILD)).toEqual(quiet);
    expect(await changedAt('dist/.built.json')).toBe(before);
  });

  test('builds a kernel again when it or the kit changed, and only then', async () => {
    const first = await changedAt('dist/jobs/small/kernel.wasm');
    await touch('protocol/word.ts');
    await checkout.run(BUILD);
    expect(await changedAt('dist/jobs/small/kernel.wasm')).toBe(first);
    await touch('jobs/kernel-sdk/args.ts');
    await checkout.run(BUILD);
    expect(await changedAt('dist/jobs/small/kernel.wasm')).toBeGreaterThan(first);
  });

  test('fails with the words of the compiler, and fails again until it is mended', async () => {
    await checkout.write('protocol/word.ts', `export const word: string = 1;\n`);
    for (const _ of ['first', 'again']) {
      const { code, stdout, stderr } = await checkout.run(BUILD);
      expect(code).toBe(1);
      expect(stdout).toBe('');
      expect(stderr).toContain('protocol/word.ts(1,14): error TS2322');
      expect(stderr).toContain('The build failed');
    }
    await checkout.write('protocol/word.ts', `export const word: string = 'two';\n`);
    expect(await checkout.run(BUILD)).toEqual(quiet);
  });

  test('fails when a kernel does not compile', async () => {
    await checkout.write(
      'jobs/small/assembly/kernel.ts',
      `import { print } from 'kernel-sdk';\nprint(1);\n`,
    );
    expect(await checkout.run(BUILD)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('jobs/build-kernel.mjs found fault'),
    });
  });

  test('removes what has no source any more', async () => {
    await checkout.remove('jobs/small');
    await checkout.remove('web/page.css');
    await checkout.remove('protocol/word.ts');
    await checkout.write('cli/main.ts', '#!/usr/bin/env node\nexport {};\n');
    expect(await checkout.run(BUILD)).toEqual(quiet);
    expect(await checkout.outputs()).toEqual(['cli/main.js', 'coordinator/store/lua/record.lua']);
  });

  test('of two at once, one builds and the other waits for it', async () => {
    await checkout.remove('dist');
    expect(await Promise.all([checkout.run(BUILD), checkout.run(BUILD)])).toEqual([quiet, quiet]);
    expect(await checkout.outputs()).toEqual(['cli/main.js', 'coordinator/store/lua/record.lua']);
  });

  test('is not held up by a build that was killed', async () => {
    await touch('cli/main.ts');
    // No process has this id: it is above what any system hands out.
    await checkout.write('dist/.setup', '2147483647');
    expect(await checkout.run(BUILD)).toEqual(quiet);
  });
});

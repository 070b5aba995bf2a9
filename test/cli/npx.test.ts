import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { aCheckout, type Checkout, type Ran } from './checkout.ts';

/** npm links a program when it first installs its package, and npx does that once for each checkout. */
test('`npx manyhands` says what to do before the build, and is the command after it', async () => {
  const clone = await aCheckout();
  onTestFinished(() => clone.dispose());
  await clone.copy('package.json', 'package-lock.json', 'cli/manyhands.mjs');

  expect(await npx(clone, 'manyhands', '--version')).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(/not built yet[\s\S]*npm run setup/),
  });

  await clone.write(
    'dist/cli/main.js',
    'console.log("the command", process.argv.slice(2).join());\n',
  );
  expect(await npx(clone, 'manyhands', '--version')).toMatchObject({
    code: 0,
    stdout: 'the command --version\n',
  });
});

/** With a cache of its own, and no registry. */
function npx(clone: Checkout, ...args: string[]): Promise<Ran> {
  const child = spawn('npx', args, {
    cwd: clone.root,
    env: {
      PATH: process.env['PATH'],
      HOME: clone.root,
      npm_config_cache: join(clone.root, 'npm-cache'),
      npm_config_offline: 'true',
      npm_config_audit: 'false',
    },
    shell: process.platform === 'win32',
  });
  const ran: Ran = { code: null, stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    ran.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    ran.stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ ...ran, code }));
  });
}

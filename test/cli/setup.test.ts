import { chmod, mkdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { aCheckout, type Checkout, repository } from './checkout.ts';

/** A checkout as cloned: a lock file and no packages. */
async function aClone(): Promise<Checkout> {
  const checkout = await aCheckout();
  onTestFinished(() => checkout.dispose());
  await mkdir(join(checkout.root, 'jobs'));
  await checkout.write('package-lock.json', '{}');
  await checkout.write('protocol/word.ts', `export const word: string = 'one';\n`);
  return checkout;
}

/** Runs the setup with an npm that does as told, and a Redis on PATH. */
async function setUp(
  checkout: Checkout,
  npm: string,
  redis = 'echo "Redis server v=7.0.15 sha=0"',
) {
  const bin = join(checkout.root, 'bin');
  await mkdir(bin, { recursive: true });
  for (const [name, script] of Object.entries({ npm, 'redis-server': redis })) {
    await writeFile(join(bin, name), `#!/bin/sh\nPATH=/usr/bin:/bin\n${script}\n`);
    await chmod(join(bin, name), 0o755);
  }
  return await checkout.run('cli/setup.mjs', {
    PATH: bin,
    MANYHANDS_CACHE_DIR: join(checkout.root, 'cache'),
    npm_execpath: '',
  });
}

/** Installs by linking to the packages of this repository, and notes how it was called. */
const INSTALL = `
  echo "$@" >> npm-calls
  mkdir -p node_modules && ln -sf "${repository}"node_modules/* node_modules/
  echo '{}' > node_modules/.package-lock.json
`;

test('a fresh clone is installed, built and given a Redis; later only what changed is done', async () => {
  const clone = await aClone();
  // Just enough of the real sources to provide a Redis.
  const sources = ['error', 'find', 'provide', 'version'];
  await clone.copy(...sources.map((name) => `coordinator/redis/${name}.ts`));
  await clone.copy('tsconfig.json', 'tsconfig.build.json');
  expect(await setUp(clone, INSTALL)).toEqual({
    code: 0,
    stdout: '',
    stderr: 'Installing packages\nBuilding\n',
  });
  expect(await readFile(join(clone.root, 'npm-calls'), 'utf8')).toBe(
    'install --no-audit --no-fund --include=dev\n',
  );
  expect(await clone.outputs()).toContain('protocol/word.js');

  // Nothing to do, nothing to say.
  expect(await setUp(clone, 'exit 1')).toEqual({ code: 0, stdout: '', stderr: '' });

  // The machine lost its Redis, and has no tools to fetch one.
  expect(await setUp(clone, 'exit 1', 'exit 1')).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(/^No Redis server on this machine\n/),
  });

  // A newer lock file means other packages; npm cannot get them.
  const later = new Date(Date.now() + 60_000);
  await utimes(join(clone.root, 'package-lock.json'), later, later);
  expect(await setUp(clone, 'echo "npm error network" >&2; exit 1')).toEqual({
    code: 2,
    stdout: '',
    stderr:
      'Installing packages\nThe packages could not be installed\nnpm error network\nMend that and try again\n',
  });
});

test('a failed build ends the command', async () => {
  const clone = await aClone();
  await clone.write('protocol/word.ts', 'export const word: string = 1;\n');
  expect(await setUp(clone, INSTALL)).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(/error TS2322[\s\S]*The build failed\n/),
  });
});

// A small checkout of its own: our build scripts and compiler settings around a handful of sources, so
// that a test may break, delete and touch what it likes.

import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repository = fileURLToPath(new URL('../..', import.meta.url));

export type Checkout = {
  root: string;
  write(path: string, text: string): Promise<void>;
  copy(...paths: string[]): Promise<void>;
  remove(path: string): Promise<void>;
  /** All files under dist/ that are not records of the build. */
  outputs(): Promise<string[]>;
  run(script: string, env?: NodeJS.ProcessEnv): Promise<Ran>;
};

export type Ran = { code: number | null; stdout: string; stderr: string };

export async function aCheckout(): Promise<Checkout & { dispose(): Promise<void> }> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'mh-checkout-')));
  const checkout: Checkout = {
    root,
    async write(path, text) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), text);
    },
    async copy(...paths) {
      for (const path of paths) {
        await cp(join(repository, path), join(root, path), { recursive: true });
      }
    },
    remove: (path) => rm(join(root, path), { recursive: true }),
    async outputs() {
      const entries = await readdir(join(root, 'dist'), { recursive: true, withFileTypes: true });
      return entries
        .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
        .map((entry) => join(entry.parentPath, entry.name).slice(`${root}/dist/`.length))
        .sort();
    },
    run: (script, env = {}) => run(root, script, env),
  };
  await checkout.copy('cli/build.mjs', 'cli/setup.mjs', 'cli/one-at-a-time.mjs');
  await checkout.write('tsconfig.build.json', JSON.stringify(settings));
  await checkout.write('package.json', '{ "type": "module" }');
  return { ...checkout, dispose: () => rm(root, { recursive: true, force: true }) };
}

/** Ours, but with the smallest library: checking Node's types takes longer than all the rest. */
const settings = {
  extends: join(repository, 'tsconfig.build.json'),
  compilerOptions: {
    lib: ['es5'],
    types: [],
    rootDir: '.',
    outDir: 'dist',
    tsBuildInfoFile: 'dist/.tsbuildinfo',
  },
  include: ['protocol', 'coordinator', 'cli'],
  exclude: [],
};

/** The packages of this repository, for a checkout that need not install its own. */
export async function withPackages(checkout: Checkout): Promise<void> {
  await symlink(join(repository, 'node_modules'), join(checkout.root, 'node_modules'));
}

function run(cwd: string, script: string, env: NodeJS.ProcessEnv): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script], {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ran: Ran = { code: null, stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      ran.stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      ran.stderr += text;
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ ...ran, code }));
  });
}

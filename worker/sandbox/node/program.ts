/**
 * Where the sandbox process's program lies, and the files that it may read: its own code and the
 * thread pool's, nothing of the volunteer's.
 *
 * A process needs JavaScript. When this very file is still TypeScript, as under Vitest, the program
 * is the one that the build has put into dist/.
 */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const here = import.meta.url.endsWith('.ts')
  ? new URL('../../../dist/worker/sandbox/node/', import.meta.url)
  : new URL('./', import.meta.url);

export const programFile = fileURLToPath(new URL('process-main.js', here));

/** Node's permission model, by the name that this version of Node knows it. */
export function permissionFlags(): string[] {
  const name = ['--permission', '--experimental-permission'].find((flag) =>
    process.allowedNodeEnvironmentFlags.has(flag),
  );
  if (name === undefined) return [];
  return [name, '--allow-worker', ...readable().map((path) => `--allow-fs-read=${path}`)];
}

function readable(): string[] {
  const fromHere = (path: string) => fileURLToPath(new URL(path, here));
  // `…/node_modules/piscina/dist/main.js`, wherever the package manager has put it.
  const piscina = createRequire(import.meta.url)
    .resolve('piscina')
    .replace(/dist.main\.js$/, '');
  return [
    `${fromHere('../')}*`,
    `${fromHere('../../../protocol/')}*`,
    // Says that our files are modules.
    fromHere('../../../../package.json'),
    `${piscina}*`,
  ];
}

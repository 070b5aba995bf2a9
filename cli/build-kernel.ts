/**
 * Builds a kernel from source, so that a job document may name the source itself. The compiler runs
 * in a process of its own: it is large, and what it says belongs on stderr.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { Failure } from './failure.ts';
import { readBytes } from './files.ts';
import { packageRoot } from './package-root.ts';

/** Languages that are built here. Everything else arrives as finished WebAssembly. */
const builders: Record<string, string> = { '.ts': 'jobs/build-kernel.mjs' };

export const isKernelSource = (path: string): boolean => extname(path) !== '.wasm';

export async function buildKernel(source: string): Promise<Uint8Array> {
  const builder = builders[extname(source)];
  if (builder === undefined) {
    throw new Failure('kernel_unbuildable', `Cannot build a kernel from ${source}.`, {
      why: `only ${Object.keys(builders).join(', ')} (AssemblyScript) is built here`,
      remedy: 'compile it for wasm32-wasi with your own tools and name the .wasm instead',
    });
  }
  await readBytes(source);
  const folder = await mkdtemp(join(tmpdir(), 'manyhands-kernel-'));
  try {
    const target = join(folder, 'kernel.wasm');
    const said = await run([join(packageRoot, builder), source, target]);
    if (said !== null) {
      throw new Failure('kernel_unbuildable', `${source} does not compile.`, {
        why: said.split('\n').filter((line) => line.trim() !== ''),
        remedy: 'mend the source and try again',
      });
    }
    return await readBytes(target);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Null when all went well, else what the program said. */
function run(args: string[]): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    child.once('error', reject);
    child.once('close', (code) => resolve(code === 0 ? null : said || `exit code ${code}`));
  });
}

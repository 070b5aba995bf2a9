/**
 * The kernels in bench/kernels, compiled on the spot: for WebAssembly the way `kernel build` does it,
 * and natively with gcc (or cc) from the same source. Where a compiler is missing the kernel lacks
 * that form, and the bench says so.
 */
import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { buildKernel } from '../cli/build-kernel.ts';
import { Failure } from '../cli/failure.ts';
import { packageRoot } from '../cli/package-root.ts';

const folder = join(packageRoot, 'bench/kernels');

export type BenchKernel = {
  name: string;
  wasm: Uint8Array;
  /** Null: it exports `run`. Else it is a command, called with these. */
  args: string[] | null;
  /** A program to start; null without a native compiler. */
  program: string | null;
};

/** Empty without a compiler for WebAssembly. Native programs are written into `into`. */
export async function compileKernels(
  into: string,
  say: (line: string) => void,
): Promise<BenchKernel[]> {
  const kernels: BenchKernel[] = [];
  const sources = (await readdir(folder)).filter((file) => file.endsWith('.c')).sort();
  const native = await findNative();
  if (native === null) say('No gcc or cc here: the ratios to native code are left out.');
  for (const file of sources) {
    const source = join(folder, file);
    const name = basename(file, '.c');
    const wasm = await buildKernel(source).catch((error) => {
      if (error instanceof Failure && error.code === 'compiler_missing') return error;
      throw error;
    });
    if (wasm instanceof Failure) {
      say(`The kernels in C are left out: ${wasm.why.join('; ')}. ${wasm.remedy}`);
      return [];
    }
    const program = native === null ? null : await compileNative(native, source, join(into, name));
    kernels.push({ name, wasm, args: null, program });
  }
  return kernels;
}

async function findNative(): Promise<string | null> {
  for (const compiler of ['gcc', 'cc']) {
    const works = await execute(compiler, ['--version']).then(
      () => true,
      () => false,
    );
    if (works) return compiler;
  }
  return null;
}

async function compileNative(compiler: string, source: string, target: string): Promise<string> {
  // WebAssembly has no fused multiply-add: with contraction arm64 would compute other sums.
  await execute(compiler, ['-O3', '-ffp-contract=off', source, '-o', target, '-lm']);
  return target;
}

const execute = promisify(execFile);

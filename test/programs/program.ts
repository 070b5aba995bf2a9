/**
 * A program of Debian's, built twice from the same files: as a kernel with `manyhands kernel build`,
 * and natively with gcc. Both can then be run on the same input; what they write is compared.
 */
import { execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { meterKernel } from '../../kernel/meter.ts';
import { limits } from '../../protocol/limits.ts';
import { root } from '../cli/manyhands.ts';
import type { SampleRun } from '../support/sample-runs.ts';
import { aRun } from '../worker/sandbox/a-kernel.ts';
import { unpackSource } from './debian-source.ts';

const execute = promisify(execFile);
const absent = fileURLToPath(new URL('./posix-absent.c', import.meta.url));
const main = join(root, 'dist/cli/main.js');
/** A compiler that shares two cores with other tests. */
const buildWithinMs = 120_000;
/** 256 MiB, as a job has that says nothing. */
const memoryPagesMax = 4096;

export type Recipe = {
  package: string;
  /** Below the unpacked package, as are the sources. */
  folder?: string;
  /** A script of the package that writes sources, and the programs it needs. */
  generate?: { script: string; needs: Record<string, string> };
  main: string;
  sources?(files: string[]): string[];
  flags?: string[];
  /** Only for the kernel: what the machine has and WASI does not. */
  kernelFlags?: string[];
  /** What the package's own build would generate; `kernelHeaders` for the kernel alone. */
  headers?: Record<string, string>;
  kernelHeaders?: Record<string, string>;
};

export type Input = { args?: string[]; stdin?: Uint8Array; files?: Record<string, Uint8Array> };
export type Output = { code: number | null; stdout: Buffer; files: Record<string, Buffer> };

export type Program = {
  /** In the sandbox. Files are given and returned by their names, without a folder. */
  kernel(input: Input): Promise<Output>;
  native(input: Input): Promise<Output>;
  /** The same input for a metered kernel, wherever that is run. */
  sample(name: string, input: Input): SampleRun;
};

/** A reason instead, where a compiler or the source is not to be had. */
export async function buildProgram(recipe: Recipe, temporary: string): Promise<Program | string> {
  const unpacked = join(temporary, 'source');
  try {
    await execute('gcc', ['--version']);
    await unpackSource(recipe.package, unpacked);
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    return `the source of ${recipe.package} is not to be had: ${stderr || message}`;
  }
  const cwd = join(unpacked, recipe.folder ?? '');
  const lacking = await generate(cwd, recipe);
  if (lacking !== null) return lacking;
  const files = readdirSync(cwd).filter((file) => file.endsWith('.c') && file !== recipe.main);
  const sources = recipe.sources?.(files) ?? [];
  const flags = ['-w', ...(recipe.flags ?? []), ...sources];
  const headers = headerFolder(temporary, 'headers', recipe.headers);
  const kernelHeaders = headerFolder(temporary, 'kernel-headers', recipe.kernelHeaders);

  const kernel = join(temporary, 'program.wasm');
  const native = join(temporary, 'program');
  // WebAssembly has no fused multiply-add: with contraction arm64 would compute other sums.
  const common = ['-O1', '-ffp-contract=off', recipe.main, ...flags, ...headers];
  const [reason] = await Promise.all([
    buildKernel(cwd, [
      ...['kernel', 'build', recipe.main, '-o', kernel, '--', ...flags, absent],
      ...[...(recipe.kernelFlags ?? []), ...headers, ...kernelHeaders],
    ]),
    execute('gcc', [...common, '-o', native, '-lm'], { cwd, timeout: buildWithinMs }),
  ]);
  if (reason !== null) return reason;
  return {
    kernel: (input) => runKernel(kernel, input, mkdtempSync(join(temporary, 'kernel-'))),
    native: (input) => runNative(native, input, mkdtempSync(join(temporary, 'native-'))),
    sample: (name, input) => sampleOf(name, kernel, input),
  };
}

/** What is missing for it, or null when it is done. */
async function generate(cwd: string, { generate }: Recipe): Promise<string | null> {
  for (const [program, install] of Object.entries(generate?.needs ?? {})) {
    const found = await execute('sh', ['-c', `command -v ${program}`]).catch(() => null);
    if (found === null) return `${program} is not here; get it with: ${install}`;
  }
  if (generate) await execute('sh', ['-c', generate.script], { cwd, timeout: buildWithinMs });
  return null;
}

function headerFolder(temporary: string, name: string, headers: Record<string, string> = {}) {
  const folder = join(temporary, name);
  mkdirSync(folder);
  for (const [file, text] of Object.entries(headers)) writeFileSync(join(folder, file), text);
  return ['-I', folder];
}

/** Why no kernel can be built here, or null when one was; any other failure is thrown. */
async function buildKernel(cwd: string, args: string[]): Promise<string | null> {
  try {
    await execute(process.execPath, [main, ...args], { cwd, timeout: buildWithinMs });
    return null;
  } catch (error) {
    const { stderr } = error as Error & { stderr: string };
    if (stderr.startsWith('error[compiler_missing]')) return stderr;
    throw error;
  }
}

/** Files go in and come out by their names: in the sandbox they lie in the root folder. */
async function runKernel(kernel: string, input: Input, folder: string): Promise<Output> {
  const given = join(folder, 'given');
  mkdirSync(given);
  placeFiles(given, { ...input.files, stdin: input.stdin ?? new Uint8Array() });
  const out = join(folder, 'out');
  mkdirSync(out);
  const files = Object.keys(input.files ?? {}).flatMap((name) => [
    ...['--file', `/${name}=${join(given, name)}`],
  ]);
  const options = ['--argv0', 'program', '--stdin', join(given, 'stdin'), '--out', out, ...files];
  const args = [main, 'run', kernel, ...options, '--', ...(input.args ?? [])];
  return { ...(await runHere(process.execPath, args, folder)), files: filesIn(out) };
}

function sampleOf(name: string, kernel: string, input: Input): SampleRun {
  // Plain arrays of bytes, as a browser wants them, and no Buffers.
  const files = Object.entries(input.files ?? {}).map(([file, bytes]) => [
    `/${file}`,
    new Uint8Array(bytes),
  ]);
  const run = aRun({
    args: ['program', ...(input.args ?? [])],
    stdin: new Uint8Array(input.stdin ?? []),
    files: Object.fromEntries(files),
    outputs: ['/**'],
    fuelMax: 1e12,
    outputBytesMax: limits.outputBytesMax,
  });
  return { name, wasm: meterKernel(readFileSync(kernel), { memoryPagesMax }).wasm, run };
}

async function runNative(program: string, input: Input, folder: string): Promise<Output> {
  placeFiles(folder, input.files ?? {});
  const given = new Map(Object.entries(filesIn(folder)));
  const ended = await runHere(program, input.args ?? [], folder, input.stdin);
  // As `manyhands run` does: what was given and is as it was is no output.
  const written = Object.entries(filesIn(folder)).filter(
    ([name, bytes]) => given.get(name)?.equals(bytes) !== true,
  );
  return { ...ended, files: Object.fromEntries(written) };
}

function runHere(program: string, args: string[], cwd: string, stdin?: Uint8Array) {
  return new Promise<{ code: number | null; stdout: Buffer }>((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      argv0: 'program',
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const stdout: Buffer[] = [];
    child.stdout.on('data', (part: Buffer) => stdout.push(part));
    child.stdin.on('error', () => {
      // It ended without reading its input.
    });
    child.stdin.end(stdin ?? new Uint8Array());
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout: Buffer.concat(stdout) }));
  });
}

function placeFiles(folder: string, files: Record<string, Uint8Array>): void {
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
}

const filesIn = (folder: string): Record<string, Buffer> =>
  Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]));

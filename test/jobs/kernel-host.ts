/**
 * Compiles kernels from their AssemblyScript sources and runs them under Node's own WASI. That is
 * no sandbox, but it is somebody else's host: a kernel that works here is a plain WASI preview 1
 * command, as its contract says.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WASI } from 'node:wasi';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface KernelHost {
  readonly module: WebAssembly.Module;
  run(args: readonly string[], inputs?: KernelInputs): KernelEnd;
  /** What is in the file of that name in /data. */
  data(name: string): Uint8Array;
  /** Removes what the host wrote to disk. */
  close(): void;
}

export interface KernelInputs {
  stdin?: string;
  env?: Record<string, string>;
  /** Files in the folder that the kernel sees as /data. */
  data?: Record<string, Uint8Array>;
  progress?: (done: number) => void;
}

export interface KernelEnd {
  /** Null when the kernel trapped. */
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

/** A host for the kernel with this source; a relative path is from the root of the repository. */
export function hostKernel(source: string): KernelHost {
  const folder = mkdtempSync(join(tmpdir(), 'manyhands-kernel-'));
  const wasm = join(folder, 'kernel.wasm');
  execFileSync(process.execPath, [
    join(root, 'jobs/build-kernel.mjs'),
    resolve(root, source),
    wasm,
  ]);
  const module = new WebAssembly.Module(readFileSync(wasm));
  return {
    module,
    run: (args, inputs = {}) => runOnce(module, folder, args, inputs),
    data: (name) => new Uint8Array(readFileSync(join(folder, name))),
    close: () => rmSync(folder, { recursive: true }),
  };
}

function runOnce(
  module: WebAssembly.Module,
  folder: string,
  args: readonly string[],
  { stdin = '', env = {}, data = {}, progress = () => {} }: KernelInputs,
): KernelEnd {
  const path = (name: string) => join(folder, name);
  for (const [name, bytes] of Object.entries(data)) writeFileSync(path(name), bytes);
  writeFileSync(path('stdin'), stdin);
  const fds = [
    openSync(path('stdin'), 'r'),
    openSync(path('stdout'), 'w'),
    openSync(path('stderr'), 'w'),
  ] as const;
  const wasi = new WASI({
    version: 'preview1',
    args: ['kernel', ...args],
    env,
    preopens: { '/data': folder },
    stdin: fds[0],
    stdout: fds[1],
    stderr: fds[2],
    returnOnExit: true,
  });
  let exitCode: number | null;
  try {
    const imports = { ...wasi.getImportObject(), manyhands: { progress } };
    exitCode = wasi.start(new WebAssembly.Instance(module, imports as WebAssembly.Imports));
  } catch (error) {
    if (!(error instanceof WebAssembly.RuntimeError)) throw error;
    exitCode = null;
  } finally {
    fds.forEach(closeSync);
  }
  const text = (name: string) => readFileSync(path(name), 'utf8');
  return { exitCode, stdout: text('stdout'), stderr: text('stderr') };
}

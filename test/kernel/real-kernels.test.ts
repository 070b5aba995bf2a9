/** What compilers really make, against a counter before every instruction. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inspectKernel } from '../../kernel/inspect.ts';
import { meterKernel } from '../../kernel/meter.ts';
import { referenceMeter } from './support/reference-meter.ts';
import { run } from './support/run.ts';

const PAGES = 16;
const PLENTY = 10n ** 12n;
const sources = fileURLToPath(new URL('assembly', import.meta.url));
const compiler = fileURLToPath(
  new URL('../../node_modules/assemblyscript/bin/asc.js', import.meta.url),
);

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'manyhands-kernels-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function assemblyScript(options: string[]): Uint8Array {
  const target = join(folder, 'kernel.wasm');
  const always = ['--use', 'abort=kernel/abort', '--runtime', 'minimal', '--exportStart', '_start'];
  const command = [compiler, 'kernel.ts', '--outFile', target, ...always, ...options];
  execFileSync(process.execPath, command, { cwd: sources });
  return new Uint8Array(readFileSync(target));
}

/** Linked by hand: the driver would run whichever wasm-opt it finds. */
function c(options: string[]): Uint8Array {
  const [object, target] = [join(folder, 'kernel.o'), join(folder, 'kernel-c.wasm')];
  const compile = ['--target=wasm32', ...options, '-c', join(sources, 'kernel.c'), '-o', object];
  execFileSync('clang', compile);
  execFileSync('wasm-ld', ['--no-entry', '--strip-all', object, '-o', target]);
  return new Uint8Array(readFileSync(target));
}

const canClang = ['clang', 'wasm-ld'].every(
  (program) => spawnSync(program, ['--version']).status === 0,
);

function agrees(wasm: Uint8Array): void {
  expect(inspectKernel(wasm)).toMatchObject({ accepted: true, kind: 'command' });
  const reference = run(referenceMeter(wasm, PAGES));
  const metered = run(meterKernel(wasm, { memoryPagesMax: PAGES }).wasm, { fuelMax: PLENTY });
  expect(reference.end).toBe('return');
  expect(reference.seen).toHaveLength(3);
  const { end, seen, fuel, memory } = metered;
  expect({ end, seen, fuel, memory }).toEqual({
    end: 'return',
    seen: reference.seen,
    fuel: reference.fuel,
    memory: reference.memory,
  });
}

describe('[S3] fuel of a kernel by', () => {
  it.each(['-O0', '-O3'])('AssemblyScript %s is exact', (level) => {
    agrees(assemblyScript(level === '-O0' ? [] : [level]));
  });

  it
    .skipIf(!canClang)
    .each([
      ['-O0'],
      ['-O2', '-mbulk-memory'],
      ['-O3', '-msimd128', '-mbulk-memory', '-msign-ext', '-mnontrapping-fptoint'],
    ])('clang %s is exact (skipped without clang and wasm-ld)', (...options) => {
    agrees(c(options));
  });
});

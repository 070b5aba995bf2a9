/**
 * The WebAssembly community's own tests of WASI preview 1: 72 programs from AssemblyScript, C and
 * Rust that check what a host does. Point MANYHANDS_WASI_TESTSUITE at a checkout of the branch
 * `prod/testsuite-base` of WebAssembly/wasi-testsuite, which holds the built programs.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { meterKernel } from '../../../kernel/meter.ts';
import { runKernel } from '../../../worker/sandbox/runner.ts';
import { aRun, text } from './a-kernel.ts';

const checkout = process.env['MANYHANDS_WASI_TESTSUITE'] ?? '';
const isThere = existsSync(join(checkout, 'tests', 'c', 'testsuite', 'wasm32-wasip1'));

interface Expectation {
  args?: string[];
  env?: Record<string, string>;
  root?: string;
  dirs?: string[];
  exit_code?: number;
  stdout?: string;
}

function filesBelow(folder: string, guest = ''): Record<string, Uint8Array> {
  const files: Record<string, Uint8Array> = {};
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = `${guest}/${entry.name}`;
    if (entry.isDirectory()) Object.assign(files, filesBelow(join(folder, entry.name), path));
    else files[path] = readFileSync(join(folder, entry.name));
  }
  return files;
}

describe.skipIf(!isThere)(
  isThere
    ? 'the WASI test suite passes whole'
    : 'the WASI test suite was skipped: MANYHANDS_WASI_TESTSUITE does not point at a checkout',
  () => {
    for (const language of ['assemblyscript', 'c', 'rust']) {
      const folder = join(checkout, 'tests', language, 'testsuite', 'wasm32-wasip1');
      const programs = isThere ? readdirSync(folder).filter((file) => file.endsWith('.wasm')) : [];
      it.each(programs)(`${language}: %s`, (program) => {
        const described = join(folder, program.replace('.wasm', '.json'));
        const expected: Expectation = existsSync(described)
          ? JSON.parse(readFileSync(described, 'utf8'))
          : {};
        const root = expected.root ?? expected.dirs?.[0];
        const { wasm } = meterKernel(readFileSync(join(folder, program)), { memoryPagesMax: 1024 });
        const end = runKernel(
          new WebAssembly.Module(wasm),
          aRun({
            args: [program, ...(expected.args ?? [])],
            env: expected.env ?? {},
            files: root === undefined ? {} : filesBelow(join(folder, root)),
          }),
        );
        expect({ code: end.exitCode, detail: end.detail, stderr: text(end.stderr) }).toEqual({
          code: expected.exit_code ?? 0,
          detail: expected.exit_code ? expect.any(String) : '',
          stderr: expect.any(String),
        });
        if (expected.stdout !== undefined) expect(text(end.stdout)).toContain(expected.stdout);
      });
    }
    if (!isThere) it('needs its programs', () => {});
  },
);

/**
 * The WebAssembly community's own tests of WASI preview 1: 72 programs from AssemblyScript, C and
 * Rust that check what a host does. Point MANYHANDS_WASI_TESTSUITE at a checkout of the branch
 * `prod/testsuite-base` of WebAssembly/wasi-testsuite, which holds the built programs.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { meterKernel } from '../../../kernel/meter.ts';
import type { UnitEnd, UnitRun } from '../../../worker/sandbox/sandbox.ts';
import { aRun, text } from './a-kernel.ts';

const tests = join(process.env['MANYHANDS_WASI_TESTSUITE'] ?? '', 'tests');
const languages = ['assemblyscript', 'c', 'rust'];
const folderOf = (language: string) => join(tests, language, 'testsuite', 'wasm32-wasip1');
const isThere = languages.every((language) => existsSync(folderOf(language)));

export interface WasiProgram {
  name: string;
  /** Metered. */
  wasm: Uint8Array;
  unmetered: Uint8Array;
  run: UnitRun;
}

interface Expectation {
  args?: string[];
  env?: Record<string, string>;
  root?: string;
  dirs?: string[];
  exit_code?: number;
  stdout?: string;
}

/**
 * A test for each program, or for every so many of them, run by what is being tested; one that is
 * skipped where they are absent.
 */
export function wasiTestsuite(
  place: string,
  run: (program: WasiProgram) => UnitEnd | Promise<UnitEnd>,
  every = 1,
): void {
  const title = `the WASI test suite in ${place}`;
  if (!isThere) {
    describe.skip(`${title} was skipped: MANYHANDS_WASI_TESTSUITE names no checkout`, () => {
      it('needs its programs', () => {});
    });
    return;
  }
  describe.each(languages)(`${title}, %s`, (language) => {
    const folder = folderOf(language);
    const programs = readdirSync(folder).filter((file) => file.endsWith('.wasm'));
    it.each(programs.filter((_, place) => place % every === 0))('%s', async (name) => {
      const expected = expectationOf(folder, name);
      check(await run(programOf(folder, name, expected)), expected);
    });
  });
}

function expectationOf(folder: string, program: string): Expectation {
  const described = join(folder, program.replace('.wasm', '.json'));
  return existsSync(described) ? JSON.parse(readFileSync(described, 'utf8')) : {};
}

function programOf(folder: string, name: string, expected: Expectation): WasiProgram {
  const root = expected.root ?? expected.dirs?.[0];
  const run = aRun({
    args: [name, ...(expected.args ?? [])],
    env: expected.env ?? {},
    files: root === undefined ? {} : filesBelow(join(folder, root)),
  });
  const unmetered = readFileSync(join(folder, name));
  const { wasm } = meterKernel(unmetered, { memoryPagesMax: 1024 });
  return { name: `${folder}/${name}`, wasm, unmetered, run };
}

function check(end: UnitEnd, expected: Expectation): void {
  expect({ code: end.exitCode, detail: end.detail, stderr: text(end.stderr) }).toEqual({
    code: expected.exit_code ?? 0,
    detail: expected.exit_code ? expect.any(String) : '',
    stderr: expect.any(String),
  });
  if (expected.stdout !== undefined) expect(text(end.stdout)).toContain(expected.stdout);
}

function filesBelow(folder: string, guest = ''): Record<string, Uint8Array> {
  const files: Record<string, Uint8Array> = {};
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = `${guest}/${entry.name}`;
    if (entry.isDirectory()) Object.assign(files, filesBelow(join(folder, entry.name), path));
    // A plain array of bytes, as a browser wants it, and not a Buffer.
    else files[path] = new Uint8Array(readFileSync(join(folder, entry.name)));
  }
  return files;
}

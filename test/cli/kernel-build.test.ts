/**
 * `manyhands kernel build`: with each compiler that this machine has, and without any. A language
 * whose compiler is not here is skipped, and says which command would bring it.
 */
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { beforeAll, describe, expect, type TestContext, test } from 'vitest';
import { manyhands, root, temporaryFolder } from './manyhands.ts';

const home = temporaryFolder();
/** A PATH on which nothing is but Node, and what a test adds. */
const bare = join(home, 'bin');
const withoutCompilers = { PATH: bare, WASI_SDK_PATH: '' };

const sources: Record<string, string> = {
  'words.c': `#include <signal.h>
    #include <stdio.h>
    int main(int argc, char **argv) {
      signal(SIGINT, SIG_IGN);
      for (int i = 1; i < argc; i++) printf("%s\\n", argv[i]);
    }`,
  'words.cpp': `#include <iostream>
    #include <map>
    #include <string>
    int main(int argc, char **argv) {
      std::map<int, std::string> words;
      for (int i = 1; i < argc; i++) words[i] = argv[i];
      for (const auto &[at, word] : words) std::cout << word << std::endl;
    }`,
  'words.rs': `fn main() { for word in std::env::args().skip(1) { println!("{}", word); } }`,
  'halves.c': `int half(int); int main(void) { return half(TWICE); }`,
  'half.c': `int half(int number) { return number / 2; }`,
  'words.js': 'for (const word of args) print(word);',
  'world.js': `print(stdin.length, JSON.stringify(env), new Date().toISOString(), typeof process);
    let calls = 0; const deep = () => { calls++; return 1 + deep(); };
    try { deep(); } catch (error) { print(error.name, calls > 500); }
    Promise.resolve('later').then(print);
    console.error('to stderr');
    if (args[0] === 'fail') throw new TypeError('as told');`,
  'wrong.js': 'const const = 1;',
  'unlinked.c':
    'int gethostname(char *, unsigned long); int main(void) { return gethostname(0, 0); }',
  'wrong.c': 'int main(void) { return forgotten; }',
  'deep.c': `#include <stdio.h>
    int sum(int n) { volatile char room[1000] = {0}; return n ? sum(n - 1) + room[n % 1000] : 0; }
    int main(void) { printf("%d\\n", sum(700)); }`,
};

beforeAll(() => {
  mkdirSync(bare);
  symlinkSync(process.execPath, join(bare, 'node'));
  for (const [name, text] of Object.entries(sources)) writeFileSync(join(home, name), text);
});

type Env = { env?: Record<string, string> };

const build = (source: string, flags: string[] = [], { env = {} }: Env = {}) =>
  manyhands(['kernel', 'build', source, '-o', `${source}.wasm`, ...flags], { home, env });

/** Skips the test, with the words of the error, where the compiler is not on this machine. */
async function buildOrSkip(context: TestContext, source: string, flags: string[] = []) {
  const built = await build(source, flags);
  if (built.stderr.startsWith('error[compiler_missing]')) context.skip(built.stderr);
  expect(built).toMatchObject({ code: 0, stdout: '' });
}

describe('with its compiler', () => {
  test.for(['words.c', 'words.cpp', 'words.rs', 'words.js'])(
    '%s becomes a kernel',
    async (source, context) => {
      await buildOrSkip(context, source);
      const { stdout } = await manyhands(['run', `${source}.wasm`, '--', 'one', 'two'], { home });
      expect(stdout).toBe('one\ntwo\n');
    },
  );

  test('the same source gives the same bytes, under npm or not', async (context) => {
    await buildOrSkip(context, 'words.c');
    const first = readFileSync(join(home, 'words.c.wasm'));
    // As npm sets it: clang would find a wasm-opt there and run it over its output.
    const path = [join(root, 'node_modules/.bin'), process.env['PATH']].join(delimiter);
    await build('words.c', [], { env: { PATH: path } });
    expect(readFileSync(join(home, 'words.c.wasm')).equals(first)).toBe(true);
  });

  test('JavaScript sees its stdin, a clock that stands for none, no host, and an error as code 1', async (context) => {
    await buildOrSkip(context, 'world.js');
    const args = ['run', 'world.js.wasm', '--stdin', '-', '--env', 'K=V=1'];
    const { code, stdout, stderr } = await manyhands(args, { home, input: 'größer' });
    expect(stdout).toMatch(/^6 {"K":"V=1"} 2001-09-09T\S+ undefined\nRangeError true\nlater\n$/);
    expect(stderr).toBe('to stderr\n');
    expect(code).toBe(0);
    const failed = await manyhands(['run', 'world.js.wasm', '--', 'fail'], { home });
    expect(failed.stderr).toMatch(/TypeError: as told\n.*kernel\.js:6/);
    expect(failed.code).toBe(1);
  });

  test('a mistake in JavaScript shows when it is built', async (context) => {
    const { code, stderr } = await build('wrong.js');
    if (stderr.startsWith('error[compiler_missing]')) context.skip(stderr);
    expect(stderr).toMatch(/wrong\.js:1(.*\n)+.*SyntaxError/);
    expect(code).toBe(2);
  });

  test('what follows the dashes goes to the compiler: more sources, definitions', async (context) => {
    await buildOrSkip(context, 'halves.c', ['--', 'half.c', '-DTWICE=14']);
    expect((await manyhands(['run', 'halves.c.wasm'], { home })).code).toBe(7);
  });

  test('C has a stack of 1 MiB, as natively programs are used to more than 64 KiB', async (context) => {
    await buildOrSkip(context, 'deep.c');
    expect((await manyhands(['run', 'deep.c.wasm'], { home })).stdout).toBe('0\n');
  });

  test('a source that does not compile is told in the words of the compiler', async (context) => {
    const { code, stderr } = await build('wrong.c');
    if (stderr.startsWith('error[compiler_missing]')) context.skip(stderr);
    expect(stderr).toMatch(/^error\[kernel_unbuildable\]: wrong\.c does not compile\./);
    expect(stderr).toContain("undeclared identifier 'forgotten'");
    expect(code).toBe(2);
  });
});

test('a source that asks for what WASI does not have is told so', async (context) => {
  const { code, stderr } = await build('unlinked.c');
  if (stderr.startsWith('error[compiler_missing]')) context.skip(stderr);
  expect(stderr).toMatch(/why: .*gethostname/);
  expect(stderr).toMatch(/do: .*libraries that are built for WASI/);
  expect(code).toBe(2);
});

describe('without its compiler', () => {
  test.each([
    ['words.c', 'clang'],
    ['words.cpp', 'libc++'],
    ['words.rs', 'rustup target add wasm32-wasip1'],
  ])('%s fails in three lines: what, why, and the command that helps', async (source, command) => {
    const { code, stderr } = await build(source, [], { env: withoutCompilers });
    const [what, why, remedy, ...more] = stderr.trimEnd().split('\n');
    expect(what).toBe(`error[compiler_missing]: There is no compiler here for ${source}.`);
    expect(why).toContain('and there is none');
    expect(remedy).toContain(process.platform === 'linux' ? command : 'install');
    expect(more).toEqual([]);
    expect(code).toBe(2);
  });

  test('a compiler that cannot build for WASI is named, with its complaint', async () => {
    const lacking = join(home, 'lacking');
    mkdirSync(lacking);
    writeFileSync(join(lacking, 'clang'), '#!/bin/sh\necho "error: no \'stdio.h\'" >&2\nexit 1\n');
    chmodSync(join(lacking, 'clang'), 0o755);
    const env = { PATH: [bare, lacking].join(delimiter), WASI_SDK_PATH: '' };
    const { stderr } = await build('words.c', [], { env });
    expect(stderr).toContain(`${join(lacking, 'clang')} says: error: no 'stdio.h'`);
    expect(stderr).toMatch(/^error\[compiler_missing\]/);
  });

  test('a language that nobody here builds is refused with those that are', async () => {
    writeFileSync(join(home, 'words.zig'), '');
    const { code, stderr } = await build('words.zig');
    expect(stderr).toMatch(/\.ts \(AssemblyScript\).*\.c \(C\).*\.rs \(Rust\)/);
    expect(code).toBe(2);
  });
});

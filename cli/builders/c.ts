/**
 * C and C++ with clang and wasi-libc (Debian's packages, or a WASI SDK at WASI_SDK_PATH), or with
 * zig, which brings all of it.
 *
 * -O3 -msimd128           fixed SIMD is part of what a kernel may use
 * -fno-exceptions         C++ exceptions need a proposal that kernels are refused for
 * --strip-debug           not -s: with the section of target features gone, the wasm-opt that clang
 *                         runs when it is installed rejects SIMD
 * --stack-first, 1 MiB    the default stack of 64 KiB runs over into the program's data unnoticed;
 *                         below the data, an overflow traps
 * emulated                signal, mmap, getpid and clock as libraries: programs that have them only
 *                         for comfort (Ctrl-C, a temporary name) build unchanged
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { bySystem, type Compiler, type Language, placesOf } from './language.ts';

const emulated = ['SIGNAL', 'MMAN', 'GETPID', 'PROCESS_CLOCKS'];
const definitions = emulated.map((name) => `-D_WASI_EMULATED_${name}`);
const libraries = emulated.map((name) => `-lwasi-emulated-${name.toLowerCase().replace('_', '-')}`);
const shared = ['-O3', '-msimd128', ...definitions, '-Wl,--stack-first,-z,stack-size=1048576'];

export const c: Language = {
  name: 'C',
  extensions: ['.c'],
  compilers: () => compilers('clang', 'cc', []),
  wanted: 'clang with wasi-libc, or zig',
  install: bySystem({
    linux: 'apt install clang lld wasi-libc libclang-rt-dev-wasm32',
    darwin: 'brew install zig',
    win32: 'winget install zig.zig',
  }),
  probe: '#include <stdio.h>\nint main(void) { return printf("1\\n") != 2; }\n',
};

export const cpp: Language = {
  name: 'C++',
  extensions: ['.cpp', '.cc', '.cxx'],
  compilers: () => compilers('clang++', 'c++', ['-fno-exceptions']),
  wanted: 'clang++ with wasi-libc and libc++, or zig',
  install: bySystem({
    linux: 'apt install clang lld wasi-libc libclang-rt-dev-wasm32 libc++-dev-wasm32',
    darwin: 'brew install zig',
    win32: 'winget install zig.zig',
  }),
  probe: '#include <string>\nint main() { return std::string("x").size() != 1; }\n',
};

function compilers(clangName: string, zigName: string, own: readonly string[]): Compiler[] {
  const sdk = process.env['WASI_SDK_PATH'];
  const clangs = [...(sdk ? [join(sdk, 'bin', clangName)] : []), ...placesOf(clangName)];
  return [
    ...clangs.filter((path) => existsSync(path)).map((path) => clang(path, own)),
    ...placesOf('zig')
      .filter((path) => existsSync(path))
      .map((path) => zig(path, zigName, own)),
  ];
}

const clang = (program: string, own: readonly string[]): Compiler => ({
  program,
  args: (source, target, flags) => [
    ...['--target=wasm32-wasi', ...shared, ...own, '-Wl,--strip-debug', source, ...flags],
    ...[...libraries, '-lm', '-o', target],
  ],
});

const zig = (program: string, name: string, own: readonly string[]): Compiler => ({
  program,
  args: (source, target, flags) => [
    ...[name, '-target', 'wasm32-wasi', ...shared, ...own, '-Wl,--strip-debug', source, ...flags],
    ...[...libraries, '-lm', '-o', target],
  ],
});

/**
 * Rust with rustc alone: one file, no crates (whoever has crates runs `cargo build --target
 * wasm32-wasip1` and names the .wasm). The target for WASI preview 1 was called wasm32-wasi until
 * Rust 1.78, and is a package of its own everywhere, so each rustc is tried with both names.
 *
 * Stripped: the debug information of the standard library alone is 6 MB. A panic aborts, which is a
 * trap: WebAssembly without exceptions cannot unwind.
 */
import { existsSync } from 'node:fs';
import { type Compiler, type Language, placesOf } from './language.ts';

const targets = ['wasm32-wasip1', 'wasm32-wasi'];

export const rust: Language = {
  name: 'Rust',
  extensions: ['.rs'],
  compilers: () =>
    placesOf('rustc')
      .filter((path) => existsSync(path))
      .flatMap((path) => targets.map((target) => rustc(path, target))),
  wanted: 'rustc with the target wasm32-wasip1',
  install:
    'rustup target add wasm32-wasip1 (or, on Debian, apt install rustc libstd-rust-dev-wasm32)',
  probe: 'fn main() { println!("1"); }\n',
};

const rustc = (program: string, wasi: string): Compiler => ({
  program,
  args: (source, target, flags) => [
    ...['--target', wasi, '--edition', '2021', '-C', 'opt-level=3', '-C', 'strip=symbols'],
    ...['-C', 'panic=abort', '-C', 'target-feature=+simd128', ...flags, source, '-o', target],
  ],
});

/**
 * What `kernel build` knows of a language: the compilers that can make a kernel of it, best first,
 * and how a person gets one. Whether a compiler that is there can really build for WASI is found out
 * by trying: `probe` is a program that any complete installation compiles.
 */
import { delimiter, join } from 'node:path';

export type Compiler = {
  program: string;
  /** `flags` are the person's own: more sources, definitions, include folders. */
  args(source: string, target: string, flags: readonly string[]): string[];
};

export type Language = {
  name: string;
  extensions: readonly string[];
  /** Those of them that are on this machine. */
  compilers(): Compiler[];
  /** What is looked for, for whoever has none of it. */
  wanted: string;
  /** The command that installs one here. */
  install: string;
  probe: string;
};

/** Per system, as the install commands differ; what is not listed is told Debian's. */
export const bySystem = (commands: { linux: string; darwin: string; win32: string }): string =>
  process.platform === 'darwin' || process.platform === 'win32'
    ? commands[process.platform]
    : commands.linux;

/**
 * The folders of PATH, without npm's: npm puts node_modules/.bin in front, and there lies a wasm-opt
 * that clang would run over its output. A kernel must not depend on who started the build.
 */
export const searchPath = (): string[] =>
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '' && !/node_modules[\\/]\.bin[\\/]?$/.test(folder));

/** Every place on PATH where a program of that name may be. */
export const placesOf = (name: string): string[] =>
  searchPath().map((folder) => join(folder, process.platform === 'win32' ? `${name}.exe` : name));

/**
 * The kernel SDK: what an AssemblyScript kernel needs to be a WASI preview 1 command. It has no
 * dependencies, and what a kernel does not use does not reach its module.
 *
 *   import { print, wholeOption } from "kernel-sdk";
 *   const n = wholeOption("--n");
 *   print((n * n).toString());
 */
export { args, env, flag, numberOption, option, wholeOption } from './args';
export { readFile, readStdin, text, writeFile } from './files';
export { checkpoint, progress } from './manyhands';
export {
  exit,
  fail,
  hex64,
  json,
  print,
  STDERR,
  STDOUT,
  warn,
  writeBytes,
  writeText,
} from './output';

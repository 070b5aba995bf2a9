// Makes a kernel of a script, with npm packages alone: the script goes as data into a small module of
// ours (builders/javascript.wat), and that is merged with QuickJS, built for WASI in the package
// quickjs-wasi, into one WASI command. No C compiler is needed.
//
//   node cli/build-javascript.mjs kernel.js out.wasm
//
// The script sees the language (not Node, not a browser) and these globals:
//
//   args, env      its arguments, as texts, and its environment
//   stdin          all of it, as one text
//   print(…)       a line on stdout; console.log is the same, console.error a line on stderr
//
// An exception that nobody catches, or a promise of the script that it leaves rejected, is told on
// stderr; the first ends in exit code 1. It is an interpreter: count with 50 to 100 times the time of
// Node. Plain JavaScript, because it runs as a program of its own from the checkout.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { argv, execPath, exit, stderr } from 'node:process';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

const packages = fileURLToPath(new URL('../node_modules', import.meta.url));
const template = fileURLToPath(new URL('./builders/javascript.wat', import.meta.url));

const prelude = `{
  const [, ...own] = args.split('\\0').slice(0, -1);
  const pairs = env.split('\\0').slice(0, -1).map((pair) => {
    const at = pair.indexOf('=');
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
  const out = [], err = [];
  const linesInto = (lines) => (...words) => { lines.push(words.map(String).join(' ') + '\\n'); };
  Object.assign(globalThis, {
    args: own,
    env: Object.fromEntries(pairs),
    print: linesInto(out),
    console: { log: linesInto(out), info: linesInto(out), warn: linesInto(err), error: linesInto(err) },
    kernelStdout: () => out.join(''),
    kernelStderr: () => {
      if ('error' in globalThis) err.push(String(error) + '\\n' + (error?.stack ?? ''));
      return err.join('');
    },
  });
}`;

/**
 * Of the engine's own stack. Some 500 calls deep a script gets a RangeError that it can catch. Much more,
 * and the meter's limit on recursion ends the run first; so it does where the engine itself recurses with
 * larger frames than those of a script's functions, as in JSON.parse.
 */
const stackBytes = 131_072;

const [source, target] = argv.slice(2);
if (source === undefined || target === undefined) {
  stderr.write('usage: node cli/build-javascript.mjs KERNEL.js OUT.wasm\n');
  exit(2);
}
const script = readFileSync(source, 'utf8');
checkSyntax(script);

// AssemblyScript brings the version of Binaryen that it is tested with.
const binaryen = createRequire(join(packages, 'assemblyscript/bin/asc.js')).resolve('binaryen');
const engine = fileURLToPath(import.meta.resolve('quickjs-wasi/quickjs.wasm'));
const folder = mkdtempSync(join(tmpdir(), 'manyhands-javascript-'));
try {
  const [text, own] = [join(folder, 'own.wat'), join(folder, 'own.wasm')];
  writeFileSync(text, fillIn(readFileSync(template, 'utf8')));
  const features = ['bulk-memory', 'sign-ext', 'nontrapping-float-to-int', 'mutable-globals'];
  const enabled = features.map((feature) => `--enable-${feature}`);
  run('wasm-as', [...enabled, text, '-o', own]);
  // Each is the other's import: the engine calls what it calls its environment.
  run('wasm-merge', [...enabled, own, 'env', engine, 'quickjs', '-o', target]);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Not the same engine, but the same language: most mistakes show here, not on a volunteer's machine. */
function checkSyntax(text) {
  try {
    new Script(text, { filename: basename(source) });
  } catch (error) {
    stderr.write(`${error.stack.split('\n').slice(0, 5).join('\n')}\n`);
    exit(1);
  }
}

function fillIn(wat) {
  const [names] = /(?<=\(data \$names ")[^"]*/.exec(wat);
  const values = {
    prelude: escaped(prelude),
    script: escaped(script),
    stackBytes,
    namesBytes: names.replaceAll('\\00', '0').length,
    ...lengthsOf('prelude', prelude),
    ...lengthsOf('script', script),
  };
  return wat.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/** The engine wants a zero behind the text, and its length without that. */
function lengthsOf(name, text) {
  const length = Buffer.byteLength(text);
  return { [`${name}Length`]: length, [`${name}Bytes`]: length + 1 };
}

function escaped(text) {
  return Buffer.from(`${text}\0`).toString('hex').replace(/../g, '\\$&');
}

function run(program, args) {
  const path = join(dirname(binaryen), 'bin', program);
  const { status } = spawnSync(execPath, [path, ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) exit(status ?? 1);
}

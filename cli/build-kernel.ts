/**
 * Builds a kernel from source, for `kernel build` and for job documents that name the source itself.
 * Compilers run in processes of their own, and what they say belongs on stderr.
 *
 * Several compilers may be there, and not each of them can build for WASI: a plain clang lacks the
 * libraries, a rustc the target. When one fails it is given a small program that is surely right; if
 * it fails at that too, the compiler is to blame and the next one is tried, else the source is.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, extname, join } from 'node:path';
import { assemblyScript } from './builders/assemblyscript.ts';
import { c, cpp } from './builders/c.ts';
import { javaScript } from './builders/javascript.ts';
import { type Compiler, type Language, searchPath } from './builders/language.ts';
import { rust } from './builders/rust.ts';
import { Failure } from './failure.ts';
import { readBytes } from './files.ts';

/** Everything else arrives as finished WebAssembly. */
const languages: readonly Language[] = [assemblyScript, c, cpp, rust, javaScript];

export const isKernelSource = (path: string): boolean => extname(path) !== '.wasm';

/** `flags` go to the compiler as they are: more sources, definitions, include folders. */
export async function buildKernel(
  source: string,
  flags: readonly string[] = [],
): Promise<Uint8Array> {
  const language = languageOf(source);
  await readBytes(source);
  const folder = await mkdtemp(join(tmpdir(), 'manyhands-kernel-'));
  try {
    return await compile(language, { source, flags, folder });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function compile(
  language: Language,
  { source, flags, folder }: { source: string; flags: readonly string[]; folder: string },
): Promise<Uint8Array> {
  const target = join(folder, 'kernel.wasm');
  const unfit = new Map<string, string>();
  for (const compiler of language.compilers()) {
    const said = await run(compiler, compiler.args(source, target, flags));
    if (said === null) return await readBytes(target);
    const fault = await faultOf(compiler, language, folder);
    if (fault === null) {
      throw new Failure('kernel_unbuildable', `${source} does not compile.`, {
        why: said.split('\n').filter((line) => line.trim() !== ''),
        remedy: remedyFor(said),
      });
    }
    // A program that is tried for several targets is told once, with the newest target's words.
    if (!unfit.has(compiler.program)) unfit.set(compiler.program, fault);
  }
  const [found] = unfit;
  throw new Failure('compiler_missing', `There is no compiler here for ${source}.`, {
    why:
      found === undefined
        ? `${language.name} needs ${language.wanted}, and there is none`
        : `${language.name} needs ${language.wanted}; ${found[0]} says: ${found[1]}`,
    remedy: language.install,
  });
}

/** Of all mistakes in a source that was right elsewhere this is the commonest, and no mistake of it. */
const remedyFor = (said: string): string =>
  /undefined symbol|cannot find -l/.test(said)
    ? 'name what defines it after --: sources, or libraries that are built for WASI; what needs a network, processes, threads or signals is not there'
    : 'mend the source and try again';

/** What a compiler says of a program that is surely right; null when it can build it. */
async function faultOf(
  compiler: Compiler,
  { probe, extensions: [extension] }: Language,
  folder: string,
): Promise<string | null> {
  const source = join(folder, `probe${extension}`);
  await writeFile(source, probe);
  const said = await run(compiler, compiler.args(source, join(folder, 'probe.wasm'), []));
  return said?.split('\n').find((line) => /error|fatal/i.test(line)) ?? said;
}

function languageOf(source: string): Language {
  const extension = extname(source);
  const found = languages.find(({ extensions }) => extensions.includes(extension));
  if (found !== undefined) return found;
  const known = languages.flatMap(({ name, extensions }) =>
    extensions.map((known) => `${known} (${name})`),
  );
  throw new Failure('kernel_unbuildable', `Cannot build a kernel from ${source}.`, {
    why: `what is built here ends in ${known.join(', ')}`,
    remedy: 'compile it for wasm32-wasi with your own tools and name the .wasm instead',
  });
}

/** Null when all went well, else what the program said. */
function run({ program }: Compiler, args: readonly string[]): Promise<string | null> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, PATH: searchPath().join(delimiter) },
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code) => resolve(code === 0 ? null : said || `exit code ${code}`));
  });
}

// Builds dist/: the TypeScript tree, the files that travel with it as they are (Lua, styles, pages), and
// the kernels of the built-in jobs. Plain JavaScript, because it runs before anything of ours is
// compiled.
//
//   npm run build        or, from setup.mjs, build()
//
// Quick when little changed: tsc is incremental, a kernel is built only when what it is made of changed,
// and when nothing changed at all one look at the files' dates is all there is (some 10 ms). A failed
// build fails the command and is tried again next time. Whatever in dist/ has no source any more is
// removed, so that a deleted file cannot live on there.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { oneAtATime } from './one-at-a-time.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const sourceFolders = [
  'protocol',
  'kernel',
  'coordinator',
  'worker',
  'jobs',
  'cli',
  'web',
  'bench',
];
/** A change of these may change every output: the compilers' settings and their versions. */
const settingsFiles = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json'];

/** What the last successful build was made of, and each kernel with it. */
const recordFile = join(dist, '.built.json');

export function isBuilt() {
  return readRecord().sources === fingerprint([...sourceFolders, ...settingsFiles]);
}

/** Throws when a compiler found fault; it has said so on stderr. */
export async function build() {
  const record = readRecord();
  const sources = fingerprint([...sourceFolders, ...settingsFiles]);
  // Until this build has succeeded, dist/ is not what any state of the sources gives.
  writeRecord({ kernels: record.kernels });
  const [types, kernels] = await Promise.allSettled([
    compileTypeScript(),
    buildKernels(record.kernels),
  ]);
  if (kernels.status === 'rejected') throw kernels.reason;
  writeRecord({ kernels: kernels.value });
  if (types.status === 'rejected') throw types.reason;
  copyAssets();
  removeOrphans(dist);
  writeRecord({ kernels: kernels.value, sources });
}

async function compileTypeScript() {
  await run([join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json']);
  // It may be called by its path, and tsc does not make programs.
  const program = join(dist, 'cli/main.js');
  if (existsSync(program)) chmodSync(program, 0o755);
}

/** Returns each kernel with what it was built from. */
async function buildKernels(builtBefore = {}) {
  const built = {};
  await Promise.all(
    kernelJobs().map(async (job) => {
      const target = join(dist, 'jobs', job, 'kernel.wasm');
      const madeOf = fingerprint([
        ...[`jobs/${job}/assembly`, 'jobs/kernel-sdk', 'jobs/build-kernel.mjs'],
        'package-lock.json',
      ]);
      if (builtBefore[job] !== madeOf || !existsSync(target)) {
        const unfinished = `${target}.new`;
        await run([
          join(root, 'jobs/build-kernel.mjs'),
          join(root, 'jobs', job, 'assembly/kernel.ts'),
          unfinished,
        ]);
        renameSync(unfinished, target); // whoever reads it meanwhile sees the old one or the new one
      }
      built[job] = madeOf;
    }),
  );
  return built;
}

function kernelJobs() {
  return readdirSync(join(root, 'jobs')).filter(isKernelJob);
}

function isKernelJob(job) {
  return existsSync(join(root, 'jobs', job, 'assembly/kernel.ts'));
}

function copyAssets() {
  for (const path of sourceFolders.flatMap(filesUnder)) {
    if (!isAsset(path)) continue;
    mkdirSync(dirname(join(dist, path)), { recursive: true });
    cpSync(join(root, path), join(dist, path));
  }
}

/** What is neither compiled, nor run from here, nor the source of a kernel. */
function isAsset(path) {
  return !/\.(ts|tsx|mjs)$/.test(path) && !/(^|\/)(assembly|kernel-sdk)\//.test(path);
}

function removeOrphans(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) removeOrphans(path);
    else if (!hasSource(relative(dist, path).split(sep).join('/'))) rmSync(path);
  }
}

function hasSource(output) {
  if (output.startsWith('.')) return true; // our records and tsc's, at the top
  const kernel = /^jobs\/([^/]+)\/kernel\.wasm$/.exec(output);
  if (kernel !== null) return isKernelJob(kernel[1]);
  const sources = output.endsWith('.js')
    ? [output.replace(/\.js$/, '.ts'), output.replace(/\.js$/, '.tsx')]
    : [output];
  return sources.some((source) => existsSync(join(root, source)));
}

/** Changes when a file below appears, goes away or is written. */
function fingerprint(paths) {
  const hash = createHash('sha256');
  for (const path of paths.flatMap(filesUnder)) {
    const { mtimeMs, size } = statSync(join(root, path));
    hash.update(`${path} ${mtimeMs} ${size}\n`);
  }
  return hash.digest('hex');
}

/** The files at or under a path, relative to the root; none when it does not exist. */
function filesUnder(path) {
  const stat = statSync(join(root, path), { throwIfNoEntry: false });
  if (stat === undefined) return [];
  if (!stat.isDirectory()) return [path];
  return readdirSync(join(root, path))
    .sort()
    .flatMap((name) => filesUnder(`${path}/${name}`));
}

function readRecord() {
  try {
    return JSON.parse(readFileSync(recordFile, 'utf8'));
  } catch {
    return {}; // never built, or cut off: everything is built
  }
}

function writeRecord(record) {
  mkdirSync(dist, { recursive: true });
  writeFileSync(recordFile, JSON.stringify(record));
}

/** Everything a compiler says goes to stderr: stdout belongs to the command that the build serves. */
function run(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 2, 2] });
    child.once('error', reject);
    child.once('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${relative(root, args[0])} found fault`));
    });
  });
}

/** A compiler that is not there says so in a stack trace. */
const requirePackages = () => {
  if (!existsSync(join(root, 'node_modules')))
    throw new Error('the packages are not installed; `npm run setup` installs them, and builds');
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await oneAtATime(root, async () => {
    if (isBuilt()) return;
    requirePackages();
    await build();
  }).catch((error) => {
    process.stderr.write(`The build failed: ${error.message}\n`);
    process.exitCode = 1;
  });
}

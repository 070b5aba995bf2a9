/**
 * The source of a Debian package, patched as Debian builds it, unpacked into a folder. apt fetches it
 * from where this machine has its packages from: its own sources are copied with `deb-src` for `deb`,
 * so they need not name source packages and stay as they are. apt checks the signatures, as ever. What
 * was fetched once is kept in the person's cache folder.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

const cache = join(
  process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'),
  'manyhands/debian-sources',
);
/** Ten seconds of silence are no network; the list of all packages is 10 MB. */
const aptWithinMs = 60_000;

/** Throws, with what apt or dpkg-source said, where it cannot be had. */
export async function unpackSource(name: string, folder: string): Promise<void> {
  await mkdir(cache, { recursive: true });
  const description = (await kept(name)) ?? (await fetched(name));
  const args = ['--no-check', '-x', join(cache, description), folder];
  await execute('dpkg-source', args);
}

const kept = async (name: string): Promise<string | undefined> =>
  (await readdir(cache)).find((file) => file.startsWith(`${name}_`) && file.endsWith('.dsc'));

async function fetched(name: string): Promise<string> {
  const sources = join(cache, 'sources.list.d');
  const lists = join(cache, 'lists');
  await mkdir(join(lists, 'partial'), { recursive: true });
  await writeSources(sources);
  const settings = {
    'Dir::Etc::SourceList': '/dev/null',
    'Dir::Etc::SourceParts': sources,
    'Dir::State::Lists': lists,
    'Dir::Cache::srcpkgcache': '',
    'Dir::Cache::pkgcache': '',
    'Acquire::Retries': '0',
    'Acquire::http::Timeout': '10',
  };
  const options = Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  const apt = (...args: string[]) =>
    execute('apt-get', [...options, '-q', ...args], { cwd: cache, timeout: aptWithinMs });
  // Each time: a list from before a point release names files that are gone. A source that has no
  // source packages fails, and is none that matters as long as another one has this package.
  const updateFailure = await apt('update').then(
    () => undefined,
    (error: unknown) => error,
  );
  await apt('source', '--download-only', name).catch((error: unknown) => {
    throw updateFailure ?? error;
  });
  const description = await kept(name);
  if (description === undefined) throw new Error(`apt-get source ${name} brought nothing`);
  return description;
}

/** apt's two formats: a line for a source (`deb …`), and a paragraph (`Types: deb`). */
async function writeSources(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder);
  let count = 0;
  for (const file of await sourceFiles()) {
    const packages = await readFile(file, 'utf8');
    const sources = packages
      .replace(/^deb\s/gm, 'deb-src ')
      .replace(/^Types:.*$/gim, 'Types: deb-src');
    const format = file.endsWith('.sources') ? 'sources' : 'list';
    await writeFile(join(folder, `${count++}.${format}`), sources);
  }
  if (count === 0) throw new Error('apt has no sources on this machine');
}

async function sourceFiles(): Promise<string[]> {
  const variables = ['LIST', 'Dir::Etc::sourcelist/f', 'PARTS', 'Dir::Etc::sourceparts/d'];
  const { stdout } = await execute('apt-config', ['shell', ...variables]);
  const [list = '', parts = ''] = [...stdout.matchAll(/='(.*)'/g)].map(([, path = '']) => path);
  const inParts = existsSync(parts) ? await readdir(parts) : [];
  return [list, ...inParts.map((file) => join(parts, file))].filter(
    (file) => existsSync(file) && /\.(list|sources)$/.test(file),
  );
}

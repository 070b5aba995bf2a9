/**
 * The source of a Debian package, patched as Debian builds it, unpacked into a folder. apt fetches it
 * with settings and lists of its own, so that the machine's need not name sources and stay as they
 * are; it checks Debian's signatures. What was fetched once is kept in the person's cache folder.
 */
import { execFile } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

const cache = join(
  process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'),
  'manyhands/debian-sources',
);
const release = 'bookworm';
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
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
  const list = join(cache, 'sources.list');
  const lists = join(cache, 'lists');
  await mkdir(join(lists, 'partial'), { recursive: true });
  await writeFile(
    list,
    `deb-src [signed-by=${keyring}] http://deb.debian.org/debian ${release} main\n`,
  );
  const settings = {
    'Dir::Etc::SourceList': list,
    'Dir::Etc::SourceParts': '/dev/null',
    'Dir::State::Lists': lists,
    'Dir::Cache::srcpkgcache': '',
    'Dir::Cache::pkgcache': '',
    'Acquire::Retries': '0',
    'Acquire::http::Timeout': '10',
  };
  const options = Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  const apt = (...args: string[]) =>
    execute('apt-get', [...options, '-q', ...args], { cwd: cache, timeout: aptWithinMs });
  // Each time: a list from before a point release names files that are gone.
  await apt('update');
  await apt('source', '--download-only', name);
  const description = await kept(name);
  if (description === undefined) throw new Error(`apt-get source ${name} brought nothing`);
  return description;
}

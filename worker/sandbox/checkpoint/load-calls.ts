/**
 * Puts saved WASI state into a fresh world. The state may come from a stranger, so everything that
 * the calls rely on is asked here: a tree of folders without cycles, numbers and cookies that only
 * grow, positions and rights within their bounds, quotas kept. What passes is a state that some
 * kernel could have made; whether this one did is for audits to say.
 */
import { type Descriptor, descriptorFlags, descriptorsMax } from '../wasi/descriptors.ts';
import {
  cookieOfParent,
  type Directory,
  type FileSystem,
  type Inode,
  type RegularFile,
} from '../wasi/file-system.ts';
import { pathBytesMax } from '../wasi/paths.ts';
import { directoryRights, fileRights, inputRights, outputRights } from '../wasi/rights.ts';
import { stderrBytesKept, type World } from '../wasi/world.ts';
import { inodesOf, type SavedCalls, type SavedDescriptor, type SavedInode } from './saved-calls.ts';
import { demand, refuseSnapshot } from './snapshot.ts';

interface Unit {
  stdin: Uint8Array;
  files: Record<string, Uint8Array>;
  outputBytesMax: number;
}

/** `state` is of a world just opened, into which nothing has been placed. Throws SnapshotRefused. */
export function loadCalls(state: World['state'], saved: SavedCalls, unit: Unit): void {
  demand(saved.stdinPosition <= unit.stdin.length, 'it has read more than there is to read');
  demand(saved.stdout.length <= unit.outputBytesMax, 'it has written more than it may');
  demand(saved.stderr.length <= stderrBytesKept, 'its last words are too long');
  state.random.words = [...saved.random];
  state.sleptNs = saved.sleptNs;
  state.stdin.position = saved.stdinPosition;
  state.stdout = { bytes: saved.stdout.slice(), length: saved.stdout.length };
  state.stderr = { bytes: saved.stderr.slice(), length: saved.stderr.length };

  const inodes = saved.inodes.map((inode) => loadInode(inode, unit));
  const [root] = inodes;
  if (root?.kind !== 'directory') refuseSnapshot('its first inode is not the root');
  connect(saved.inodes, inodes, root);
  checkParents(inodes, root);
  demand(saved.descriptors.length <= descriptorsMax, 'it has too many descriptors');
  state.descriptors = saved.descriptors.map((each) => each && loadDescriptor(each, inodes, root));
  const { bytesMax, inodesMax } = state.files;
  const { nextNumber } = saved;
  state.files = { root, nextNumber, bytesMax, inodesMax, inodes: 0, bytesUsed: 0 };
  checkNumbers(saved);
  demand(inodesOf(state).length === inodes.length, 'it has files that nobody can reach');
  count(state.files, inodes);
}

function loadInode(saved: SavedInode, { files }: Unit): Inode {
  const { number, accessedNs, modifiedNs, changedNs } = saved;
  const base = { number, accessedNs, modifiedNs, changedNs, links: 0, opens: 0 };
  switch (saved.kind) {
    case 'directory': {
      const { kind, nextCookie } = saved;
      return { ...base, kind, entries: new Map(), parent: null, nextCookie };
    }
    case 'input': {
      const bytes = Object.hasOwn(files, saved.path) ? files[saved.path] : undefined;
      if (bytes === undefined) return refuseSnapshot('it has an input that the unit has not');
      return { ...base, kind: 'file', bytes, size: bytes.length, isShared: true };
    }
    case 'file': {
      const bytes = saved.bytes.slice();
      return { ...base, kind: 'file', bytes, size: bytes.length, isShared: false };
    }
    case 'link':
      demand(saved.target.length <= pathBytesMax, 'a link is too long');
      return { ...base, kind: 'link', target: saved.target };
  }
}

/** Gives inodes their names and folders their parents. */
function connect(saved: SavedInode[], inodes: Inode[], root: Directory): void {
  root.links = 1;
  for (const [place, folder] of inodes.entries()) {
    const source = saved[place];
    if (folder.kind !== 'directory' || source?.kind !== 'directory') continue;
    folder.parent = source.parent === null ? null : directoryAt(inodes, source.parent);
    demand((folder.parent === null) === (folder === root), 'the root alone has no parent');
    let last = cookieOfParent;
    for (const { name, cookie, inode: target } of source.entries) {
      const inode = inodes[target];
      if (inode === undefined || inode === root) refuseSnapshot('a name leads nowhere');
      demand(isName(name) && !folder.entries.has(name), 'a name is no name, or stands twice');
      demand(cookie > last && cookie < source.nextCookie, 'a listing is out of order');
      last = cookie;
      folder.entries.set(name, { inode, cookie });
      inode.links++;
    }
    demand(source.nextCookie > last, 'a listing is out of order');
  }
}

/** From every folder the way up ends at the root, and its name, if it has one, is up there. */
function checkParents(inodes: Inode[], root: Directory): void {
  const leadsToRoot = new Set([root]);
  for (const inode of inodes) {
    if (inode.kind !== 'directory') continue;
    demand(inode.links <= 1, 'a folder has two names');
    if (inode.links === 0) demand(inode.entries.size === 0, 'a folder without a name has entries');
    for (const [, { inode: child }] of inode.entries)
      if (child.kind === 'directory')
        demand(child.parent === inode, 'a folder is not its parent’s');
    const way = new Set<Directory>();
    for (let at: Directory | null = inode; at && !leadsToRoot.has(at); at = at.parent) {
      demand(!way.has(at), 'folders lie within each other');
      way.add(at);
    }
    for (const folder of way) leadsToRoot.add(folder);
  }
}

function checkNumbers({ inodes, nextNumber }: SavedCalls): void {
  let last = 0n;
  for (const { number } of inodes) {
    demand(
      number > last && number < nextNumber,
      'its inodes are not in the order of their numbers',
    );
    last = number;
  }
}

function loadDescriptor(saved: SavedDescriptor, inodes: Inode[], root: Directory): Descriptor {
  demand((saved.flags & ~descriptorFlags.all) === 0, 'a descriptor has flags that do not exist');
  demand((saved.rights & ~rightsOf[saved.kind]) === 0n, 'a descriptor has rights beyond its kind');
  const { rights, handsOn, flags } = saved;
  switch (saved.kind) {
    case 'file': {
      const file = fileAt(inodes, saved.file);
      file.opens++;
      return { kind: 'file', file, position: saved.position, rights, handsOn, flags };
    }
    case 'directory': {
      const { preopenedAt } = saved;
      const directory = directoryAt(inodes, saved.directory);
      demand(preopenedAt === null || directory === root, 'a folder was not there at the beginning');
      directory.opens++;
      return { kind: 'directory', directory, preopenedAt, rights, handsOn, flags };
    }
    default:
      return { kind: saved.kind, rights, handsOn, flags };
  }
}

const rightsOf = {
  stdin: inputRights,
  stdout: outputRights,
  stderr: outputRights,
  file: fileRights,
  directory: directoryRights,
};

/** As `file-system.ts` counts while files come and go. */
function count(fs: FileSystem, inodes: Inode[]): void {
  for (const inode of inodes) {
    if (inode.links === 0 && inode.opens === 0) continue;
    fs.inodes++;
    if (inode.kind === 'link') fs.bytesUsed += inode.target.length;
    if (inode.kind === 'file' && !inode.isShared) fs.bytesUsed += inode.size;
  }
  demand(fs.inodes <= fs.inodesMax && fs.bytesUsed <= fs.bytesMax, 'its files pass their quota');
}

function directoryAt(inodes: Inode[], place: number): Directory {
  const inode = inodes[place];
  return inode?.kind === 'directory' ? inode : refuseSnapshot('what should be a folder is none');
}

function fileAt(inodes: Inode[], place: number): RegularFile {
  const inode = inodes[place];
  return inode?.kind === 'file' ? inode : refuseSnapshot('what should be a file is none');
}

const isName = (name: string): boolean =>
  name !== '' &&
  name !== '.' &&
  name !== '..' &&
  !name.includes('/') &&
  name.length <= pathBytesMax;

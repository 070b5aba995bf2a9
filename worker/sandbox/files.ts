/**
 * A unit's files on their way in and out. In: each input under its guest path, and the folders that
 * the output patterns name. Out: every regular file that matches a pattern and that the kernel made
 * or wrote; an input it left alone is not a result.
 */

import { foldersOf, matchesGlob, namesOf } from './globs.ts';
import { errno, refuse } from './wasi/errno.ts';
import {
  type Directory,
  type FileSystem,
  makeDirectory,
  makeFile,
  type RegularFile,
} from './wasi/file-system.ts';
import { pathBytesMax } from './wasi/paths.ts';
import { epochNs } from './wasi/world.ts';

/** Refuses (see `wasi/errno.ts`) when two inputs want the same name to be file and folder. */
export function placeInputs(
  fs: FileSystem,
  inputs: Record<string, Uint8Array>,
  outputs: string[],
): void {
  // Sorted, as a listing shows the order of making.
  for (const path of Object.keys(inputs).sort()) {
    const names = namesOf(path);
    const name = names.pop() ?? refuse(errno.invalid);
    const folder = folderAt(fs, names);
    if (folder.entries.has(name)) refuse(errno.exists);
    makeFile(fs, folder, name, epochNs, inputs[path]);
  }
  for (const pattern of outputs) folderAt(fs, foldersOf(pattern));
}

function folderAt(fs: FileSystem, names: string[]): Directory {
  let here = fs.root;
  for (const name of names) {
    if (name === '..') refuse(errno.invalid);
    const inode = here.entries.get(name)?.inode ?? makeDirectory(fs, here, name, epochNs);
    if (inode.kind !== 'directory') return refuse(errno.notDirectory);
    here = inode;
  }
  return here;
}

/** The files to return with their bytes, or null when they would pass the bound. */
export function collectOutputs(
  fs: FileSystem,
  inputs: Record<string, Uint8Array>,
  outputs: string[],
  bytesMax: number,
): Record<string, Uint8Array> | null {
  const collected: Record<string, Uint8Array> = {};
  const given = new Set(Object.keys(inputs).map((path) => `/${namesOf(path).join('/')}`));
  let bytes = 0;
  for (const [path, file] of outputs.length === 0 ? [] : walk(fs.root)) {
    if (file.isShared && given.has(path)) continue;
    if (!outputs.some((pattern) => matchesGlob(pattern, path))) continue;
    bytes += file.size;
    if (bytes > bytesMax) return null;
    collected[path] = file.bytes.slice(0, file.size);
  }
  return collected;
}

/** All files with their paths. With a list of its own: folders can be thousands deep. */
function* walk(root: Directory): Generator<[string, RegularFile]> {
  const ahead: [string, Directory][] = [['', root]];
  for (let next = ahead.pop(); next !== undefined; next = ahead.pop()) {
    const [folder, { entries }] = next;
    for (const [name, { inode }] of entries) {
      const path = `${folder}/${name}`;
      // Deeper than any path can say, so no pattern means it.
      if (path.length > pathBytesMax) continue;
      if (inode.kind === 'file') yield [path, inode];
      if (inode.kind === 'directory') ahead.push([path, inode]);
    }
  }
}

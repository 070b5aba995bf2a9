/**
 * From a path to a place in the file system, always at or below the folder it starts from: `..` out
 * of that folder, an absolute path, and a symbolic link that leads there are refused. There is no
 * host folder behind any of this; the rule keeps a kernel's own libraries honest about which folder
 * they were given.
 *
 * A path need not exist to have a place: the last name may be free, which is where makers make.
 */

import { errno, refuse } from './errno.ts';
import type { Directory, Inode } from './file-system.ts';

export interface Place {
  parent: Directory;
  name: string;
  inode: Inode | null;
  /** The path ended in a slash: only a folder may answer to it. */
  wantsDirectory: boolean;
  /** The path ended in `.` or `..`: there is a folder, but no name to remove or replace. */
  isDots: boolean;
}

/**
 * What to do when the last name is a symbolic link: follow it; follow it only for a trailing slash;
 * or never, for calls that are about the name itself.
 */
export type FollowLast = 'always' | 'ifSlash' | 'never';

/** PATH_MAX and NAME_MAX on Linux. Nothing longer can be asked for, or be a link's target. */
export const pathBytesMax = 4096;
const nameBytesMax = 255;
/** More than Linux's 40 buys nothing; every link followed may bring a path of 4096 bytes. */
const linksFollowedMax = 32;

const utf8 = new TextEncoder();

/** `onStep` is called for each name looked up: it is work, and the caller has it paid for. */
export function findPlace(
  base: Directory,
  path: string,
  follow: FollowLast,
  onStep: () => void,
): Place {
  checkPath(path);
  // The names still to be walked, the next one last, so that a link's target is pushed and popped.
  const ahead = namesOf(path).reverse();
  const trail: Directory[] = [];
  let here = base;
  let wantsDirectory = path.endsWith('/');
  let linksFollowed = 0;

  for (;;) {
    const name = ahead.pop();
    if (name === undefined) refuse(errno.noEntry);
    onStep();
    const isLast = ahead.length === 0;

    if (name === '.' || name === '..') {
      if (name === '..') here = trail.pop() ?? refuse(errno.notPermitted);
      if (isLast) return { parent: here, name, inode: here, wantsDirectory, isDots: true };
      continue;
    }

    checkName(name);
    const inode = here.entries.get(name)?.inode ?? null;
    if (inode?.kind === 'link' && (!isLast || isFollowed(follow, wantsDirectory))) {
      if (++linksFollowed > linksFollowedMax) refuse(errno.tooManyLinks);
      if (inode.target.startsWith('/')) refuse(errno.notPermitted);
      if (isLast) wantsDirectory ||= inode.target.endsWith('/');
      for (const part of namesOf(inode.target).reverse()) ahead.push(part);
      continue;
    }
    if (isLast) return { parent: here, name, inode, wantsDirectory, isDots: false };
    if (inode === null) refuse(errno.noEntry);
    if (inode.kind !== 'directory') refuse(errno.notDirectory);
    trail.push(here);
    here = inode;
  }
}

/** What may be walked, and what may be stored as a symbolic link's target. */
export function checkPath(path: string): void {
  if (path.length === 0) refuse(errno.noEntry);
  if (path.includes('\0')) refuse(errno.invalid);
  if (path.startsWith('/')) refuse(errno.notPermitted);
}

function checkName(name: string): void {
  // A character is at most three bytes for each of its UTF-16 units.
  if (name.length * 3 > nameBytesMax && utf8.encode(name).length > nameBytesMax)
    refuse(errno.nameTooLong);
}

const namesOf = (path: string): string[] => path.split('/').filter((name) => name !== '');

const isFollowed = (follow: FollowLast, wantsDirectory: boolean): boolean =>
  follow === 'always' || (follow === 'ifSlash' && wantsDirectory);

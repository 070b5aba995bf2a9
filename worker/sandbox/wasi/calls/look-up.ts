/** How the calls that take a path find its place: below an open folder, at a price, with rights. */
import { cost } from '../cost.ts';
import { directoryAt } from '../descriptors.ts';
import { errno, refuse } from '../errno.ts';
import type { Inode } from '../file-system.ts';
import { type FollowLast, findPlace, type Place, pathBytesMax } from '../paths.ts';
import { spend, spendOnStep, type World } from '../world.ts';

/** The place of a path that the kernel has in its memory, below a folder that it has open. */
export function lookUp(
  world: World,
  folder: number,
  needs: bigint,
  pointer: number,
  length: number,
  follow: FollowLast,
): Place {
  const { directory } = directoryAt(world.state.descriptors, folder, needs);
  const path = world.memory.text(pointer, length, pathBytesMax);
  spend(world, cost.path);
  return findPlace(directory, path, follow, () => spendOnStep(world));
}

export const followsLinks = (flags: number): boolean => (flags & 1) !== 0;

/** WASI's lookup flags, which have only the one. */
export const followFor = (flags: number): FollowLast =>
  followsLinks(flags) ? 'always' : 'ifSlash';

/** What is at the place; a path that ended in a slash is refused for anything but a folder. */
export function existing(at: Place): Inode {
  if (at.inode === null) return refuse(errno.noEntry);
  if (at.wantsDirectory && at.inode.kind !== 'directory') refuse(errno.notDirectory);
  return at.inode;
}

/** Calls about names below an open folder: making, linking, moving and removing them. */
import { cost } from '../cost.ts';
import { errno, refuse } from '../errno.ts';
import {
  checkTakesNames,
  type Directory,
  enter,
  type Inode,
  leave,
  makeDirectory,
  makeLink,
} from '../file-system.ts';
import { checkPath, type Place, pathBytesMax } from '../paths.ts';
import { rights } from '../rights.ts';
import { setTimes, writeFilestat } from '../stat.ts';
import { nowNs, spend, spendOnBytes, spendOnStep, type World } from '../world.ts';
import { existing, followFor, followsLinks, lookUp } from './look-up.ts';

const utf8 = new TextEncoder();

export const pathCalls = (world: World) => {
  const { memory, state } = world;
  const { files } = state;

  return {
    path_create_directory(number: number, path: number, pathLength: number) {
      const at = lookUp(world, number, rights.createDirectory, path, pathLength, 'never');
      if (at.inode !== null) refuse(errno.exists);
      spend(world, cost.inode);
      makeDirectory(files, at.parent, at.name, nowNs(world));
    },

    path_filestat_get(
      number: number,
      flags: number,
      path: number,
      pathLength: number,
      result: number,
    ) {
      const at = lookUp(world, number, rights.pathStat, path, pathLength, followFor(flags));
      writeFilestat(memory, result, existing(at));
    },
    path_filestat_set_times(
      number: number,
      flags: number,
      path: number,
      pathLength: number,
      accessed: bigint,
      modified: bigint,
      timeFlags: number,
    ) {
      const at = lookUp(world, number, rights.pathSetTimes, path, pathLength, followFor(flags));
      setTimes(world, existing(at), accessed, modified, timeFlags);
    },

    path_link(
      number: number,
      flags: number,
      path: number,
      pathLength: number,
      newNumber: number,
      newPath: number,
      newPathLength: number,
    ) {
      // Whether a hard link follows a symbolic one differs between systems: it does not here.
      if (followsLinks(flags)) refuse(errno.invalid);
      const source = lookUp(world, number, rights.linkSource, path, pathLength, 'never');
      const inode = existing(source);
      const target = lookUp(world, newNumber, rights.linkTarget, newPath, newPathLength, 'never');
      if (target.inode !== null) refuse(errno.exists);
      if (target.wantsDirectory) refuse(errno.noEntry);
      if (inode.kind === 'directory') refuse(errno.notPermitted);
      spend(world, cost.inode);
      enter(target.parent, target.name, inode, nowNs(world));
    },
    path_symlink(
      target: number,
      targetLength: number,
      number: number,
      path: number,
      pathLength: number,
    ) {
      const text = memory.text(target, targetLength, pathBytesMax);
      checkPath(text);
      const at = lookUp(world, number, rights.symlink, path, pathLength, 'never');
      if (at.inode !== null) refuse(errno.exists);
      if (at.wantsDirectory) refuse(errno.noEntry);
      spend(world, cost.inode);
      makeLink(files, at.parent, at.name, nowNs(world), text);
    },
    path_readlink(
      number: number,
      path: number,
      pathLength: number,
      buffer: number,
      length: number,
      result: number,
    ) {
      const at = lookUp(world, number, rights.readLink, path, pathLength, 'never');
      const inode = existing(at);
      if (inode.kind !== 'link') return refuse(errno.invalid);
      const target = memory.bytes(buffer, length);
      const slot = memory.slot(result, 4);
      const text = utf8.encode(inode.target).subarray(0, target.length);
      spendOnBytes(world, text.length);
      target.set(text);
      memory.setU32(slot, text.length);
    },

    path_unlink_file(number: number, path: number, pathLength: number) {
      const at = lookUp(world, number, rights.unlink, path, pathLength, 'never');
      if (existing(at).kind === 'directory') refuse(errno.isDirectory);
      leave(files, at.parent, at.name, nowNs(world));
    },
    path_remove_directory(number: number, path: number, pathLength: number) {
      const at = lookUp(world, number, rights.removeDirectory, path, pathLength, 'never');
      const inode = existing(at);
      if (at.isDots) refuse(at.name === '.' ? errno.invalid : errno.notEmpty);
      if (inode.kind !== 'directory') return refuse(errno.notDirectory);
      if (inode.entries.size > 0) refuse(errno.notEmpty);
      leave(files, at.parent, at.name, nowNs(world));
    },

    path_rename(
      number: number,
      path: number,
      pathLength: number,
      newNumber: number,
      newPath: number,
      newPathLength: number,
    ) {
      const source = lookUp(world, number, rights.renameSource, path, pathLength, 'never');
      const target = lookUp(world, newNumber, rights.renameTarget, newPath, newPathLength, 'never');
      rename(world, source, target);
    },
  };
};

function rename(world: World, source: Place, target: Place): void {
  if (source.inode === null) refuse(errno.noEntry);
  if (source.isDots || target.isDots) refuse(errno.busy);
  const moved = source.inode;
  if (moved.kind !== 'directory' && (source.wantsDirectory || target.wantsDirectory))
    refuse(errno.notDirectory);
  if (moved === target.inode) return;
  if (target.inode !== null) checkReplace(moved, target.inode);
  if (moved.kind === 'directory') checkNotInside(world, moved, target.parent);
  checkTakesNames(target.parent);

  const now = nowNs(world);
  if (target.inode !== null) leave(world.state.files, target.parent, target.name, now);
  // Entered before it leaves its old name, so that it is never without one.
  enter(target.parent, target.name, moved, now);
  leave(world.state.files, source.parent, source.name, now);
  if (moved.kind === 'directory') moved.parent = target.parent;
}

function checkReplace(moved: Inode, replaced: Inode): void {
  if (moved.kind !== 'directory') {
    if (replaced.kind === 'directory') refuse(errno.isDirectory);
    return;
  }
  if (replaced.kind !== 'directory') refuse(errno.notDirectory);
  else if (replaced.entries.size > 0) refuse(errno.notEmpty);
}

/** A folder cannot move into itself. The walk up is as long as the folders are deep: it is paid. */
function checkNotInside(world: World, moved: Directory, folder: Directory): void {
  for (let above: Directory | null = folder; above !== null; above = above.parent) {
    spendOnStep(world);
    if (above === moved) refuse(errno.invalid);
  }
}

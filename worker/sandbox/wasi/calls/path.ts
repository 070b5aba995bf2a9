/** Calls that name a file by a path below an open folder. */
import { cost } from '../cost.ts';
import {
  type Descriptor,
  descriptorFlags,
  directoryAt,
  freeNumber,
  putDescriptor,
} from '../descriptors.ts';
import { errno, refuse } from '../errno.ts';
import {
  checkTakesNames,
  type Directory,
  enter,
  type Inode,
  leave,
  makeDirectory,
  makeFile,
  makeLink,
} from '../file-system.ts';
import { checkPath, type FollowLast, findPlace, type Place, pathBytesMax } from '../paths.ts';
import { directoryRights, fileRights, rights } from '../rights.ts';
import { setTimes, writeFilestat } from '../stat.ts';
import { nowNs, spend, spendOnBytes, spendOnStep, type World } from '../world.ts';
import { setSize } from './transfer.ts';

const lookup = { followLinks: 1 } as const;
const open = { create: 1, directory: 2, exclusive: 4, truncate: 8 } as const;
const has = (flags: number, flag: number): boolean => (flags & flag) !== 0;
const utf8 = new TextEncoder();

export const pathCalls = (world: World) => {
  const { memory, state } = world;
  const { files, descriptors } = state;

  /** The place of a path that the kernel wrote into its memory, below a folder it has open. */
  const place = (
    number: number,
    needs: bigint,
    pointer: number,
    length: number,
    follow: FollowLast,
  ): Place => {
    const { directory } = directoryAt(descriptors, number, needs);
    return findPlace(directory, memory.text(pointer, length, pathBytesMax), follow, () =>
      spendOnStep(world),
    );
  };
  const followFor = (flags: number): FollowLast =>
    has(flags, lookup.followLinks) ? 'always' : 'ifSlash';

  return {
    path_create_directory(number: number, path: number, pathLength: number) {
      const at = place(number, rights.createDirectory, path, pathLength, 'never');
      if (at.inode !== null) refuse(errno.exists);
      spend(world, cost.inode);
      makeDirectory(files, at.parent, at.name, nowNs(world));
    },

    path_open(
      number: number,
      lookupFlags: number,
      path: number,
      pathLength: number,
      openFlags: number,
      wanted: bigint,
      wantedToHandOn: bigint,
      flags: number,
      result: number,
    ) {
      const folder = directoryAt(descriptors, number, rights.open);
      const slot = memory.slot(result, 4);
      const isExclusive = has(openFlags, open.create) && has(openFlags, open.exclusive);
      const follow = isExclusive ? 'ifSlash' : followFor(lookupFlags);
      const at = place(number, rights.open, path, pathLength, follow);
      const own = BigInt.asUintN(64, wanted) & folder.handsOn;
      if (isExclusive && at.inode !== null) refuse(errno.exists);
      const free = freeNumber(descriptors);
      const inode = at.inode ?? create(world, at, openFlags, folder.rights);
      checkOpen(inode, at, openFlags, BigInt.asUintN(64, wanted));
      if (has(openFlags, open.truncate) && inode.kind === 'file') {
        if ((folder.rights & rights.pathSetSize) === 0n) refuse(errno.notCapable);
        setSize(world, inode, 0);
      }
      const handsOn = BigInt.asUintN(64, wantedToHandOn) & folder.handsOn;
      putDescriptor(descriptors, free, describe(inode, own, handsOn, flags));
      memory.setU32(slot, free);
    },

    path_filestat_get(
      number: number,
      flags: number,
      path: number,
      pathLength: number,
      result: number,
    ) {
      const at = place(number, rights.pathStat, path, pathLength, followFor(flags));
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
      const at = place(number, rights.pathSetTimes, path, pathLength, followFor(flags));
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
      if (has(flags, lookup.followLinks)) refuse(errno.invalid);
      const source = place(number, rights.linkSource, path, pathLength, 'never');
      const inode = existing(source);
      const target = place(newNumber, rights.linkTarget, newPath, newPathLength, 'never');
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
      const at = place(number, rights.symlink, path, pathLength, 'never');
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
      const at = place(number, rights.readLink, path, pathLength, 'never');
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
      const at = place(number, rights.unlink, path, pathLength, 'never');
      if (existing(at).kind === 'directory') refuse(errno.isDirectory);
      leave(files, at.parent, at.name, nowNs(world));
    },
    path_remove_directory(number: number, path: number, pathLength: number) {
      const at = place(number, rights.removeDirectory, path, pathLength, 'never');
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
      const source = place(number, rights.renameSource, path, pathLength, 'never');
      const target = place(newNumber, rights.renameTarget, newPath, newPathLength, 'never');
      rename(world, source, target);
    },
  };
};

/** What is at the place; a path that ended in a slash is refused for anything but a folder. */
function existing(at: Place): Inode {
  if (at.inode === null) return refuse(errno.noEntry);
  if (at.wantsDirectory && at.inode.kind !== 'directory') refuse(errno.notDirectory);
  return at.inode;
}

function create(world: World, at: Place, openFlags: number, folderRights: bigint): Inode {
  if (!has(openFlags, open.create)) refuse(errno.noEntry);
  if (has(openFlags, open.directory)) refuse(errno.invalid);
  if ((folderRights & rights.createFile) === 0n) refuse(errno.notCapable);
  if (at.wantsDirectory) refuse(errno.isDirectory);
  spend(world, cost.inode);
  return makeFile(world.state.files, at.parent, at.name, nowNs(world));
}

function checkOpen(inode: Inode, at: Place, openFlags: number, wanted: bigint): void {
  if (inode.kind === 'link') refuse(errno.tooManyLinks);
  if (inode.kind === 'file') {
    if (has(openFlags, open.directory) || at.wantsDirectory) refuse(errno.notDirectory);
    return;
  }
  const isForWriting = has(openFlags, open.truncate) || (wanted & rights.write) !== 0n;
  const isToCreate = has(openFlags, open.create) && !has(openFlags, open.directory);
  if (isForWriting || isToCreate) refuse(errno.isDirectory);
}

function describe(inode: Inode, own: bigint, handsOn: bigint, flags: number): Descriptor {
  const kept = { handsOn, flags: flags & descriptorFlags.all };
  if (inode.kind === 'file')
    return { kind: 'file', file: inode, position: 0, rights: own & fileRights, ...kept };
  if (inode.kind === 'link') return refuse(errno.tooManyLinks);
  const folder = { directory: inode, preopenedAt: null };
  return { kind: 'directory', ...folder, rights: own & directoryRights, ...kept };
}

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

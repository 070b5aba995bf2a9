/** `path_open`: the one call that makes descriptors, and files where none were. */
import { cost } from '../cost.ts';
import {
  type Descriptor,
  descriptorFlags,
  directoryAt,
  freeNumber,
  putDescriptor,
} from '../descriptors.ts';
import { errno, refuse } from '../errno.ts';
import { type Inode, makeFile } from '../file-system.ts';
import type { Place } from '../paths.ts';
import { directoryRights, fileRights, rights } from '../rights.ts';
import { nowNs, spend, type World } from '../world.ts';
import { followFor, lookUp } from './look-up.ts';
import { setSize } from './transfer.ts';

const open = { create: 1, directory: 2, exclusive: 4, truncate: 8 } as const;
const has = (flags: number, flag: number): boolean => (flags & flag) !== 0;

export const openCalls = (world: World) => ({
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
    const folder = directoryAt(world.state.descriptors, number, rights.open);
    const slot = world.memory.slot(result, 4);
    const isExclusive = has(openFlags, open.create) && has(openFlags, open.exclusive);
    const follow = isExclusive ? 'ifSlash' : followFor(lookupFlags);
    const at = lookUp(world, number, rights.open, path, pathLength, follow);
    const own = BigInt.asUintN(64, wanted) & folder.handsOn;
    if (isExclusive && at.inode !== null) refuse(errno.exists);
    const free = freeNumber(world.state.descriptors);
    const inode = at.inode ?? create(world, at, openFlags, folder.rights);
    checkOpen(inode, at, openFlags, BigInt.asUintN(64, wanted));
    if (has(openFlags, open.truncate) && inode.kind === 'file') {
      if ((folder.rights & rights.pathSetSize) === 0n) refuse(errno.notCapable);
      setSize(world, inode, 0);
    }
    const handsOn = BigInt.asUintN(64, wantedToHandOn) & folder.handsOn;
    putDescriptor(world.state.descriptors, free, describe(inode, own, handsOn, flags));
    world.memory.setU32(slot, free);
  },
});

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

/** `fd_readdir`: a folder's entries, as far as they fit, from a cookie on (see `file-system.ts`). */
import { cost } from '../cost.ts';
import { directoryAt } from '../descriptors.ts';
import { cookieOfParent, cookieOfSelf, type Inode } from '../file-system.ts';
import { rights } from '../rights.ts';
import { fileType } from '../stat.ts';
import { spend, spendOnBytes, spendOnStep, type World } from '../world.ts';

export const listingCalls = (world: World) => ({
  fd_readdir(number: number, buffer: number, length: number, cookie: bigint, result: number) {
    const { directory } = directoryAt(world.state.descriptors, number, rights.readDirectory);
    const target = world.memory.bytes(buffer, length);
    const at = world.memory.slot(result, 4);
    const after = BigInt.asUintN(64, cookie);
    let used = list(world, target, 0, '.', directory, cookieOfSelf, after);
    used = list(world, target, used, '..', directory.parent ?? directory, cookieOfParent, after);
    for (const [name, entry] of directory.entries) {
      if (used === target.length) break;
      spendOnStep(world);
      used = list(world, target, used, name, entry.inode, entry.cookie, after);
    }
    spendOnBytes(world, used);
    world.memory.setU32(at, used);
  },
});

const direntBytes = 24;
const utf8 = new TextEncoder();

/** Puts one entry of a listing, cut off where the buffer ends, which asks the kernel for more. */
function list(
  world: World,
  target: Uint8Array,
  used: number,
  name: string,
  inode: Inode,
  cookie: number,
  after: bigint,
): number {
  if (BigInt(cookie) <= after || used === target.length) return used;
  spend(world, cost.record);
  const encoded = utf8.encode(name);
  const entry = new Uint8Array(direntBytes + encoded.length);
  const view = new DataView(entry.buffer);
  view.setBigUint64(0, BigInt(cookie), true);
  view.setBigUint64(8, inode.number, true);
  view.setUint32(16, encoded.length, true);
  view.setUint8(20, fileType[inode.kind]);
  entry.set(encoded, direntBytes);
  const part = entry.subarray(0, target.length - used);
  target.set(part, used);
  return used + part.length;
}

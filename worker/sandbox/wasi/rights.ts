/**
 * What a descriptor may be used for: WASI's rights, a 64-bit set. A descriptor opened through a
 * folder never has more than that folder hands on.
 */
export const rights = {
  dataSync: 1n << 0n,
  read: 1n << 1n,
  seek: 1n << 2n,
  setFlags: 1n << 3n,
  sync: 1n << 4n,
  tell: 1n << 5n,
  write: 1n << 6n,
  advise: 1n << 7n,
  allocate: 1n << 8n,
  createDirectory: 1n << 9n,
  createFile: 1n << 10n,
  linkSource: 1n << 11n,
  linkTarget: 1n << 12n,
  open: 1n << 13n,
  readDirectory: 1n << 14n,
  readLink: 1n << 15n,
  renameSource: 1n << 16n,
  renameTarget: 1n << 17n,
  pathStat: 1n << 18n,
  pathSetSize: 1n << 19n,
  pathSetTimes: 1n << 20n,
  stat: 1n << 21n,
  setSize: 1n << 22n,
  setTimes: 1n << 23n,
  symlink: 1n << 24n,
  removeDirectory: 1n << 25n,
  unlink: 1n << 26n,
  poll: 1n << 27n,
} as const;

const onBoth =
  rights.dataSync |
  rights.setFlags |
  rights.sync |
  rights.advise |
  rights.stat |
  rights.setTimes |
  rights.poll;

export const fileRights =
  onBoth |
  rights.read |
  rights.seek |
  rights.tell |
  rights.write |
  rights.allocate |
  rights.setSize;

export const directoryRights =
  onBoth |
  rights.createDirectory |
  rights.createFile |
  rights.linkSource |
  rights.linkTarget |
  rights.open |
  rights.readDirectory |
  rights.readLink |
  rights.renameSource |
  rights.renameTarget |
  rights.pathStat |
  rights.pathSetSize |
  rights.pathSetTimes |
  rights.symlink |
  rights.removeDirectory |
  rights.unlink;

/** No seek and no tell: with UNKNOWN as its type, a standard stream looks like a pipe. */
export const inputRights = rights.read | rights.poll | rights.stat;
export const outputRights = rights.write | rights.poll | rights.stat;

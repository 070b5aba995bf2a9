/**
 * What WASI knows of a run, as plain data without cycles: inodes in one list, named by their place in
 * it. Only what cannot be worked out is saved; how many names and descriptors an inode has, and what
 * the quotas count, follow from the rest, so no snapshot can contradict itself about them.
 */
import type { Directory, Inode } from '../wasi/file-system.ts';
import { contents } from '../wasi/streams.ts';
import { stderrBytesKept, type World } from '../wasi/world.ts';

/** A place in `SavedCalls.inodes`. */
type Place = number;

export interface SavedCalls {
  random: [number, number, number, number];
  sleptNs: bigint;
  stdinPosition: number;
  stdout: Uint8Array;
  /** Its last part, which is all that will be asked for. */
  stderr: Uint8Array;
  /** By ascending number; the root is the first. */
  inodes: SavedInode[];
  nextNumber: bigint;
  descriptors: (SavedDescriptor | null)[];
}

export type SavedInode = {
  number: bigint;
  accessedNs: bigint;
  modifiedNs: bigint;
  changedNs: bigint;
} & SavedContent;

type SavedContent =
  | {
      kind: 'directory';
      /** Null for the root. A folder without a name still has one. */
      parent: Place | null;
      nextCookie: number;
      entries: { name: string; cookie: number; inode: Place }[];
    }
  /** An input that the kernel left alone, by its path in the unit. */
  | { kind: 'input'; path: string }
  | { kind: 'file'; bytes: Uint8Array }
  | { kind: 'link'; target: string };

export type SavedDescriptor = { rights: bigint; handsOn: bigint; flags: number } & (
  | { kind: 'stdin' | 'stdout' | 'stderr' }
  | { kind: 'file'; file: Place; position: number }
  | { kind: 'directory'; directory: Place; preopenedAt: string | null }
);

/** `inputs` are the unit's files, from which untouched ones are told by their very bytes. */
export function saveCalls(state: World['state'], inputs: Record<string, Uint8Array>): SavedCalls {
  const inodes = inodesOf(state);
  const places = new Map(inodes.map((inode, place) => [inode, place]));
  const paths = new Map(Object.entries(inputs).map(([path, bytes]) => [bytes, path]));
  // The generator computes with signed words or unsigned ones, as it comes.
  const [a, b, c, d] = state.random.words;
  const placeOf = (inode: Inode): Place => places.get(inode) ?? 0;
  return {
    random: [a >>> 0, b >>> 0, c >>> 0, d >>> 0],
    sleptNs: state.sleptNs,
    stdinPosition: state.stdin.position,
    stdout: contents(state.stdout),
    stderr: contents(state.stderr, stderrBytesKept),
    inodes: inodes.map((inode) => {
      const { number, accessedNs, modifiedNs, changedNs } = inode;
      const content = saveContent(inode, placeOf, paths);
      return { number, accessedNs, modifiedNs, changedNs, ...content };
    }),
    nextNumber: state.files.nextNumber,
    descriptors: Array.from(state.descriptors, (descriptor) => {
      if (descriptor === null) return null;
      const { rights, handsOn, flags } = descriptor;
      const base = { rights, handsOn, flags };
      switch (descriptor.kind) {
        case 'file': {
          const { kind, file, position } = descriptor;
          return { ...base, kind, file: placeOf(file), position };
        }
        case 'directory': {
          const { kind, directory, preopenedAt } = descriptor;
          return { ...base, kind, directory: placeOf(directory), preopenedAt };
        }
        default:
          return { ...base, kind: descriptor.kind };
      }
    }),
  };
}

function saveContent(
  inode: Inode,
  placeOf: (inode: Inode) => Place,
  paths: Map<Uint8Array, string>,
): SavedContent {
  if (inode.kind === 'link') return { kind: 'link', target: inode.target };
  if (inode.kind === 'directory') {
    const { kind, parent, nextCookie } = inode;
    const entries = Array.from(inode.entries, ([name, entry]) => ({
      name,
      cookie: entry.cookie,
      inode: placeOf(entry.inode),
    }));
    return { kind, parent: parent && placeOf(parent), nextCookie, entries };
  }
  const path = inode.isShared ? paths.get(inode.bytes) : undefined;
  if (path !== undefined) return { kind: 'input', path };
  return { kind: 'file', bytes: inode.bytes.slice(0, inode.size) };
}

/** Whatever a kernel can still come to: named below the root, open, or the parent of one that is. */
export function inodesOf({ files, descriptors }: World['state']): Inode[] {
  const found = new Set<Inode>();
  const ahead: Inode[] = [files.root];
  for (const descriptor of descriptors) {
    if (descriptor?.kind === 'file') ahead.push(descriptor.file);
    if (descriptor?.kind === 'directory') ahead.push(descriptor.directory);
  }
  for (let inode = ahead.pop(); inode !== undefined; inode = ahead.pop()) {
    if (found.has(inode)) continue;
    found.add(inode);
    if (inode.kind === 'directory') ahead.push(...around(inode));
  }
  return [...found].sort((a, b) => (a.number < b.number ? -1 : 1));
}

function around({ entries, parent }: Directory): Inode[] {
  const inodes = Array.from(entries.values(), ({ inode }) => inode);
  return parent === null ? inodes : [...inodes, parent];
}

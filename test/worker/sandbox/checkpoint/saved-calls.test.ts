import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadCalls } from '../../../../worker/sandbox/checkpoint/load-calls.ts';
import {
  inodesOf,
  type SavedCalls,
  type SavedInode,
  saveCalls,
} from '../../../../worker/sandbox/checkpoint/saved-calls.ts';
import { SnapshotRefused } from '../../../../worker/sandbox/checkpoint/snapshot.ts';
import { openWorld, type World } from '../../../../worker/sandbox/wasi/world.ts';
import { aRun } from '../a-kernel.ts';
import { aGuest, flag, type Guest, root } from '../wasi/a-guest.ts';

type Files = Record<string, Uint8Array>;
const given = { '/a': 'first', '/b': 'second input' };

/** The guest's inputs by the very bytes that its files share. */
function inputsOf({ world }: Guest): Files {
  const files: Files = {};
  for (const [name, { inode }] of world.state.files.root.entries)
    if (inode.kind === 'file') files[`/${name}`] = inode.bytes;
  return files;
}

function load(saved: SavedCalls, files: Files): World['state'] {
  const run = aRun({ files });
  const { state } = openWorld(run);
  loadCalls(state, saved, run);
  return state;
}

const countsOf = (state: World['state']) => ({
  files: { ...state.files, root: null },
  inodes: inodesOf(state).map(({ number, links, opens }) => ({ number, links, opens })),
});

/** Whatever a kernel may do to files, on few names, so that things meet. */
const actions = fc.array(
  fc.tuple(
    fc.constantFrom(
      ...['create', 'open', 'write', 'read', 'close', 'unlink', 'mkdir', 'rmdir'],
      ...['rename', 'link', 'symlink', 'truncate', 'renumber', 'random', 'openFolder'],
    ),
    fc.nat(11),
    fc.nat(11),
  ),
  { minLength: 1, maxLength: 60 },
);
const paths = ['a', 'b', 'c', 'd', 'd/a', 'd/e', 'd/e/f', 'e', 'e/a', 'f', 'g', 'h'];

function act(guest: Guest, action: string, first: number, second: number): unknown {
  const [path, other] = [paths[first] ?? '', paths[second] ?? ''];
  switch (action) {
    case 'create':
      return guest.open(path, flag.create);
    case 'open':
      return guest.open(path);
    case 'openFolder':
      return guest.open(path, flag.directory);
    case 'write':
      return guest.write(first + 1, `${other} is written`);
    case 'read':
      return guest.read(first + 4, second);
    case 'close':
      return guest.call('fd_close', first + 3);
    case 'unlink':
      return guest.onPath('path_unlink_file', path);
    case 'mkdir':
      return guest.onPath('path_create_directory', path);
    case 'rmdir':
      return guest.onPath('path_remove_directory', path);
    case 'rename':
      return guest.onTwoPaths('path_rename', path, other);
    case 'link':
      return guest.onTwoPaths('path_link', path, other);
    case 'symlink':
      return guest.symlink(path, other);
    case 'truncate':
      return guest.call('fd_filestat_set_size', first + 4, BigInt(second));
    case 'renumber':
      return guest.call('fd_renumber', first, second);
    default:
      return guest.call('random_get', 0, second);
  }
}

describe('what WASI knows of a run', () => {
  it('is the same after it was saved and loaded, whatever the kernel did', () => {
    fc.assert(
      fc.property(actions, (all) => {
        const guest = aGuest(given);
        const files = inputsOf(guest);
        for (const [action, first, second] of all) {
          try {
            act(guest, action, first, second);
          } catch {
            // Refused, as most things a careless kernel tries.
          }
        }
        const saved = saveCalls(guest.world.state, files);
        const loaded = load(saved, files);
        expect(saveCalls(loaded, files)).toEqual(saved);
        expect(countsOf(loaded)).toEqual(countsOf(guest.world.state));
      }),
      { numRuns: 300 },
    );
  });

  it('names the inputs that were left alone and holds the bytes of those that were not', () => {
    const guest = aGuest(given);
    const files = inputsOf(guest);
    guest.write(guest.open('a'), 'F');
    const { inodes } = saveCalls(guest.world.state, files);
    expect(inodes.map(({ kind }) => kind)).toEqual(['directory', 'file', 'input']);
  });
});

describe('state that no kernel could have made is refused:', () => {
  function aState(): { saved: SavedCalls; files: Files } {
    const guest = aGuest(given);
    const files = inputsOf(guest);
    guest.onPath('path_create_directory', 'd');
    guest.onPath('path_create_directory', 'd/e');
    guest.open('d/x', flag.create);
    guest.symlink('a', 'l');
    guest.write(1, 'out');
    return { saved: structuredClone(saveCalls(guest.world.state, files)), files };
  }
  const folder = (saved: SavedCalls, place: number): SavedInode & { kind: 'directory' } => {
    const found = saved.inodes[place];
    if (found?.kind !== 'directory') throw new Error(`${place} is no folder`);
    return found;
  };
  const [d, e, x] = [3, 4, 5];

  const lies: [string, (saved: SavedCalls) => void][] = [
    ['no root', (saved) => saved.inodes.shift()],
    ['a root with a parent', (saved) => (folder(saved, 0).parent = d)],
    ['a second root', (saved) => (folder(saved, d).parent = null)],
    ['folders within each other', (saved) => (folder(saved, d).parent = e)],
    [
      'a folder that contains one above it',
      (saved) => folder(saved, e).entries.push({ name: 'up', cookie: 3, inode: d }),
    ],
    [
      'the root as an entry',
      (saved) => folder(saved, e).entries.push({ name: 'root', cookie: 3, inode: 0 }),
    ],
    ['a folder with another’s parent', (saved) => (folder(saved, e).parent = 0)],
    ['a nameless folder with entries', (saved) => folder(saved, 0).entries.splice(2, 1)],
    [
      'a name that leads nowhere',
      (saved) => (folder(saved, d).entries[0] = { name: 'n', cookie: 3, inode: 99 }),
    ],
    [
      'a name that is none',
      (saved) => Object.assign(folder(saved, d).entries[0] ?? {}, { name: '../a' }),
    ],
    [
      'a name that stands twice',
      (saved) => Object.assign(folder(saved, d).entries[1] ?? {}, { name: 'e' }),
    ],
    [
      'cookies that go back',
      (saved) => Object.assign(folder(saved, d).entries[1] ?? {}, { cookie: 3 }),
    ],
    ['a cookie that will be given again', (saved) => (folder(saved, d).nextCookie = 4)],
    ['a number that will be given again', (saved) => (saved.nextNumber = 3n)],
    ['two inodes of one number', (saved) => Object.assign(saved.inodes[x] ?? {}, { number: 5n })],
    [
      'an inode that nobody reaches',
      (saved) =>
        saved.inodes.push({
          number: 90n,
          accessedNs: 0n,
          modifiedNs: 0n,
          changedNs: 0n,
          kind: 'link',
          target: 'a',
        }),
    ],
    [
      'an input that the unit has not',
      (saved) => Object.assign(saved.inodes[1] ?? {}, { path: '/etc/passwd' }),
    ],
    [
      'a link longer than any path',
      (saved) => Object.assign(saved.inodes[6] ?? {}, { target: 'x'.repeat(5000) }),
    ],
    ['more read than there is', (saved) => (saved.stdinPosition = 1)],
    ['more written than allowed', (saved) => (saved.stdout = new Uint8Array(2 ** 20 + 1))],
    ['more last words than are kept', (saved) => (saved.stderr = new Uint8Array(2 ** 15))],
    [
      'files beyond their quota',
      (saved) => Object.assign(saved.inodes[x] ?? {}, { bytes: new Uint8Array(2 ** 27 + 1) }),
    ],
    [
      'a descriptor of a folder for a file',
      (saved) => Object.assign(saved.descriptors[4] ?? {}, { file: d }),
    ],
    ['a descriptor of nothing', (saved) => Object.assign(saved.descriptors[4] ?? {}, { file: 99 })],
    [
      'a descriptor with rights beyond its kind',
      (saved) => Object.assign(saved.descriptors[0] ?? {}, { rights: 1n << 6n }),
    ],
    [
      'a descriptor with unknown flags',
      (saved) => Object.assign(saved.descriptors[1] ?? {}, { flags: 64 }),
    ],
    [
      'a folder made later that was there before',
      (saved) => Object.assign(saved.descriptors[root] ?? {}, { directory: d }),
    ],
    [
      'too many descriptors',
      (saved) => saved.descriptors.push(...Array.from({ length: 256 }, () => null)),
    ],
  ];
  it.each(lies)('%s', (_, lie) => {
    const { saved, files } = aState();
    expect(() => load(saved, files)).not.toThrow();
    lie(saved);
    expect(() => load(saved, files)).toThrow(SnapshotRefused);
  });
});

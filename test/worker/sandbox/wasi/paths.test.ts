import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { errno, Refusal } from '../../../../worker/sandbox/wasi/errno.ts';
import type { Directory, Inode } from '../../../../worker/sandbox/wasi/file-system.ts';
import { type FollowLast, findPlace } from '../../../../worker/sandbox/wasi/paths.ts';
import { aGuest, flag, root } from './a-guest.ts';

/** A tree of folders, files and links that point all over, at the root's `jail` and beside it. */
const aTree = () => {
  const guest = aGuest({ '/jail/a/file': '', '/jail/a/b/deep': '', '/outside/secret': '' });
  const links = {
    'jail/up': '..',
    'jail/a/up': '../..',
    'jail/a/b/loop': 'loop',
    'jail/a/b/ping': 'pong',
    'jail/a/b/pong': 'ping',
    'jail/a/round': '../a/b/../b/.',
    'jail/tree': 'a/b/../../a/',
    'jail/nowhere': 'a/missing',
    'jail/out': '../outside/secret',
  };
  for (const [path, target] of Object.entries(links))
    expect(guest.symlink(target, path)).toBe(errno.success);
  const jail = guest.world.state.files.root.entries.get('jail')?.inode;
  if (jail?.kind !== 'directory') throw new Error('no jail');
  return { guest, jail };
};

const name = fc.constantFrom(
  'a',
  'b',
  'file',
  'deep',
  'up',
  'loop',
  'ping',
  'round',
  'tree',
  'nowhere',
  'out',
  'new',
  '.',
  '..',
  '',
  'outside',
  'secret',
  'jail',
  'ä',
  'x'.repeat(255),
  'x'.repeat(256),
);
const paths = fc.array(name, { minLength: 1, maxLength: 12 }).map((names) => names.join('/'));
const follows = fc.constantFrom<FollowLast>('always', 'ifSlash', 'never');

const isBelow = (folder: Directory, top: Directory): boolean => {
  for (let at: Directory | null = folder; at !== null; at = at.parent) if (at === top) return true;
  return false;
};

const find = (base: Directory, path: string, follow: FollowLast) => {
  let steps = 0;
  try {
    return { place: findPlace(base, path, follow, () => steps++), steps, refused: null };
  } catch (error) {
    if (error instanceof Refusal) return { place: null, steps, refused: error.errno };
    throw error;
  }
};

/** What the path means, the slow and plain way: always from the left, links replaced by text. */
function reference(base: Directory, path: string, depth = 0): Inode | null {
  if (depth > 32 || path.startsWith('/')) return null;
  const stack: Directory[] = [base];
  const names = path.split('/').filter((part) => part !== '');
  for (const [i, part] of names.entries()) {
    const here = stack.at(-1);
    if (here === undefined) return null;
    if (part === '.') continue;
    if (part === '..') {
      stack.pop();
      if (stack.length === 0) return null;
      continue;
    }
    const inode = here.entries.get(part)?.inode ?? null;
    const rest = names.slice(i + 1);
    if (inode?.kind === 'link') {
      // Back to a path from the base: the folders walked so far, the link's text, the rest.
      const walked = stack.slice(1).map((folder) => nameOf(folder));
      return reference(base, [...walked, inode.target, ...rest].join('/'), depth + 1);
    }
    if (rest.length === 0) return inode;
    if (inode?.kind !== 'directory') return null;
    stack.push(inode);
  }
  return names.length === 0 ? null : (stack.at(-1) ?? null);
}

function nameOf(folder: Directory): string {
  for (const [name, { inode }] of folder.parent?.entries ?? []) if (inode === folder) return name;
  throw new Error('a folder without a name');
}

describe('a path', () => {
  it('[S1] never leads out of the folder it starts from', () => {
    const { jail } = aTree();
    fc.assert(
      fc.property(paths, follows, (path, follow) => {
        const { place } = find(jail, path, follow);
        if (place !== null) expect(isBelow(place.parent, jail)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('leads where walking it name by name leads', () => {
    const { jail } = aTree();
    fc.assert(
      fc.property(
        paths.filter((path) => !/x{255}/.test(path)),
        (path) => {
          const { place } = find(jail, path, 'always');
          expect(place?.inode?.number ?? null).toBe(reference(jail, path)?.number ?? null);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('[S2] costs a bounded number of steps, links and all', () => {
    const { jail } = aTree();
    fc.assert(
      fc.property(paths, follows, (path, follow) => {
        expect(find(jail, path, follow).steps).toBeLessThan(33 * 12);
      }),
    );
  });

  it('is refused with the reason', () => {
    const { guest, jail } = aTree();
    const refusal = (path: string) => find(jail, path, 'always').refused;
    expect(refusal('')).toBe(errno.noEntry);
    expect(refusal('/a')).toBe(errno.notPermitted);
    expect(refusal('..')).toBe(errno.notPermitted);
    expect(refusal('a/../..')).toBe(errno.notPermitted);
    expect(refusal('up/outside')).toBe(errno.notPermitted);
    expect(refusal('out')).toBe(errno.notPermitted);
    expect(refusal('a/b/loop')).toBe(errno.tooManyLinks);
    expect(refusal('a/b/ping')).toBe(errno.tooManyLinks);
    expect(refusal('a/file/x')).toBe(errno.notDirectory);
    expect(refusal('missing/x')).toBe(errno.noEntry);
    expect(refusal('a\0b')).toBe(errno.invalid);
    expect(refusal('é'.repeat(128))).toBe(errno.nameTooLong);
    expect(refusal('é'.repeat(127))).toBe(null);
    expect(guest.onPath('path_create_directory', 'x/'.repeat(2049))).toBe(errno.nameTooLong);
  });

  it('that is not UTF-8 is refused, and a byte order mark is part of the name', () => {
    const guest = aGuest();
    new Uint8Array(guest.memory.buffer).set([0xff, 0xfe], 2000);
    expect(guest.call('path_create_directory', root, 2000, 2)).toBe(errno.illegalBytes);
    expect(guest.onPath('path_create_directory', '\uFEFFa')).toBe(errno.success);
    expect(guest.list(root)).toEqual(['.', '..', '\uFEFFa']);
  });

  it('to a link opens what it points at, or is refused when links are not followed', () => {
    const guest = aGuest({ '/a': 'text' });
    guest.symlink('a', 'link');
    expect(guest.read(guest.open('link'))).toBe('text');
    expect(() => guest.open('link', 0, { follow: false })).toThrow('tooManyLinks');
    expect(() => guest.open('link', flag.create | flag.exclusive)).toThrow('exists');
  });
});

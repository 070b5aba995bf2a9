import { describe, expect, it } from 'vitest';
import { errno } from '../../../../worker/sandbox/wasi/errno.ts';
import { aGuest, flag, root } from './a-guest.ts';

describe('a file', () => {
  it('keeps what was written, from wherever it is read', () => {
    const guest = aGuest();
    const file = guest.open('a', flag.create);
    guest.write(file, 'hello, world');
    expect(guest.call('fd_seek', file, 7n, 0, 64)).toBe(errno.success);
    expect(guest.read(file)).toBe('world');
    expect(guest.read(guest.open('a'))).toBe('hello, world');
  });

  it('has zeros where nothing was written', () => {
    const guest = aGuest();
    const file = guest.open('a', flag.create);
    guest.call('fd_seek', file, 3n, 0, 64);
    guest.write(file, 'x');
    expect(guest.read(guest.open('a'))).toBe('\0\0\0x');
  });

  it('has zeros, not its old bytes, where it was cut and grew again', () => {
    const guest = aGuest({ '/a': 'secret' });
    const file = guest.open('a');
    guest.call('fd_filestat_set_size', file, 2n);
    guest.call('fd_filestat_set_size', file, 6n);
    expect(guest.read(file)).toBe('se\0\0\0\0');
  });

  it('opened to append is written at its end, whoever wrote before', () => {
    const guest = aGuest({ '/log': 'one ' });
    const [first, second] = [guest.open('log'), guest.open('log', 0, { append: true })];
    guest.write(second, 'two ');
    guest.write(first, 'ONE');
    guest.write(second, 'three');
    expect(guest.read(guest.open('log'))).toBe('ONE two three');
  });

  it('is there for its descriptor after its name has gone, and its bytes are free after both', () => {
    const guest = aGuest();
    const file = guest.open('a', flag.create);
    guest.write(file, 'still here');
    expect(guest.onPath('path_unlink_file', 'a')).toBe(errno.success);
    expect(() => guest.open('a')).toThrow('noEntry');
    guest.call('fd_seek', file, 0n, 0, 64);
    expect(guest.read(file)).toBe('still here');
    expect(guest.world.state.files.bytesUsed).toBe(10);
    guest.call('fd_close', file);
    expect(guest.world.state.files).toMatchObject({ bytesUsed: 0, inodes: 1 });
  });

  it('is one under two names until the last is gone', () => {
    const guest = aGuest({ '/a': 'same' });
    expect(guest.onTwoPaths('path_link', 'a', 'b')).toBe(errno.success);
    expect(guest.onPath('path_unlink_file', 'a')).toBe(errno.success);
    expect(guest.read(guest.open('b'))).toBe('same');
  });

  it('replaces another when it takes its name', () => {
    const guest = aGuest({ '/a': 'new', '/b': 'old' });
    expect(guest.onTwoPaths('path_rename', 'a', 'b')).toBe(errno.success);
    expect(guest.read(guest.open('b'))).toBe('new');
    expect(guest.list(root)).toEqual(['.', '..', 'b']);
    expect(guest.world.state.files.inodes).toBe(2);
  });
});

describe('a folder', () => {
  it('lists what it holds in the order of making, however small the buffer', () => {
    const guest = aGuest({ '/b': '', '/a': '' });
    guest.onPath('path_create_directory', 'c');
    for (const bytes of [26, 40, 60, 1000])
      expect(guest.list(root, bytes)).toEqual(['.', '..', 'a', 'b', 'c']);
  });

  it('lists each name once while names are removed behind the reader', () => {
    const names = Array.from({ length: 20 }, (_, i) => `file-${i}`);
    const guest = aGuest(Object.fromEntries(names.map((name) => [`/${name}`, ''])));
    const seen: string[] = [];
    let cookie = 0n;
    for (;;) {
      // One entry at a time, removed as soon as it is seen.
      guest.call('fd_readdir', root, 2000, 24 + 7, cookie, 64);
      const view = new DataView(guest.memory.buffer);
      if (view.getUint32(64, true) === 0) break;
      cookie = view.getBigUint64(2000, true);
      const length = Math.min(7, view.getUint32(2016, true));
      const name = new TextDecoder().decode(new Uint8Array(guest.memory.buffer, 2024, length));
      if (name.startsWith('.')) continue;
      seen.push(name);
      guest.onPath('path_unlink_file', name);
    }
    expect(seen.sort()).toEqual(names.sort());
  });

  it('cannot be removed while it holds something, nor moved into itself', () => {
    const guest = aGuest({ '/a/b/file': '' });
    expect(guest.onPath('path_remove_directory', 'a/b')).toBe(errno.notEmpty);
    expect(guest.onTwoPaths('path_rename', 'a', 'a/b/c')).toBe(errno.invalid);
    expect(guest.onPath('path_unlink_file', 'a/b/file')).toBe(errno.success);
    expect(guest.onPath('path_remove_directory', 'a/b')).toBe(errno.success);
  });

  it('that was removed while open takes no more names', () => {
    const guest = aGuest({ '/a/b/file': '' });
    const folder = guest.open('a/b', flag.directory);
    guest.onPath('path_unlink_file', 'a/b/file');
    guest.onPath('path_remove_directory', 'a/b');
    const name = new TextEncoder().encode('late');
    new Uint8Array(guest.memory.buffer).set(name, 2000);
    expect(guest.call('path_create_directory', folder, 2000, name.length)).toBe(errno.noEntry);
    guest.call('fd_close', folder);
    expect(guest.world.state.files.inodes).toBe(2);
  });
});

describe('quotas', () => {
  it('[S2] bytes: a write past them is refused and the rest goes on', () => {
    const guest = aGuest({ '/input': 'costs nothing' });
    guest.world.state.files.bytesMax = 10;
    const file = guest.open('a', flag.create);
    guest.write(file, '123456');
    const other = guest.open('b', flag.create);
    expect(() => guest.write(other, '12345')).toThrow('noSpace');
    expect(() => guest.write(guest.open('input'), 'x')).toThrow('noSpace');
    expect(guest.write(other, '1234')).toBe(4);
    guest.onPath('path_unlink_file', 'a');
    guest.call('fd_close', file);
    expect(guest.write(other, '567890')).toBe(6);
  });

  it('[S2] inodes: one too many is refused', () => {
    const guest = aGuest();
    guest.world.state.files.inodesMax = 3;
    guest.open('a', flag.create);
    expect(guest.onPath('path_create_directory', 'b')).toBe(errno.success);
    expect(() => guest.open('c', flag.create)).toThrow('noSpace');
    expect(guest.onPath('path_create_directory', 'c')).toBe(errno.noSpace);
    expect(guest.symlink('a', 'c')).toBe(errno.noSpace);
  });

  it('[S2] descriptors: one too many is refused, and a refused create leaves no file', () => {
    const guest = aGuest({ '/a': '' });
    let opened = 0;
    expect(() => {
      for (;;) {
        guest.open('a');
        opened++;
      }
    }).toThrow('tooManyDescriptors');
    expect(opened).toBe(252);
    expect(() => guest.open('b', flag.create)).toThrow('tooManyDescriptors');
    guest.call('fd_close', 100);
    expect(guest.open('a')).toBe(100);
    expect(guest.list(root)).toEqual(['.', '..', 'a']);
  });
});

describe('the standard streams', () => {
  it('are no terminals: of unknown type, without seek and tell', () => {
    const guest = aGuest();
    for (const stream of [0, 1, 2]) {
      expect(guest.call('fd_fdstat_get', stream, 64)).toBe(errno.success);
      const view = new DataView(guest.memory.buffer);
      expect(view.getUint8(64)).toBe(0);
      expect(guest.call('fd_seek', stream, 0n, 0, 128)).toBe(errno.notSeekable);
    }
  });

  it('can be closed, and another file can take their place', () => {
    const guest = aGuest();
    const file = guest.open('out', flag.create);
    expect(guest.call('fd_renumber', file, 1)).toBe(errno.success);
    guest.write(1, 'to the file');
    expect(guest.call('fd_close', file)).toBe(errno.badDescriptor);
    expect(guest.read(guest.open('out'))).toBe('to the file');
    expect(guest.world.state.stdout.length).toBe(0);
  });
});

it('the whole state survives structured clone', () => {
  const guest = aGuest({ '/a/b': 'text' });
  guest.open('a/c', flag.create);
  guest.symlink('a', 'link');
  expect(structuredClone(guest.world.state)).toEqual(guest.world.state);
});

/** Whatever numbers a kernel passes, a call answers with a number of WASI's and nothing breaks. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allowedImport } from '../../../../kernel/meter/imports.ts';
import { Ending } from '../../../../worker/sandbox/wasi/ending.ts';
import { errno } from '../../../../worker/sandbox/wasi/errno.ts';
import { wasiImports, wasiModuleName } from '../../../../worker/sandbox/wasi/imports.ts';
import { aGuest, flag, type Guest, root } from './a-guest.ts';

const names = Object.keys(wasiImports(aGuest().world));
const parametersOf = (name: string): string[] => [
  ...(allowedImport(wasiModuleName, name)?.split('>')[0] ?? ''),
];

/** The one page of memory ends at 65536; pointers crowd around its edges and around the sign. */
const i32 = fc.oneof(
  fc.constantFrom(0, 1, 2, 3, 4, 5, 8, 64, 65_528, 65_535, 65_536, 65_537, -1, -8, -65_536),
  fc.constantFrom(0x7fff_ffff, -0x8000_0000, 1024, 1025, 4096),
  fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }),
  fc.integer({ min: 0, max: 300 }),
);
const i64 = fc.oneof(
  fc.constantFrom(0n, 1n, -1n, 1n << 40n, (1n << 63n) - 1n, -(1n << 63n), 1n << 53n),
  fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }),
  fc.bigInt({ min: 0n, max: 200n }),
);
const calls = fc
  .constantFrom(...names)
  .chain((name) =>
    fc.tuple(
      fc.constant(name),
      fc.tuple(...parametersOf(name).map((type) => (type === 'I' ? i64 : i32))),
    ),
  );

/** What a kernel may have lying in its memory: paths, lists of buffers, garbage. */
function fillMemory(guest: Guest, seed: number): void {
  const bytes = new Uint8Array(guest.memory.buffer);
  for (let i = 0; i < bytes.length; i++) bytes[i] = (i * seed) >> 3;
  bytes.set(new TextEncoder().encode('a/b/../link/new'), 64);
  const view = new DataView(guest.memory.buffer);
  for (const [i, pair] of [
    [64, 100],
    [65_000, 536],
    [65_000, 537],
    [-1, 1],
    [0, 65_536],
  ].entries()) {
    view.setInt32(200 + i * 8, pair[0] ?? 0, true);
    view.setInt32(204 + i * 8, pair[1] ?? 0, true);
  }
}

describe('[S1] a WASI call', () => {
  it('exists for each import that a kernel may have, with its parameters', () => {
    expect(names).toHaveLength(46);
    for (const name of names) expect(allowedImport(wasiModuleName, name), name).not.toBeNull();
  });

  it('answers any numbers with a number, and throws nothing but the end of the run', () => {
    const known = new Set<number>(Object.values(errno));
    fc.assert(
      fc.property(fc.array(calls, { minLength: 1, maxLength: 40 }), fc.nat(255), (made, seed) => {
        const guest = aGuest({ '/a/b/c': 'text', '/file': 'more' });
        guest.symlink('a', 'link');
        guest.open('file');
        guest.open('a', flag.directory);
        guest.world.state.files.bytesMax = 100_000;
        fillMemory(guest, seed);
        for (const [name, args] of made) {
          try {
            expect(known).toContain(guest.call(name, ...args));
          } catch (error) {
            if (!(error instanceof Ending)) throw error;
            if (error.cause.kind !== 'exit') return;
          }
        }
      }),
      { numRuns: 1500 },
    );
  });

  const beyond = 65_536;
  const file = 4;
  const folder = root;
  it.each<[string, ...(number | bigint)[]]>([
    ['args_get', beyond, 0],
    ['args_get', 0, beyond],
    ['args_sizes_get', beyond, 0],
    ['args_sizes_get', 0, beyond - 3],
    ['environ_sizes_get', 0, beyond],
    ['clock_res_get', 0, beyond - 7],
    ['clock_time_get', 0, 0n, -8],
    ['fd_fdstat_get', file, beyond - 23],
    ['fd_filestat_get', file, beyond - 63],
    ['fd_pread', file, beyond, 1, 0n, 0],
    ['fd_pread', file, 0, 1, 0n, beyond],
    ['fd_prestat_get', folder, beyond - 7],
    ['fd_prestat_dir_name', folder, beyond, 1],
    ['fd_pwrite', file, -1, 1, 0n, 0],
    ['fd_read', 0, beyond - 7, 1, 0],
    ['fd_readdir', folder, 0, beyond + 1, 0n, 0],
    ['fd_readdir', folder, beyond - 1, 2, 0n, 0],
    ['fd_seek', file, 0n, 0, beyond - 7],
    ['fd_tell', file, beyond],
    ['fd_write', 1, beyond, 1, 0],
    ['fd_write', 1, 0, 0, beyond - 3],
    ['path_create_directory', folder, beyond - 1, 2],
    ['path_filestat_get', folder, 0, 64, 4, beyond - 63],
    ['path_open', folder, 0, -1, 1, 0, 0n, 0n, 0, 0],
    ['path_open', folder, 0, 64, 4, 0, 0n, 0n, 0, beyond - 3],
    ['path_readlink', folder, 70, 4, beyond - 1, 2, 0],
    ['path_symlink', beyond, 1, folder, 64, 4],
    ['poll_oneoff', beyond - 47, 0, 1, 0],
    ['poll_oneoff', 0, beyond - 31, 1, 0],
    ['poll_oneoff', 0, 0, 1, beyond],
    ['random_get', 0, beyond + 1],
    ['random_get', -1, 2],
  ])('answers EFAULT past the end of memory: %s', (name, ...args) => {
    const guest = aGuest({ '/file': 'text' });
    guest.symlink('file', 'link');
    guest.open('file');
    new Uint8Array(guest.memory.buffer).fill(0);
    new Uint8Array(guest.memory.buffer).set(new TextEncoder().encode('file  link'), 64);
    expect(guest.call(name, ...args)).toBe(errno.fault);
    expect(guest.world.state.stdout.length).toBe(0);
  });

  it('sees the memory that a kernel has grown since', () => {
    const guest = aGuest();
    expect(guest.call('random_get', 65_536, 8)).toBe(errno.fault);
    guest.memory.grow(1);
    expect(guest.call('random_get', 65_536, 8)).toBe(errno.success);
    expect(new Uint8Array(guest.memory.buffer, 65_536, 8).some((byte) => byte !== 0)).toBe(true);
  });
});

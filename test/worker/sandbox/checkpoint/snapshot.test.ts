import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeSnapshot, encodeSnapshot } from '../../../../worker/sandbox/checkpoint/codec.ts';
import { packSnapshot, unpackSnapshot } from '../../../../worker/sandbox/checkpoint/pack.ts';
import { type Snapshot, SnapshotRefused } from '../../../../worker/sandbox/checkpoint/snapshot.ts';
import type { UnitEnd } from '../../../../worker/sandbox/sandbox.ts';
import { aKernel, aRun, wasmOf } from '../a-kernel.ts';
import { firstSnapshot, meterForCheckpoints, moduleOf, stopOrEnd } from './a-stoppable-kernel.ts';

const text = `(module
  (import "wasi_snapshot_preview1" "path_create_directory"
    (func $mkdir (param i32 i32 i32) (result i32)))
  (memory (export "memory") 1 4) (data (i32.const 5000) "folder")
  (global $i (mut i32) (i32.const -5)) (global $l (mut i64) (i64.const -6))
  (global $d (mut f64) (f64.const -0.0)) (global $f (mut f32) (f32.const 0.1))
  (func (export "_start") (drop (call $mkdir (i32.const 3) (i32.const 5000) (i32.const 6))))
  (func (export "step") (result i32) (i32.const 0)))`;
const module = moduleOf(meterForCheckpoints(wasmOf(text)));
const run = aRun({ files: { '/in/data': new Uint8Array(9) } });
const snapshot = firstSnapshot(module, run);
const encoded = encodeSnapshot(snapshot);
const bytesMax = 1_000_000;

/** Somewhere in what is not memory: of that nearly every byte may be anything. */
const place = fc.oneof(
  fc.nat(60),
  fc.nat(400).map((back) => encoded.length - 1 - back),
);

const refusal = (bytes: Uint8Array): string => {
  try {
    decodeSnapshot(bytes);
    return 'accepted';
  } catch (error) {
    if (error instanceof SnapshotRefused) return error.message;
    throw error;
  }
};

describe('a snapshot', () => {
  it('holds memory without its zeros, globals with their types, and inputs by name', () => {
    expect(snapshot.memory).toMatchObject({ pages: 1, parts: [{ index: 1 }] });
    expect(snapshot.globals.slice(0, 4)).toEqual([-5, -6n, -0, Math.fround(0.1)]);
    expect(snapshot.calls.inodes.map(({ kind }) => kind)).toContain('input');
    expect(encoded.length).toBeLessThan(5000);
  });

  it('is the same after it was encoded and decoded, and so are its bytes', () => {
    expect(decodeSnapshot(encoded)).toEqual(snapshot);
    expect(encodeSnapshot(decodeSnapshot(encoded))).toEqual(encoded);
    expect(encodeSnapshot(firstSnapshot(module, run))).toEqual(encoded);
  });

  it('of another version, cut short or followed by something is refused', () => {
    const other = encoded.slice();
    other[3] = 2;
    expect(refusal(other)).toContain('another version');
    for (let length = 0; length < encoded.length; length += length < 300 ? 1 : 97)
      expect(refusal(encoded.subarray(0, length))).toContain('refused');
    expect(refusal(new Uint8Array([...encoded, 0]))).toContain('follows its end');
  });

  it('has one encoding: changed bytes are refused, or another snapshot', () => {
    const places = fc.array(fc.tuple(place, fc.nat(255)), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(places, (changes) => {
        const changed = encoded.slice();
        for (const [at, byte] of changes) changed[at] = byte;
        if (refusal(changed) === 'accepted')
          expect(Buffer.compare(encodeSnapshot(decodeSnapshot(changed)), changed)).toBe(0);
      }),
      { numRuns: 3000 },
    );
  });

  it('with changed bytes ends as some run does, whatever they say', () => {
    const end = (bytes: Uint8Array): Snapshot | UnitEnd =>
      stopOrEnd(module, run, () => false, decodeSnapshot(bytes));
    expect(end(encoded)).toMatchObject({ outcome: 'success' });
    fc.assert(
      fc.property(place, fc.nat(255), (at, byte) => {
        const changed = encoded.slice();
        changed[at] = byte;
        if (refusal(changed) === 'accepted') expect(end(changed)).toHaveProperty('outcome');
      }),
      { numRuns: 500 },
    );
  });
});

describe('a snapshot that does not fit the run is a fault of the host:', () => {
  const steps = '(func (export "_start")) (func (export "step") (result i32) (i32.const 0))';
  const other = (fields: string) =>
    moduleOf(meterForCheckpoints(wasmOf(`(module (memory (export "memory") 1 4) ${fields})`)));
  const changed = (change: Partial<Snapshot>): Snapshot => ({ ...snapshot, ...change });
  const { globals, memory } = snapshot;
  const stack = new Uint8Array(8);

  const cases: [string, WebAssembly.Module, Snapshot][] = [
    ['of a kernel with other globals', other(steps), snapshot],
    ['with a global of another type', module, changed({ globals: [1n, ...globals.slice(1)] })],
    ['with a global beyond its type', module, changed({ globals: [2 ** 40, ...globals.slice(1)] })],
    [
      'with more fuel than there ever was',
      module,
      changed({ globals: globals.map((each, nth) => (nth === 4 ? 2n ** 60n : each)) }),
    ],
    [
      'with less than no fuel',
      module,
      changed({ globals: globals.map((each, nth) => (nth === 4 ? -1n : each)) }),
    ],
    [
      'with more memory than the kernel may have',
      module,
      changed({ memory: { ...memory, pages: 5 } }),
    ],
    ['with less memory than it begins with', module, changed({ memory: { pages: 0, parts: [] } })],
    [
      'within a call, of a kernel not made for that',
      module,
      changed({ position: { entry: 'start', stack } }),
    ],
    ['of a kernel that nobody metered for checkpoints', aKernel(text), snapshot],
  ];
  it.each(cases)('%s', (_, kernel, given) => {
    const end = stopOrEnd(kernel, run, () => false, given);
    expect(end).toMatchObject({ outcome: 'host_error', exitCode: null });
    expect(end).toHaveProperty('detail', expect.stringContaining('host'));
  });

  it('for a unit without its inputs', () => {
    const end = stopOrEnd(module, aRun(), () => false, snapshot);
    expect(end).toMatchObject({ outcome: 'host_error' });
  });
});

describe('a packed snapshot', () => {
  it('is small, and named by the SHA-256 of its bytes before', async () => {
    const packed = await packSnapshot(snapshot);
    expect(packed.bytes.length).toBeLessThan(encoded.length / 5);
    expect(packed.digest).toEqual(new Uint8Array(createHash('sha256').update(encoded).digest()));
    expect(await unpackSnapshot(packed, bytesMax)).toEqual(snapshot);
  });

  it('is refused when it is another, too large, cut short or not packed at all', async () => {
    const { digest, bytes } = await packSnapshot(snapshot);
    const refused = (packed: Parameters<typeof unpackSnapshot>[0], max = bytesMax) =>
      expect(unpackSnapshot(packed, max)).rejects.toThrow(SnapshotRefused);
    await refused({ digest: new Uint8Array(32), bytes });
    await refused({ digest: new Uint8Array(0), bytes });
    await refused({ digest, bytes }, encoded.length - 1);
    await refused({ digest, bytes: bytes.subarray(0, 40) });
    await refused({ digest, bytes: encoded });
    await refused({ digest, bytes: new Uint8Array(gzipSync(new Uint8Array(50_000_000))) });
  });
});

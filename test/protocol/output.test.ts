import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeOutput, encodeOutput, type UnitOutput } from '../../protocol/output.ts';

const bytes = fc.uint8Array({ maxLength: 300 });
const path = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).map((s) => `/${s}`);
const output: fc.Arbitrary<UnitOutput> = fc.record({
  stdout: bytes,
  files: fc.dictionary(path, bytes, { maxKeys: 4 }),
});

const plain = ({ stdout, files }: UnitOutput) => ({
  stdout: [...stdout],
  files: Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, [...bytes]])),
});

/** Decodes, or says that it was refused. Anything but a RangeError or a TypeError is our own bug. */
function decoded(bytes: Uint8Array): UnitOutput | null {
  try {
    return decodeOutput(bytes);
  } catch (error) {
    expect([RangeError, TypeError]).toContain((error as Error).constructor);
    return null;
  }
}

describe('an encoded output', () => {
  test('comes back as it was', () => {
    fc.assert(
      fc.property(output, (original) => {
        expect(plain(decodeOutput(encodeOutput(original)))).toEqual(plain(original));
      }),
    );
  });

  test('does not depend on the order in which files were written', () => {
    fc.assert(
      fc.property(output, ({ stdout, files }) => {
        const reversed = Object.fromEntries(Object.entries(files).reverse());
        expect(encodeOutput({ stdout, files: reversed })).toEqual(encodeOutput({ stdout, files }));
      }),
    );
  });

  test('of nothing is three bytes', () => {
    expect([...encodeOutput({ stdout: new Uint8Array(), files: {} })]).toEqual([1, 0, 0]);
  });

  test('is refused when any end of it is missing or anything follows it', () => {
    fc.assert(
      fc.property(output, fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 5 }), (o, n, tail) => {
        const encoded = encodeOutput(o);
        expect(() => decodeOutput(encoded.subarray(0, n % encoded.length))).toThrow();
        expect(() => decodeOutput(Uint8Array.from([...encoded, ...tail]))).toThrow();
      }),
    );
  });

  test('has one form only: whatever decodes, encodes to the same bytes', () => {
    fc.assert(
      fc.property(output, fc.nat(), fc.integer({ min: 1, max: 255 }), (o, n, flip) => {
        const mutated = encodeOutput(o);
        const at = n % mutated.length;
        mutated[at] = (mutated[at] ?? 0) ^ flip;
        const back = decoded(mutated);
        if (back !== null) expect([...encodeOutput(back)]).toEqual([...mutated]);
      }),
      { numRuns: 500 },
    );
  });

  test('that is any bytes at all is decoded or refused, and never runs away', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const back = decoded(bytes);
        if (back !== null) expect([...encodeOutput(back)]).toEqual([...bytes]);
      }),
      { numRuns: 500 },
    );
  });

  const utf8 = new TextEncoder();
  const file = (name: string) => [utf8.encode(name).length, ...utf8.encode(name), 0];
  const mistakes: Record<string, number[]> = {
    'an unknown format': [2, 0, 0],
    'no bytes': [],
    'a long varint': [1, 0x80, 0, 0],
    'a varint over 32 bits': [1, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0],
    'more stdout than there are bytes': [1, 5, 1, 2],
    'files out of order': [1, 0, 2, ...file('/b'), ...file('/a')],
    'the same file twice': [1, 0, 2, ...file('/a'), ...file('/a')],
    'a path that is not UTF-8': [1, 0, 1, 2, 0x2f, 0xff, 0],
    'a count of files that never come': [1, 0, 0xff, 0xff, 0xff, 0xff, 0x0f],
  };
  test.each(Object.entries(mistakes))('is refused with %s', (_, bytes) => {
    expect(() => decodeOutput(Uint8Array.from(bytes))).toThrow();
  });

  test('keeps a file named __proto__ a file', () => {
    const files = Object.create(null);
    Object.defineProperty(files, '__proto__', { value: Uint8Array.of(1), enumerable: true });
    const back = decodeOutput(encodeOutput({ stdout: new Uint8Array(), files }));
    expect(Object.keys(back.files)).toEqual(['__proto__']);
  });
});

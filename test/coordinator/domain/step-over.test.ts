import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { smallNumbersAt, stepOver } from '../../../coordinator/domain/step-over.ts';

const packr = new Packr({ useRecords: false, int64AsType: 'number' });
/** A copy: the packer packs the next value into the same memory. */
const pack = (value: unknown): Uint8Array => Uint8Array.from(packr.pack(value));

const anyValue = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.string({ maxLength: 70_000, size: 'max' }),
    fc.uint8Array({ maxLength: 70_000, size: 'max' }).map((bytes) => Buffer.from(bytes)),
    fc.array(tie('value'), { maxLength: 20 }),
    fc.array(fc.nat(), { minLength: 15, maxLength: 70_000, size: 'max' }),
    fc.dictionary(fc.string({ maxLength: 5 }), tie('value'), { maxKeys: 20 }),
  ),
})).value;

describe('stepping over MessagePack', () => {
  it('ends where the value ends, whatever it is and whatever comes after it', () => {
    fc.assert(
      fc.property(anyValue, fc.uint8Array({ maxLength: 8 }), (value, rest) => {
        const packed = pack(value);
        expect(stepOver(Buffer.concat([packed, rest]), 0)).toBe(packed.length);
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['bin 32', [0xc6, 0, 0, 0, 1, 7]],
    ['ext 8', [0xc7, 2, 1, 7, 7]],
    ['ext 16', [0xc8, 0, 1, 1, 7]],
    ['ext 32', [0xc9, 0, 0, 0, 1, 1, 7]],
    ['fixext 1', [0xd4, 1, 7]],
    ['fixext 16', [0xd8, 1, ...new Array<number>(16).fill(7)]],
    ['array 32', [0xdd, 0, 0, 0, 2, 1, 1]],
    ['map 16', [0xde, 0, 1, 1, 1]],
    ['map 32', [0xdf, 0, 0, 0, 1, 1, 1]],
    ['float 32', [0xca, 0, 0, 0, 0]],
  ])('knows %s, which is not written here', (_, bytes) => {
    expect(stepOver(Uint8Array.from([...bytes, 0xc0]), 0)).toBe(bytes.length);
  });

  it('throws at a value that is cut off', () => {
    fc.assert(
      fc.property(anyValue, fc.nat(), (value, cut) => {
        const packed = pack(value);
        const part = packed.subarray(0, cut % packed.length);
        expect(() => stepOver(part, 0)).toThrow('cut off');
      }),
    );
  });

  it('reads small numbers in place, and says when there are others', () => {
    const numbers = fc.array(fc.nat({ max: 65_535 }), { maxLength: 300 });
    fc.assert(
      fc.property(numbers, (values) => {
        expect(smallNumbersAt(pack(values), 0)).toEqual(values);
      }),
    );
    for (const other of [[65_536], [-1], [1.5], ['a'], 'a', 7])
      expect(smallNumbersAt(pack(other), 0)).toBeNull();
  });
});

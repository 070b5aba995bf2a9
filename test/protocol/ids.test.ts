import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  accountIdSchema,
  digestSchema,
  hostIdSchema,
  idFromBytes,
  jobIdSchema,
  leaseIdSchema,
} from '../../protocol/ids.ts';

const schemas = { j: jobIdSchema, h: hostIdSchema, a: accountIdSchema, l: leaseIdSchema } as const;
const letters = Object.keys(schemas) as (keyof typeof schemas)[];
const tenBytes = fc.uint8Array({ minLength: 10, maxLength: 10 });

describe('an id', () => {
  test('is accepted by the schema of its letter and by no other', () => {
    fc.assert(
      fc.property(fc.constantFrom(...letters), tenBytes, (letter, bytes) => {
        const id = idFromBytes(letter, bytes);
        for (const other of letters) {
          expect(schemas[other].safeParse(id).success).toBe(other === letter);
        }
      }),
    );
  });

  test('keeps all 80 bits apart', () => {
    fc.assert(
      fc.property(tenBytes, fc.nat(79), (bytes, bit) => {
        const flipped = Uint8Array.from(bytes);
        const at = bit >> 3;
        flipped[at] = (flipped[at] ?? 0) ^ (1 << (bit & 7));
        expect(idFromBytes('j', flipped)).not.toBe(idFromBytes('j', bytes));
      }),
    );
  });

  test('has this form for these bytes, on every side', () => {
    expect(idFromBytes('j', new Uint8Array(10))).toBe('j0000000000000000');
    expect(idFromBytes('l', new Uint8Array(10).fill(0xff))).toBe('lzzzzzzzzzzzzzzzz');
    expect(idFromBytes('h', Uint8Array.from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]))).toBe(
      'h000g40r40m30e209',
    );
  });

  test('takes ten bytes of more, and refuses fewer', () => {
    const digest = createHash('sha256').update('x').digest();
    expect(idFromBytes('a', digest)).toBe(idFromBytes('a', digest.subarray(0, 10)));
    expect(() => idFromBytes('a', new Uint8Array(9))).toThrow('ten bytes');
  });

  const malformed = [
    '',
    'j',
    'j012345678',
    'J0123456789abcdef',
    'j0123456789abcdei',
    'j0123456789abcdefg',
  ];
  test.each(malformed)('is not %j', (text) => {
    expect(jobIdSchema.safeParse(text).success).toBe(false);
  });
});

describe('a digest', () => {
  const hex = 'a'.repeat(64);
  test('is sha256: and 64 lower-case hex digits', () => {
    expect(digestSchema.safeParse(`sha256:${hex}`).success).toBe(true);
  });

  const malformed = [
    hex,
    `sha256:${hex}a`,
    `sha256:${hex.toUpperCase()}`,
    `md5:${hex}`,
    `sha256:${hex}\n`,
  ];
  test.each(malformed)('is not %j', (text) => {
    expect(digestSchema.safeParse(text).success).toBe(false);
  });
});

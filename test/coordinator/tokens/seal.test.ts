import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyedHash, Sealer } from '../../../coordinator/tokens/seal.ts';

const secret = (byte: number) => new Uint8Array(32).fill(byte);

it('the keyed hash is SHA-256 of the secret, filled up to 64 bytes, and the text', () => {
  const anySecret = fc.uint8Array({ maxLength: 64 });
  const anyText = fc
    .tuple(fc.string({ unit: 'grapheme', maxLength: 300 }), fc.constantFrom(1, 1, 40))
    .map(([text, times]) => text.repeat(times));
  fc.assert(
    fc.property(anySecret, fc.array(anyText, { minLength: 1 }), (key, texts) => {
      for (const text of texts) {
        const block = Buffer.alloc(64);
        block.set(key);
        const right = createHash('sha256').update(block).update(text).digest('base64url');
        expect(keyedHash(key, text)).toBe(right);
      }
    }),
  );
});

describe('a token', () => {
  const facts = ['a lease', 7, [1, 2]];
  const [mine, theirs] = [
    { keyId: 'k1', secret: secret(1) },
    { keyId: 'k1', secret: secret(2) },
  ];

  it('opens in any process that has the secret, as often as it is shown', () => {
    const token = new Sealer([mine]).seal('lease', facts);
    const other = new Sealer([mine]);
    for (let i = 0; i < 3; i++) expect(other.open('lease', token)).toEqual(facts);
  });

  it('opens for the purpose it was sealed for, and with the secret it was sealed with', () => {
    const sealer = new Sealer([mine]);
    const token = sealer.seal('lease', facts);
    expect(sealer.open('upload', token)).toBeNull();
    expect(new Sealer([theirs]).open('lease', token)).toBeNull();
    expect(new Sealer([{ ...mine, keyId: 'k2' }]).open('lease', token)).toBeNull();
    expect(new Sealer([{ keyId: 'k2', secret: secret(2) }, mine]).open('lease', token)).toEqual(
      facts,
    );
  });

  it('with any character changed, added or taken away is no token', () => {
    const token = new Sealer([mine]).seal('lease', facts);
    const sealer = new Sealer([mine]);
    fc.assert(
      fc.property(
        fc.nat(token.length - 1),
        fc.string({ unit: 'grapheme', maxLength: 2 }),
        (at, by) => {
          const changed = token.slice(0, at) + by + token.slice(at + 1);
          fc.pre(changed !== token);
          expect(sealer.open('lease', changed)).toBeNull();
        },
      ),
    );
    // Characters whose low byte is that of the right one.
    for (let at = 0; at < token.length; at++) {
      const twin = String.fromCharCode(token.charCodeAt(at) + 0x100);
      const changed = token.slice(0, at) + twin + token.slice(at + 1);
      expect(sealer.open('lease', changed)).toBeNull();
    }
  });
});

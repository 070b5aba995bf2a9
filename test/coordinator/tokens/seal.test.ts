import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { hmacSha256 } from '../../../coordinator/tokens/seal.ts';

it('the seal is HMAC-SHA256, whatever the lengths of secret and message', () => {
  const anySecret = fc.uint8Array({ maxLength: 200 });
  const anyText = fc
    .tuple(fc.string({ unit: 'grapheme', maxLength: 300 }), fc.constantFrom(1, 1, 40))
    .map(([text, times]) => text.repeat(times));
  fc.assert(
    fc.property(anySecret, fc.array(anyText, { minLength: 1 }), (secret, texts) => {
      for (const text of texts) {
        const right = createHmac('sha256', secret).update(text).digest();
        expect(hmacSha256(secret, text).equals(right)).toBe(true);
      }
    }),
  );
});

import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { hmacSha256 } from '../../../coordinator/tokens/seal.ts';

it('the seal is HMAC-SHA256, whatever the lengths of secret and message', () => {
  const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
  fc.assert(
    fc.property(bytes(200), bytes(300), (secret, message) => {
      const right = createHmac('sha256', secret).update(message).digest();
      expect(hmacSha256(secret, message).equals(right)).toBe(true);
    }),
  );
});

/** Whether an Ed25519 key has signed a message. Keys are raw, as they travel. */
import { createPublicKey, verify } from 'node:crypto';

/** The header of an Ed25519 public key in DER (RFC 8410): what turns 32 raw bytes into a key. */
const ed25519Header = Buffer.from('302a300506032b6570032100', 'hex');

export function isSigned(message: Uint8Array, rawKey: Uint8Array, signature: Uint8Array): boolean {
  try {
    const key = createPublicKey({
      key: Buffer.concat([ed25519Header, rawKey]),
      format: 'der',
      type: 'spki',
    });
    return verify(null, message, key, signature);
  } catch {
    // Thirty-two bytes that are no point of the curve: nobody can have signed with them.
    return false;
  }
}

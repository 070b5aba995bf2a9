/** The grid's own Ed25519 key: what it signs, a volunteer can show to anybody. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';

export type GridKey = { publicKey: Uint8Array; sign(bytes: Uint8Array): Uint8Array };

export const freshGridKey = (): string =>
  generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();

export function openGridKey(pem: string): GridKey {
  const key = createPrivateKey(pem);
  // An Ed25519 public key in SPKI form is 12 fixed bytes and the 32 of the key (RFC 8410).
  const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32);
  return { publicKey, sign: (bytes) => sign(null, bytes, key) };
}

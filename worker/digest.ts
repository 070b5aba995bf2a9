/** Digests in the three forms in which they meet: raw bytes, hex, and the contract's text. */
import type { Digest } from '../protocol/ids.ts';

export const hexOf = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

export const digestOf = (sha256: Uint8Array): Digest => `sha256:${hexOf(sha256)}`;

/** The hex of a digest, for a file's name. */
export const hexOfDigest = (digest: Digest): string => digest.slice('sha256:'.length);

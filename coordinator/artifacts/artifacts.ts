/**
 * Content-addressed bytes. A digest names its bytes, so an artifact never changes: writing it twice is
 * harmless and a reader waits for nobody. It is there under its name only when it is whole, right and as
 * lasting as the store makes things: what `write` has settled for, a crash does not take back.
 *
 * Two shelves: `input` holds what volunteers may read (kernels and inputs), `output` what they may not. Two stores: a folder (folder-artifacts.ts) and S3 (s3-artifacts.ts).
 */
import { hash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { Digest } from '../../protocol/ids.ts';

export type Shelf = 'input' | 'output';

/** Of a store that does not answer each throws GridError `unavailable`; it says nothing about the artifact. */
export interface Artifacts {
  /** Size in bytes, or null when it is not here. */
  size(shelf: Shelf, digest: Digest): Promise<number | null>;
  /**
   * Bytes `from` to `to` inclusive, as HTTP ranges count. The caller has asked for the size. Throws GridError
   * `artifact_unknown`. The stream reads on as fast as it is read, and ends with an error when it is cut.
   */
  read(shelf: Shelf, digest: Digest, from?: number, to?: number): Promise<Readable>;
  /** All of it, in memory. Throws GridError `artifact_unknown`. */
  readAll(shelf: Shelf, digest: Digest): Promise<Buffer>;
  /**
   * Stores bytes under their digest and returns how many. Throws GridError `digest_mismatch` or
   * `too_large`; then nothing is stored.
   */
  write(
    shelf: Shelf,
    digest: Digest,
    bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    bytesMax?: number,
  ): Promise<number>;
}

/** Where an artifact is, below the folder or prefix of its store: the same in both, so one can be copied to the other. */
export function pathOf(shelf: Shelf, digest: Digest): string {
  const hex = hexOf(digest);
  // 256 folders a shelf, so that none grows too long to list.
  return `${shelf}/${hex.slice(0, 2)}/${hex}`;
}

export const hexOf = (digest: Digest): string => digest.slice('sha256:'.length);

export const digestOf = (bytes: Uint8Array): Digest => `sha256:${hash('sha256', bytes, 'hex')}`;

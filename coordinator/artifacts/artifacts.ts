/**
 * Content-addressed bytes. A digest names its bytes, so an artifact never changes: writing it twice is
 * harmless and a reader waits for nobody. It is there under its name only when it is whole, right and as
 * lasting as the store makes things: what `write` has settled for, a crash does not take back.
 *
 * Two shelves: `input` holds what volunteers may read (kernels and inputs), `output` what they may not. Two stores: a folder (folder-artifacts.ts) and S3 (s3-artifacts.ts).
 *
 * What nothing names any more is cleared (flow/clear-artifacts/), in two steps:
 *
 *      here ── set aside ──► aside ── remove ──► gone
 *       ▲                      │
 *       └──── asked for ───────┘
 *
 * What is aside is there for all who ask: whoever asks for it brings it back. So it does no harm when something is set aside
 * at the very moment at which somebody names it.
 */
import { hash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { Digest } from '../../protocol/ids.ts';

export type Shelf = 'input' | 'output';

/** An artifact as it is found in a list. `at`: when it was written, renewed or set aside, by the clock that `now` tells. */
export type Listed = { shelf: Shelf; digest: Digest; bytes: number; at: number; isAside: boolean };

/**
 * What is older is renewed when somebody is about to name it. Half of the time for which what nothing names stays
 * (flow/clear-artifacts/times.ts), so that whoever has looked has as long to do so.
 */
export const renewAfterMs = 86_400_000;

/** `at` as in a list. */
export type Note = { text: string; at: number };

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
  /**
   * Its size, for whoever is about to name it in what the grid keeps: it is renewed, as if it had been written now, when it
   * is old. Null when it is not here.
   */
  keep(shelf: Shelf, digest: Digest): Promise<number | null>;

  /** All that is here or aside, those that are aside first. What comes and goes meanwhile may be missing or in it twice. */
  list(): AsyncIterable<Listed>;
  /** The time by the store's own clock: that of a file server, or of S3, and not of this machine. */
  now(): Promise<number>;
  setAside(shelf: Shelf, digest: Digest): Promise<void>;
  /** False when it is not aside. */
  bringBack(shelf: Shelf, digest: Digest): Promise<boolean>;
  /** What is aside, since when it was listed, goes for good. False when it is not: and what is here stays. */
  removeAside({ shelf, digest, at }: Listed): Promise<boolean>;
  /** What whoever clears here noted last, and when; null when nobody ever did. */
  lastNote(): Promise<Note | null>;
  note(text: string): Promise<void>;
}

/** Where an artifact is, below the folder or prefix of its store: the same in both, so one can be copied to the other. */
export function pathOf(shelf: Shelf, digest: Digest): string {
  const hex = hexOf(digest);
  // 256 folders a shelf, so that none grows too long to list.
  return `${shelf}/${hex.slice(0, 2)}/${hex}`;
}

/** Where it is when it is aside. */
export const asidePathOf = (shelf: Shelf, digest: Digest): string =>
  `aside/${pathOf(shelf, digest)}`;

const pathForm = /^(aside\/)?(input|output)\/([0-9a-f]{2})\/(\3[0-9a-f]{62})$/;

/** Which artifact is at a path; null when it is none of ours. */
export function parsePath(path: string): Pick<Listed, 'shelf' | 'digest' | 'isAside'> | null {
  const [, aside, shelf, , hex = ''] = pathForm.exec(path) ?? [];
  if (shelf === undefined) return null;
  return { shelf: shelf as Shelf, digest: `sha256:${hex}`, isAside: aside !== undefined };
}

export const hexOf = (digest: Digest): string => digest.slice('sha256:'.length);

export const digestOf = (bytes: Uint8Array): Digest => `sha256:${hash('sha256', bytes, 'hex')}`;

/**
 * upload: bytes become an artifact, if whoever brings them may upload so much, and the disk has room for it beside
 * its reserve.
 */
import { GridError } from '../../protocol/errors.ts';
import type { Digest } from '../../protocol/ids.ts';
import type { Shelf } from '../artifacts/artifacts.ts';
import type { Room } from '../artifacts/disk-room.ts';
import type { Bytes } from '../artifacts/incoming.ts';
import type { Uploader } from '../domain/upload-allowance.ts';
import type { Context } from './context.ts';

/** Somebody has to make room; a worker that comes each minute is nobody's trouble. */
const roomAgainMs = 60_000;

export type Upload = { shelf: Shelf; digest: Digest; bytes: Bytes; bytesMax: number };

/**
 * Returns how many bytes they were. Throws GridError `storage_low`, `uploads_limit`, `digest_mismatch` or `too_large`, and then
 * nothing is stored. `announced`: how many it is to be; null when that was not told.
 */
export async function uploadArtifact(
  { artifacts, uploads, now }: Pick<Context, 'artifacts' | 'uploads' | 'now'>,
  { freeBytes, reserveBytes }: Room,
  by: Uploader,
  announced: number | null,
  { shelf, digest, bytes, bytesMax }: Upload,
): Promise<number> {
  const expected = announced ?? bytesMax;
  const room = freeBytes - reserveBytes;
  if (room < uploads.bytesUnderWay + expected)
    throw new GridError('storage_low', '', { retryAfterMs: roomAgainMs });
  const begun = uploads.begin(by, expected, room, now());
  if ('retryAfterMs' in begun) throw new GridError('uploads_limit', '', begun);
  try {
    const size = await artifacts.write(shelf, digest, bytes, Math.min(bytesMax, expected));
    begun.stored(digest);
    return size;
  } catch (error) {
    begun.failed();
    throw error;
  }
}

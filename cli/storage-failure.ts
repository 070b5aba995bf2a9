/** What the coordinator's side finds wrong with its Redis, its data or a backup, as a failure of the command. */
import { BackupError } from '../coordinator/backup/error.ts';
import { RedisError } from '../coordinator/redis/error.ts';
import { GridFormatUnknown } from '../coordinator/store/grid-store.ts';
import { Failure } from './failure.ts';

/** Any other error comes back as it is. */
export function storageFailure(error: unknown): unknown {
  if (error instanceof RedisError || error instanceof BackupError) {
    const { code, what, why, doThis } = error;
    return new Failure(code, what, { why, remedy: doThis, cause: error });
  }
  if (error instanceof GridFormatUnknown) {
    return new Failure('format_unknown', 'The data of this grid cannot be read as it is.', {
      why: error.message,
      remedy: 'use the version that wrote it, or a newer one, which brings it up to date',
      cause: error,
    });
  }
  return error;
}

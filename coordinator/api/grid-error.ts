/** Whatever a flow step threw, as an error that a stranger may read. */
import { GridError } from '../../protocol/errors.ts';
import { ArchiveDamaged, OutcomeUnknown, StorageRefuses } from '../store/store.ts';

export function toGridError(error: unknown): GridError {
  if (error instanceof GridError) return error;
  if (error instanceof ArchiveDamaged)
    return new GridError('archive_damaged', '', { cause: error });
  const isStorage =
    error instanceof OutcomeUnknown || error instanceof StorageRefuses || isFullDisk(error);
  return new GridError(isStorage ? 'unavailable' : 'internal', '', { cause: error });
}

/** The disk of the data folder, or what its owner may have of it. */
const isFullDisk = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && ['ENOSPC', 'EDQUOT'].includes(String(error.code));

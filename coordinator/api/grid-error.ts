/** Whatever a flow step threw, as an error that a stranger may read. */
import { GridError } from '../../protocol/errors.ts';
import { OutcomeUnknown, StorageRefuses } from '../store/store.ts';

export function toGridError(error: unknown): GridError {
  if (error instanceof GridError) return error;
  const isStorage = error instanceof OutcomeUnknown || error instanceof StorageRefuses;
  return new GridError(isStorage ? 'unavailable' : 'internal', '', { cause: error });
}

import type { PlaceUnusable } from '../worker/platform/platform.ts';
import { Failure } from './failure.ts';

/** Another worker has the folder, or something in it is broken: the worker says what to do. */
export function unusableFolder(folder: string, { message, cause }: PlaceUnusable): Failure {
  return new Failure('data_folder_unusable', `The worker's folder ${folder} cannot be used.`, {
    why: message,
    remedy: 'do what it says, or choose another folder with --data',
    cause,
  });
}

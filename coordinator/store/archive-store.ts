/**
 * What Redis knows of the archive: which groups of a job's shards are in files, and which are not yet. A part of the
 * store, with the promise of store.ts. `readJournal` reads on from the files by itself.
 */

import type { JobId } from '../../protocol/ids.ts';
import type { KeptJob, RipeGroup } from '../domain/archive-group.ts';
import type { ArchiveFiles } from './archive-files.ts';

export interface ArchiveStore {
  readonly files: ArchiveFiles;
  listKept(partition: number): Promise<KeptJob[]>;
  /** How many bytes the journals of these shards have in Redis. */
  lengths(jobId: JobId, shards: readonly number[]): Promise<number[]>;
  /**
   * Notes that a group is in a file, and lets go of its journals; false when one of them is open, or has another
   * length than what was written: then nothing happens. Repeating it changes nothing.
   */
  letGo(jobId: JobId, group: RipeGroup, lengths: readonly number[]): Promise<boolean>;
}

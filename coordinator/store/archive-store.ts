/**
 * What Redis knows of the archive: which groups of a job's shards are in files, and which are not yet. A part of the
 * store, with the promise of store.ts. `readJournal` reads on from the files by itself.
 */

import type { JobId } from '../../protocol/ids.ts';
import type { KeptJob, RipeGroup } from '../domain/archive-group.ts';
import type { ArchiveFiles } from './archive-files.ts';
import type { JobRecord } from './job-file.ts';

export interface ArchiveStore {
  readonly files: ArchiveFiles;
  /** Jobs of which something is in Redis; null when of that one nothing is. */
  listKept(partition: number): Promise<KeptJob[]>;
  readKept(jobId: JobId): Promise<KeptJob | null>;
  /** The newest jobs that are listed. */
  newest(partition: number, max: number): Promise<JobId[]>;
  /** How many bytes the journals of these shards have in Redis. */
  lengths(jobId: JobId, shards: readonly number[]): Promise<number[]>;
  /**
   * Notes that a group is in a file, and lets go of its journals; false when one of them is open, or has another
   * length than what was written: then nothing happens. Repeating it changes nothing.
   */
  letGo(jobId: JobId, group: RipeGroup, lengths: readonly number[]): Promise<boolean>;
  /**
   * Lets go of a job that is in a file, and of what lies over its journals; false when it is not final, or not as it
   * was written. Repeating it changes nothing.
   */
  letJobGo(record: JobRecord): Promise<boolean>;
  /** Takes a job off the list. */
  unlist(jobId: JobId): Promise<void>;
  /** Takes the oldest jobs off the list of which nothing is in Redis, until it has so many. */
  trimList(partition: number, max: number): Promise<void>;
}

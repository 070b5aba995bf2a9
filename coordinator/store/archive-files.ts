/**
 * The files of the archive, behind one small interface: a folder on disk (archive-folder.ts), or memory. What is
 * in a file never changes; a file that is written again gets the same bytes. Coordinators that share a Redis
 * must share these too.
 */

import type { JobId } from '../../protocol/ids.ts';
import type { ShardGroup } from '../domain/archive-group.ts';
import type { JobRecord } from './job-file.ts';

export type Journal = { number: number; bytes: Uint8Array };

export interface ArchiveFiles {
  /** Settles when the journals are on disk, and were read back. Those that are empty are left out. */
  writeGroup(jobId: JobId, group: ShardGroup, journals: AsyncIterable<Journal>): Promise<void>;
  /** Empty when it was. Throws ArchiveDamaged when the file is missing or not as it was written. */
  readJournal(jobId: JobId, group: ShardGroup, number: number): Promise<Uint8Array>;
  /** All of a group, one after the other. Throws ArchiveDamaged as `readJournal` does. */
  readGroup(jobId: JobId, group: ShardGroup): AsyncIterable<Uint8Array>;
  /** Jobs of which there is anything. */
  jobIds(): AsyncIterable<JobId>;
  /** Whether there is anything of it. */
  has(jobId: JobId): Promise<boolean>;
  /** Settles when it is on disk, and was read back. */
  writeJob(record: JobRecord): Promise<void>;
  /** Null when there is none. Throws ArchiveDamaged when it is not as it was written. */
  readJob(jobId: JobId): Promise<JobRecord | null>;
  /** All files of the job go, at once as far as anybody can see. Repeating it does nothing. */
  removeJob(jobId: JobId): Promise<void>;
}

/** `splits-000000.journals`: which shards are in it, at a glance. */
export const groupFile = ({ kind, number }: ShardGroup): string =>
  `${kind}-${String(number).padStart(6, '0')}.journals`;

/**
 * A job in a file, when nothing of it changes any more: what was submitted, how it ended, and what lies over its
 * journals. One line of JSON for people and programs, and the SHA-256 of that line.
 */
import { createHash } from 'node:crypto';
import type { JobId } from '../../protocol/ids.ts';
import type { Job } from '../domain/job.ts';
import type { Place } from '../domain/trust/docket.ts';
import { ArchiveDamaged } from './archive-damaged.ts';

export type JobRecord = {
  job: Job;
  /** By unit: where its canonical result is, if not where it was accepted first. */
  amendments: [unit: number, place: Place][];
  /** Units whose first result was revoked, in the order in which that happened. */
  revoked: number[];
  /** Which groups of its shards are in files: see domain/archive-group.ts. */
  archived: Uint8Array;
};

const kind = 'manyhands job 1';

export function writeJobFile({ job, archived, ...rest }: JobRecord): string {
  const { fuel, creditMicro } = job.counts;
  const counts = { ...job.counts, fuel: fuel.toString(), creditMicro: creditMicro.toString() };
  const groups = Buffer.from(archived).toString('base64');
  const line = `${JSON.stringify({ kind, job: { ...job, counts }, ...rest, archived: groups })}\n`;
  return `${line}${sha256(line)}\n`;
}

/** Throws ArchiveDamaged when it is not as it was written. */
export function readJobFile(text: string, path: string, jobId: JobId): JobRecord {
  const end = text.indexOf('\n') + 1;
  const line = text.slice(0, end);
  if (end === 0 || text.slice(end) !== `${sha256(line)}\n`)
    throw new ArchiveDamaged(`${path} has other bytes than were written`);
  const { kind: found, job, archived, ...rest } = JSON.parse(line) as Written;
  if (found !== kind) throw new ArchiveDamaged(`${path} is of another kind: ${found}`);
  if (job.jobId !== jobId) throw new ArchiveDamaged(`${path} is of the job ${job.jobId}`);
  const { fuel, creditMicro } = job.counts;
  const counts = { ...job.counts, fuel: BigInt(fuel), creditMicro: BigInt(creditMicro) };
  return { ...rest, job: { ...job, counts }, archived: Buffer.from(archived, 'base64') };
}

type Counts = Job['counts'];
type Written = Omit<JobRecord, 'job' | 'archived'> & {
  kind: string;
  job: Omit<Job, 'counts'> & {
    counts: Omit<Counts, 'fuel' | 'creditMicro'> & { fuel: string; creditMicro: string };
  };
  archived: string;
};

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

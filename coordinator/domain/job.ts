/** A job as the coordinator keeps it: the scientist's document, what was made of its kernel, and counts. */

import type { HostFeature } from '../../protocol/features.ts';
import type { AccountId, Digest, JobId } from '../../protocol/ids.ts';
import {
  type JobDocument,
  type JobState,
  type PauseCause,
  pauseCauses,
} from '../../protocol/job.ts';
import { unitCount } from '../../protocol/unit-rule.ts';

export type PreparedKernel = {
  /** The scientist's module. */
  digest: Digest;
  /** What the meter made of it: this is what hosts run. */
  meteredDigest: Digest;
  meteredBytes: number;
  meterVersion: number;
  /** What it uses that not every host's WebAssembly has. */
  features?: readonly HostFeature[];
};

/** What a job says of how its kernel is to be prepared. */
export type KernelNeeds = {
  memoryBytesMax: number;
  nans: JobDocument['nans'];
  isMigratable: boolean;
};

/** What never changes after submission. */
export type JobFacts = {
  jobId: JobId;
  document: JobDocument;
  kernel: PreparedKernel;
  /** What is run on results to check them, where the document names it. */
  verifier?: PreparedKernel;
  units: number;
  unitsPerShard: number;
  submittedAt: number;
  /** Whose it is: who may change it, and read its results when it is private. */
  owner: AccountId;
};

export type JobCounts = {
  /** Units already split into shards: the next shard starts here. */
  cursor: number;
  shards: number;
  shardsOpen: number;
  canonical: number;
  failed: number;
  fuel: bigint;
  creditMicro: bigint;
  /** Its first shards, whose results are final; and how many accepted units they hold. */
  shardsFinal: number;
  final: number;
  /** Of those, the first ones whose late results were paid, too: what was said about them may be forgotten. */
  shardsSettled: number;
};

/** How many of a job's first shards were closed when a day ended. */
export type DayMark = [day: number, shards: number];

export type Job = JobFacts & {
  state: JobState;
  counts: JobCounts;
  endedAt: number | null;
  /** When its last unit was accepted or failed. */
  decidedAt: number | null;
  /** Of days that ended with more shards closed than are final, the oldest first. */
  marks: DayMark[];
  /** When nothing of it was held any more; null before that. */
  finalAt: number | null;
  /** Accounts of which nothing was checked when it was completed: nobody was there to do it. */
  unchecked: number;
  /** Why it is paused, by cause; the reason is what was said. Empty unless it is paused. */
  pauses: Partial<Record<PauseCause, string>>;
  /** An operator finds it worth the mint's credit. */
  curated: boolean;
};

/** What never changes of it. */
export const factsOf = (job: Job): JobFacts => ({
  jobId: job.jobId,
  document: job.document,
  kernel: job.kernel,
  ...(job.verifier === undefined ? {} : { verifier: job.verifier }),
  units: job.units,
  unitsPerShard: job.unitsPerShard,
  submittedAt: job.submittedAt,
  owner: job.owner,
});

/** The cause that is told of a paused job; null when it is not. */
export function pauseOf({ state, pauses }: Job): { cause: PauseCause; reason: string } | null {
  const cause = pauseCauses.find((candidate) => pauses[candidate] !== undefined);
  return state !== 'paused' || cause === undefined ? null : { cause, reason: pauses[cause] ?? '' };
}

/**
 * 256 units: one BullMQ entry, and all that opens, feeds and closes a shard, then costs each unit about two
 * microseconds. In a job of very many units that is what a unit costs most for, and there are shards enough
 * for all coordinators: there it is 1,024. It is not for all, because
 * a coordinator at full speed then takes 330 MiB instead of 250. Units that may burn more than 10^13 fuel (an hour or more of one
 * core) come in shards of 64, so that the last shard of a job does not tie up days of work in one
 * coordinator's window.
 */
const manyUnits = 2 ** 22;
const longUnitFuel = 1e13;
export function unitsPerShard(document: JobDocument): number {
  if (Number(document.limits.fuelMax) > longUnitFuel) return 64;
  return unitsOf(document) < manyUnits ? 256 : 1024;
}

export const unitsOf = (document: JobDocument): number => unitCount(document.units);

/** Weight in fair share: everyone has 1, priority adds to it. */
export const weightOf = (job: JobFacts): number => 1 + job.document.priority;

export const isOver = (job: Pick<Job, 'state'>): boolean =>
  job.state === 'complete' || job.state === 'cancelled';

/** Whether what a unit was accepted with can be revoked no more. */
export const isFinal = (job: Pick<Job, 'counts' | 'unitsPerShard'>, unit: number): boolean =>
  unit < job.counts.shardsFinal * job.unitsPerShard;

/** Whether it is final, and nobody will be paid for it any more. */
export const isSettled = (job: Pick<Job, 'counts' | 'unitsPerShard'>, unit: number): boolean =>
  unit < job.counts.shardsSettled * job.unitsPerShard;

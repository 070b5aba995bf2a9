/**
 * A shard is a set of unit indices of one job: a run of consecutive ones when first split, a list of
 * them when it checks units again. Inside a shard a unit goes by its position, which is small and so
 * cheap to write down.
 */
import { type JobId, jobIdSchema } from '../../protocol/ids.ts';
import type { UnitRuns } from '../../protocol/messages.ts';
import type { CheckOrder } from './trust/check.ts';

export type ShardUnits = { from: number; count: number } | { list: readonly number[] };
export type Shard = {
  jobId: JobId;
  number: number;
  units: ShardUnits;
  /** Of a shard that checks: who may have its units. */
  check?: CheckOrder;
};
/** `<jobId>-<number>`: a name that BullMQ takes as an entry id (no colon, not an integer). */
export type ShardId = string;

export const shardId = (shard: { jobId: JobId; number: number }): ShardId =>
  `${shard.jobId}-${shard.number}`;

/** Throws when the text is no shard id: it comes from our own tables, so that is a bug. */
export function parseShardId(id: ShardId): { jobId: JobId; number: number } {
  const [, jobId = '', digits = ''] = /^(.*)-(0|[1-9][0-9]{0,15})$/.exec(id) ?? [];
  if (!jobIdSchema.safeParse(jobId).success) throw new Error(`not a shard id: ${id}`);
  return { jobId, number: Number(digits) };
}

export const shardSize = (units: ShardUnits): number =>
  'list' in units ? units.list.length : units.count;

/** The job's index of the unit at a position. */
export function unitAt(units: ShardUnits, position: number): number {
  const unit = 'list' in units ? units.list[position] : units.from + position;
  if (unit === undefined || position < 0 || position >= shardSize(units)) {
    throw new RangeError(`position ${position} of a shard of ${shardSize(units)}`);
  }
  return unit;
}

/** The position of a unit, or -1 when the shard does not hold it. */
export function positionOf(units: ShardUnits, unit: number): number {
  if ('list' in units) return units.list.indexOf(unit);
  const position = unit - units.from;
  return position >= 0 && position < units.count ? position : -1;
}

/** Whether its units were split before: then what it decides adds nothing to the job's counts. */
export const isCheck = ({ units }: Shard): boolean => 'list' in units;

/** How many shards a job is split into; its checks are numbered on from there. */
export const splitCount = (job: { units: number; unitsPerShard: number }): number =>
  Math.ceil(job.units / job.unitsPerShard);

/** The least of the split shards that the units of a shard are of. */
export const firstShardOf = ({ units }: Shard, unitsPerShard: number): number =>
  Math.floor(('list' in units ? Math.min(...units.list) : units.from) / unitsPerShard);

/** The n-th shard of a job as it is first split. */
export function splitShard(
  job: { jobId: JobId; units: number; unitsPerShard: number },
  number: number,
): Shard {
  const from = number * job.unitsPerShard;
  return {
    jobId: job.jobId,
    number,
    units: { from, count: Math.min(job.unitsPerShard, job.units - from) },
  };
}

// Runs are looked at by index below: taken apart as [from, count] they were a tenth of what a unit allocated.

/** Sorted whole numbers as runs of [from, count]. */
export function toRuns(sorted: readonly number[]): UnitRuns {
  const [first] = sorted;
  if (first === undefined) return [];
  let last: [number, number] = [first, 1];
  const runs = [last];
  for (let i = 1; i < sorted.length; i++) {
    const value = sorted[i] as number;
    if (value === last[0] + last[1]) last[1]++;
    else {
      last = [value, 1];
      runs.push(last);
    }
  }
  return runs;
}

export function* fromRuns(runs: UnitRuns): Generator<number> {
  for (const run of runs) for (let i = 0; i < run[1]; i++) yield run[0] + i;
}

export function runsSize(runs: UnitRuns): number {
  let size = 0;
  for (const run of runs) size += run[1];
  return size;
}

/** Runs as they are written: from, count, from, count… */
export function flatRuns(runs: UnitRuns): number[] {
  const flat = new Array<number>(2 * runs.length);
  let at = 0;
  for (const run of runs) {
    flat[at++] = run[0];
    flat[at++] = run[1];
  }
  return flat;
}

export function runsFromFlat(flat: readonly number[]): UnitRuns {
  const runs: UnitRuns = [];
  for (let i = 0; i < flat.length; i += 2) runs.push([flat[i] ?? 0, flat[i + 1] ?? 0]);
  return runs;
}

export const runsInclude = (runs: UnitRuns, value: number): boolean =>
  runs.some((run) => value >= run[0] && value < run[0] + run[1]);

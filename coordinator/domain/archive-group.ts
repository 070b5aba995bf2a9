/**
 * Which shards leave Redis together. Journals of closed shards never change, so they go to files: 64 shards to a
 * file, by their number, and which file a shard is in follows from its number. What is kept of where they are
 * is a bit for each file.
 *
 *      split shards   0 ·· 63 │ 64 ·· 127 │ …      a group is ripe when all of it was opened and is closed,
 *      checks         0 ·· 63 │ …                  or will not be opened any more
 *
 * Checks are numbered on from the split shards, and close later: so they are grouped among themselves.
 */
import type { JobId } from '../../protocol/ids.ts';
import type { JobState } from '../../protocol/job.ts';

/**
 * 64 shards are 16,000 units and more, and a file of a megabyte at most when outputs are small: few enough
 * files for a job of a billion, and small jobs fill one anyway.
 */
export const shardsPerGroup = 64;

export type ShardGroup = { kind: 'splits' | 'checks'; number: number };

/** A job of which something is in Redis. */
export type KeptJob = {
  jobId: JobId;
  state: JobState;
  finalAt: number | null;
  /** How many shards it is split into in all, and how many of them were opened. */
  splits: number;
  shards: number;
  /** One more than the highest number that any of its checks had when it was opened, from 0 on. */
  checks: number;
  /** A bit for each group: see groupBit. */
  archived: Uint8Array;
};

export function groupOf(number: number, splits: number): ShardGroup {
  return number < splits
    ? { kind: 'splits', number: Math.floor(number / shardsPerGroup) }
    : { kind: 'checks', number: Math.floor((number - splits) / shardsPerGroup) };
}

/** Groups of splits have the even bits, groups of checks the odd ones. */
export const groupBit = ({ kind, number }: ShardGroup): number =>
  2 * number + (kind === 'checks' ? 1 : 0);

/** As Redis numbers bits: the highest of a byte first. */
export const hasBit = (bits: Uint8Array, bit: number): boolean =>
  ((bits[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0;

/** The group of a bit: see groupBit. */
const groupOfBit = (bit: number): ShardGroup => ({
  kind: bit % 2 === 0 ? 'splits' : 'checks',
  number: bit >> 1,
});

/** The groups that are in files. */
export function* archivedGroups(bits: Uint8Array): Generator<ShardGroup> {
  for (let bit = 0; bit < 8 * bits.length; bit++) if (hasBit(bits, bit)) yield groupOfBit(bit);
}

/** The numbers of all shards of a job whose journals may be in Redis. */
export function* shardsInRedis(job: KeptJob): Generator<number> {
  const inRedis = (number: number) => !hasBit(job.archived, groupBit(groupOf(number, job.splits)));
  for (let number = 0; number < job.shards; number++) if (inRedis(number)) yield number;
  for (let at = 0; at < job.checks; at++) if (inRedis(job.splits + at)) yield job.splits + at;
}

export type RipeGroup = ShardGroup & {
  shards: number[];
  /** Every one of them was opened. Else they are checks, and one that has no journal may be opened yet. */
  areOpened: boolean;
};

/** The groups that may go, as far as can be told from what is open of the job. */
export function* ripeGroups(job: KeptJob, open: ReadonlySet<number>): Generator<RipeGroup> {
  const isCancelled = job.state === 'cancelled';
  yield* ripe(job, 'splits', 0, job.shards, isCancelled || job.shards === job.splits, open);
  const isChecked = isCancelled || job.finalAt !== null;
  yield* ripe(job, 'checks', job.splits, job.checks, isChecked, open);
}

/** `isAll`: none comes after these. */
function* ripe(
  { archived }: KeptJob,
  kind: ShardGroup['kind'],
  first: number,
  count: number,
  isAll: boolean,
  open: ReadonlySet<number>,
): Generator<RipeGroup> {
  for (let from = 0; from < count; from += shardsPerGroup) {
    const group = { kind, number: from / shardsPerGroup };
    const to = Math.min(from + shardsPerGroup, count);
    const isWhole = to === from + shardsPerGroup || isAll;
    if (!isWhole || hasBit(archived, groupBit(group))) continue;
    const shards = Array.from({ length: to - from }, (_, i) => first + from + i);
    if (shards.some((number) => open.has(number))) continue;
    yield { ...group, shards, areOpened: kind === 'splits' || isAll };
  }
}

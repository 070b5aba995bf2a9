/**
 * Jobs, shards, leases and results with only what a test cares about said; the rest is plain. Ids are
 * made of small numbers, so that a failure names them readably and a run repeats exactly.
 */
import type { Capacity } from '../../coordinator/domain/capacities.ts';
import type { JobFacts } from '../../coordinator/domain/job.ts';
import type { JournalEntry, RecordedResult } from '../../coordinator/domain/journal.ts';
import { Quota } from '../../coordinator/domain/quota.ts';
import type { LeaseHolder } from '../../coordinator/domain/record.ts';
import { type Shard, splitShard } from '../../coordinator/domain/shard.ts';
import type { ShardState } from '../../coordinator/domain/shard-state.ts';
import { type IdLetter, idFromBytes, type JobId } from '../../protocol/ids.ts';
import { type JobDocumentInput, jobDocumentSchema } from '../../protocol/job.ts';

function id(letter: IdLetter, number: number): string {
  const bytes = new Uint8Array(10);
  new DataView(bytes.buffer).setUint32(6, number);
  return idFromBytes(letter, bytes);
}
export const jobId = (number: number): JobId => id('j', number);
export const hostId = (number: number) => id('h', number);
export const accountId = (number: number) => id('a', number);
export const leaseId = (number: number) => id('l', number);
export const teamId = (number: number) => id('t', number);
export const tokenId = (number: number) => id('k', number);

const digest = `sha256:${'0'.repeat(64)}`;

type JobParts = Partial<
  Pick<JobFacts, 'jobId' | 'units' | 'unitsPerShard' | 'submittedAt' | 'owner'>
> & {
  document?: Partial<JobDocumentInput>;
};

/** A job of eight units in shards of four, unless it is said otherwise. */
export function aJob({ document, ...parts }: JobParts = {}): JobFacts {
  const units = parts.units ?? 8;
  return {
    jobId: jobId(1),
    units,
    unitsPerShard: 4,
    submittedAt: 1000,
    owner: accountId(99),
    kernel: { digest, meteredDigest: digest, meteredBytes: 1, meterVersion: 1 },
    ...parts,
    document: jobDocumentSchema.parse({
      name: 'a job',
      kernel: digest,
      units: { range: { count: units } },
      ...document,
    }),
  };
}

/** A shard of so many units, the first of its job. */
export const aShard = (units = 4): Shard =>
  splitShard({ jobId: jobId(1), units, unitsPerShard: units }, 0);

/** A lease of account and host `holder` on the given positions. */
export const aLease = (number: number, positions: [number, number][], holder = number) =>
  ({
    leaseId: leaseId(number),
    hostId: hostId(holder),
    accountId: accountId(holder),
    positions,
  }) satisfies LeaseHolder;

/** Of a host that has passed its probation. */
export const aStanding = { network: 'n', repute: 'proven', passed: 100 } as const;

/** What a host can take that is in nobody's way: more than any test asks for. */
export const aCapacity = (): Capacity => ({
  threads: 4096,
  speed: null,
  quota: new Quota(4096),
  accountQuota: new Quota(4096),
});

/** A success with no output and a credit's worth of fuel. */
export const aResult = (position: number, parts: Partial<RecordedResult> = {}): RecordedResult => ({
  position,
  outcome: 'success',
  exitCode: 0,
  fuel: 1_000_000,
  output: new Uint8Array(0),
  digest: null,
  detail: '',
  ...parts,
});

/** A kernel's failure, the same whenever the same fuel is given. */
export const aTrap = (position: number, fuel = 500): RecordedResult =>
  aResult(position, { outcome: 'kernel_trap', exitCode: null, fuel, output: null });

/** A run that the host itself could not finish. */
export const aHostError = (position: number): RecordedResult =>
  aResult(position, { outcome: 'host_error', exitCode: null, fuel: 0, output: null });

/** Applies entries to a state; returns the bytes that its journal grows by. */
export function append(state: ShardState, entries: readonly JournalEntry[]): Uint8Array {
  state.apply(entries);
  return state.takeBytes();
}

/** What tests of a store arrange with: an empty store, jobs split to the end, appends, hosts. */
import { pino } from 'pino';
import { expect } from 'vitest';
import type { Payment } from '../../../coordinator/domain/award.ts';
import type { JobFacts } from '../../../coordinator/domain/job.ts';
import { type Shard, splitShard } from '../../../coordinator/domain/shard.ts';
import { award } from '../../../coordinator/flow/award.ts';
import type { JobCache } from '../../../coordinator/flow/context.ts';
import { partitionOf, type ShardAppend, type Store } from '../../../coordinator/store/store.ts';
import type { UnitRuns } from '../../../protocol/messages.ts';
import { accountId, aJob, hostId, jobId } from '../builders.ts';

export type OpenStore = () => Promise<{ store: Store; close(): Promise<void> }>;

export const gridFacts = { gridId: 'a-grid', partitions: 3, createdAt: 1_700_000_000_000 };

/** Runs a body on an empty store of three partitions, and closes it whatever happens. */
export const withStore =
  (open: OpenStore, body: (store: Store) => Promise<void>) => async (): Promise<void> => {
    const { store, close } = await open();
    try {
      await store.grid.open(gridFacts);
      await body(store);
    } finally {
      await close();
    }
  };

/** A job id that lies in the given partition. */
export function jobIdIn(partition: number, nth = 0): string {
  const ids = Array.from({ length: 1000 }, (_, number) => jobId(number + 1));
  const found = ids.filter((id) => partitionOf(id, gridFacts.partitions) === partition)[nth];
  if (found === undefined) throw new Error(`no job id for partition ${partition}`);
  return found;
}

/** An append of some text that decides nothing and pays nobody, unless it is said otherwise. */
export const anAppend = (
  shard: Shard,
  expectedLength: number,
  text: string,
  parts: Partial<ShardAppend> = {},
): ShardAppend => ({
  shard,
  expectedLength,
  bytes: Buffer.from(text),
  closes: false,
  canonical: 0,
  failed: 0,
  fuel: 0,
  creditMicro: 0,
  pay: [],
  ...parts,
});

/** A job with all of its shards open. */
export async function submitted(store: Store, job: JobFacts): Promise<Shard[]> {
  await store.jobs.submit(job);
  const count = Math.ceil(job.units / job.unitsPerShard);
  const shards = Array.from({ length: count }, (_, number) => splitShard(job, number));
  for (const shard of shards) expect(await store.openShard(job, shard)).toBe(true);
  return shards;
}

export const partitionOfJob = (job: JobFacts): number =>
  partitionOf(job.jobId, gridFacts.partitions);

export const text = async (store: Store, shard: Shard, fromByte?: number): Promise<string> =>
  Buffer.from(await store.readJournal(shard, fromByte)).toString();

/** A host as it says hello. */
export const aHost = (number: number, account: number, name: string) => ({
  hostId: hostId(number),
  accountId: accountId(account),
  hostKey: new Uint8Array(32).fill(number),
  accountKey: new Uint8Array(32).fill(account),
  name,
});

/** A grant to account and host `holder`. */
export const aPayment = (holder: number, micro: number, units: UnitRuns): Payment => ({
  kind: 'grant',
  accountId: accountId(holder),
  hostId: hostId(holder),
  micro,
  units,
});

/** Applies what waits in an outbox. Returns the accounts that were paid. */
export const applied = (
  store: Store,
  partition: number,
  now: number = gridFacts.createdAt,
): Promise<Set<string>> =>
  award({ store, jobs: jobsOf(store), now: () => now, log: pino({ level: 'silent' }) }, partition);

/** Facts of jobs, read each time. */
const jobsOf = (store: Store): Pick<JobCache, 'facts'> => ({
  facts: (jobId) => store.jobs.read(jobId),
});

/** Puts one outbox record for each list of payments into the partition. */
export async function paid(
  store: Store,
  partition: number,
  lists: Payment[][],
  nth = 0,
): Promise<JobFacts> {
  const job = aJob({ jobId: jobIdIn(partition, nth), units: lists.length, unitsPerShard: 1 });
  await store.jobs.submit(job, true);
  for (const [number, payments] of lists.entries()) {
    const shard = splitShard(job, number);
    await store.openShard(job, shard);
    await store.append(partition, [anAppend(shard, 0, 'x', { canonical: 1, pay: payments })], 1);
  }
  return job;
}

export const revoked = (payment: Payment): Payment => ({ ...payment, kind: 'revoke' });

/**
 * What a flow step has at hand. Steps take it as their first argument and know no other way to the
 * world: time, chance, storage and the queue all come from here, so the simulation can give its own.
 */
import type { Logger } from 'pino';
import type { AccountId, HostId, JobId, LeaseId } from '../../protocol/ids.ts';
import type { Verdict } from '../../protocol/outcome.ts';
import type { Artifacts } from '../artifacts/artifacts.ts';
import type { Capacities } from '../domain/capacities.ts';
import type { JobFacts } from '../domain/job.ts';
import type { JournalEntry } from '../domain/journal.ts';
import type { Pace } from '../domain/pace.ts';
import type { Peers } from '../domain/peers.ts';
import type { LeaseHolder, Reported } from '../domain/record.ts';
import type { Shard, ShardId } from '../domain/shard.ts';
import type { KnownHosts } from '../domain/trust/known-hosts.ts';
import type { Turns } from '../domain/turns.ts';
import type { UploadAllowance } from '../domain/upload-allowance.ts';
import type { Window } from '../domain/window.ts';
import type { GridFacts } from '../store/grid-store.ts';
import type { Store } from '../store/store.ts';
import type { LeaseTokens } from '../tokens/lease-token.ts';
import type { Sealer } from '../tokens/seal.ts';

/** The queue as flow sees it: shards go in, come out to be held, and are done with. */
export type ShardQueue = {
  add(partition: number, shards: readonly ShardId[]): Promise<void>;
  /** Takes up to `max` shards for this coordinator. */
  take(partition: number, max: number): Promise<ShardId[]>;
  finish(partition: number, id: ShardId): Promise<void>;
  /** The shards this coordinator has taken and not finished. */
  held(partition: number): ShardId[];
  /** Lets another coordinator, or a later try, have the shard. */
  giveBack(partition: number, id: ShardId): Promise<void>;
  /** Lets others have the shards of a coordinator that is dead, before its hold of them runs out. */
  giveBackOf(partition: number, coordinatorId: string): Promise<void>;
};

/** The group commit as flow sees it (flow/record/). */
export type ShardRecorder = {
  /** Settles when the results are on disk; never with an answer that a crash could take back. */
  record(shard: Shard, lease: LeaseHolder, reported: Reported): Promise<Verdict[]>;
  /** Gives up on units that no host will report on any more, unless they are decided meanwhile. */
  giveUp(shard: Shard, positions: readonly number[], reason: string): void;
  /** Writes an entry down with the next commit; nobody waits for it. */
  note(shard: Shard, entry: JournalEntry): void;
};

/** Time as flow sees it: the machine's, or a simulated one. */
export type Clock = {
  now(): number;
  /** Runs after what is already under way in this turn of the event loop. */
  soon(run: () => void): void;
  /** Runs once after a while; the returned function cancels. */
  after(ms: number, run: () => void): () => void;
};

/** Things worth telling the doors about. */
export type Happening =
  | { kind: 'job_submitted' }
  | { kind: 'units_free' }
  | { kind: 'checks_ordered' }
  /** All of it: it may be complete. */
  | { kind: 'job_decided' }
  | { kind: 'job_ended'; jobId: JobId }
  | { kind: 'job_cancelled'; jobId: JobId }
  | { kind: 'job_removed'; jobId: JobId }
  /** Its kernel was disabled: what is out of it is to be taken back. */
  | { kind: 'job_stopped'; jobId: JobId }
  | { kind: 'job_paused'; jobId: JobId }
  | { kind: 'job_resumed' }
  | { kind: 'banned'; id: HostId | AccountId; reason: string }
  | { kind: 'paid'; accountIds: Iterable<string> }
  /** Something was recorded in a shard that another coordinator may hold. */
  | { kind: 'recorded_elsewhere'; shard: ShardId }
  /** A host is at work under a lease on such a shard. */
  | { kind: 'renewed_elsewhere'; leaseId: LeaseId; hostId: HostId };

export type Context = {
  grid: GridFacts;
  store: Store;
  artifacts: Artifacts;
  queue: ShardQueue;
  recorder: ShardRecorder;
  sealer: Sealer;
  leaseTokens: LeaseTokens;
  window: Window;
  /** The other coordinators of the grid. */
  peers: Peers;
  /** Which job is split next. Apart from the window's own turns, which says who is granted next. */
  splitTurns: Turns;
  jobs: JobCache;
  knownHosts: KnownHosts;
  capacities: Capacities;
  uploads: UploadAllowance;
  /** Keys the draw of audits; known to coordinators alone. */
  auditSecret: Uint8Array;
  paces: Map<JobId, Pace>;
  /** How many orders of checks are out, of each job that has some. */
  ordersOut: Map<JobId, number>;
  /** Artifacts that nothing named, and that this coordinator has cleared since it started. */
  cleared: { artifacts: number; bytes: number };
  now(): number;
  randomBytes(count: number): Uint8Array;
  log: Logger;
  happened(happening: Happening): void;
};

/** Facts of jobs never change, so a coordinator reads each once. */
export type JobCache = {
  /** Null also when they are in a file that is damaged. */
  facts(jobId: JobId): Promise<JobFacts | null>;
  /** Those that were read already; null when they were not. */
  known(jobId: JobId): JobFacts | null;
};

export const partitions = (context: Context): number[] =>
  Array.from({ length: context.grid.partitions }, (_, partition) => partition);

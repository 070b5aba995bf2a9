/** A window, what hosts ask of it and report to it: for the tests of windows, grants and guests. */
import type { KnownAsker } from '../../../coordinator/domain/asker.ts';
import type { JobFacts } from '../../../coordinator/domain/job.ts';
import type { JournalEntry } from '../../../coordinator/domain/journal.ts';
import type { LeaseFacts } from '../../../coordinator/domain/lease.ts';
import { recordResults } from '../../../coordinator/domain/record.ts';
import { fromRuns, shardId, splitShard } from '../../../coordinator/domain/shard.ts';
import { ShardState } from '../../../coordinator/domain/shard-state.ts';
import { Window } from '../../../coordinator/domain/window.ts';
import {
  aCapacity,
  accountId,
  aJob,
  append,
  type aResult,
  aStanding,
  hostId,
  leaseId,
} from '../builders.ts';

export const asker = (number: number, memoryBytes = 2 ** 40): KnownAsker => ({
  hostId: hostId(number),
  accountId: accountId(number),
  memoryBytes,
  isAlone: false,
  standing: aStanding,
  hosts: 1,
  capacity: aCapacity(),
});

let leases = 100;
export function grant(window: Window, units: number, host = 1, now = 0): LeaseFacts {
  const granted = window.grant(asker(host), units, leaseId(++leases), now);
  if (granted === null) throw new Error('nothing to grant');
  return granted.lease;
}

export const positions = (lease: LeaseFacts): number[] => [...fromRuns(lease.positions)];

/** A window that holds the first shard of a job of eight units in shards of four. */
export function aWindow(job: JobFacts = aJob(), entries: JournalEntry[] = []) {
  const window = new Window();
  const state = new ShardState(splitShard(job, 0));
  append(state, entries);
  window.hold(job, state, 0);
  return { window, job, state, id: shardId(state.shard) };
}

/** What the recorder does with a report: it changes the state, and the window settles it. */
export function report(
  window: Window,
  lease: LeaseFacts,
  results: ReturnType<typeof aResult>[],
  now = 0,
): void {
  const state = window.state(shardId(lease.shard));
  if (state === undefined) throw new Error('not held');
  const recording = recordResults(state, lease, results);
  append(state, recording.entries);
  const at = results.map(({ position }) => position);
  window.settle(shardId(lease.shard), lease, at, recording.fuel, now);
}

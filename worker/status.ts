/**
 * What the worker is doing, and if it does not compute, the one reason why: the answer to the
 * oldest complaint of volunteers, a worker that is silently idle. The reason is derived from facts
 * each time it is asked for, never stored, so it cannot lag behind what it describes.
 */
import type { NoWorkReason } from './asker.ts';
import type { RunningUnit } from './crew.ts';

export type Reason =
  | { kind: 'working' }
  /** Before the first answer of the coordinator. */
  | { kind: 'starting' }
  /** A request for work is on its way. */
  | { kind: 'asking' }
  /** `retryInMs` null: the coordinator will tell the moment there is work. */
  | { kind: 'no_work'; why: NoWorkReason; retryInMs: number | null }
  /** A kernel or its inputs are being downloaded. */
  | { kind: 'fetching' }
  | { kind: 'paused' }
  | { kind: 'coordinator_unreachable'; why: string; retryInMs: number | null }
  /** Results wait for the coordinator's word, and there are as many as may wait. */
  | { kind: 'reporting' }
  | { kind: 'disk_full'; why: string }
  /** Runs fail for reasons of this machine; the next attempt follows later. */
  | { kind: 'host_trouble'; why: string }
  /** No new work is taken; what runs is finished, and what is finished reported. */
  | { kind: 'finishing' }
  | { kind: 'update_required'; why: string }
  | { kind: 'refused'; why: string }
  | { kind: 'team_unknown'; why: string }
  | { kind: 'stopped' };

export interface AgentStatus {
  reason: Reason;
  connected: boolean;
  cores: number;
  running: RunningUnit[];
  /** Units in hand that have not begun. */
  queued: number;
  /** Finished units whose result the coordinator has not recorded. */
  unreported: number;
  /** Since this worker started. */
  finished: number;
  fuel: number;
  /** Null before the first welcome. */
  hostId: string | null;
  accountId: string | null;
  /** The account's, by the coordinator's last word; null before the first. */
  creditMicro: string | null;
  units: number | null;
}

export interface Facts {
  /** How it ended; null while it goes on. */
  over: Reason | null;
  isPaused: boolean;
  isFinishing: boolean;
  running: number;
  /** Why the last session or attempt ended; null before any did. */
  lostBecause: string | null;
  connected: boolean;
  retryInMs: number | null;
  diskError: string | null;
  hostTrouble: string | null;
  isFetching: boolean;
  hasRoom: boolean;
  noWork: { reason: NoWorkReason; retryInMs: number | null } | null;
}

/** The first that applies, from what a person decided down to what the grid says. */
export function reasonOf(facts: Facts): Reason {
  if (facts.over !== null) return facts.over;
  if (facts.isPaused) return { kind: 'paused' };
  if (facts.isFinishing) return { kind: 'finishing' };
  if (facts.running > 0) return { kind: 'working' };
  if (facts.diskError !== null) return { kind: 'disk_full', why: facts.diskError };
  if (!facts.connected) {
    if (facts.lostBecause === null) return { kind: 'starting' };
    const { lostBecause: why, retryInMs } = facts;
    return { kind: 'coordinator_unreachable', why, retryInMs };
  }
  if (facts.isFetching) return { kind: 'fetching' };
  if (facts.hostTrouble !== null) return { kind: 'host_trouble', why: facts.hostTrouble };
  // When nothing runs any more, what was in hand then is done or cancelled, and the answer is on its way.
  if (facts.noWork !== null && facts.noWork.reason !== 'enough_in_hand') {
    return { kind: 'no_work', why: facts.noWork.reason, retryInMs: facts.noWork.retryInMs };
  }
  return facts.hasRoom ? { kind: 'asking' } : { kind: 'reporting' };
}

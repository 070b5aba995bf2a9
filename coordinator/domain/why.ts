/**
 * The one reason why a job, a unit or a host is where it is: the first that applies, from what somebody
 * decided down to what the moment brings. A reason is worked out from facts each time it is asked for
 * and never stored, so it cannot lag behind what it explains.
 */
import type { JobState, PauseCause } from '../../protocol/job.ts';
import type { WhyReason } from '../../protocol/why.ts';
import type { NoUnits } from './grants.ts';
import { type Machine, type Needs, unfit, unfitAll } from './machine.ts';
import type { Lack } from './trust/lack.ts';

/** Why nothing is handed out at all. */
export type Refusal = 'draining' | 'storage' | 'strained';

/** What holds for all that this coordinator could hand out. */
export type Surroundings = {
  refusal: Refusal | null;
  hosts: number;
  /** Of each kind of host the largest. */
  machines: readonly Machine[];
  /** Hosts that ask for work and have got none, and what the window says to it. */
  waiting: readonly (Machine & { nothing: NoUnits | null })[];
};

export type JobNow = {
  state: JobState;
  pause: PauseCause | null;
  /** Units that are neither accepted nor failed, and how many of them are out. */
  undecided: number;
  running: number;
  needs: Needs;
  /** Units that could be granted, but for who asks. */
  free: number;
  /** What its level asks for, and nobody here has. */
  lack: Lack | null;
  /** Whether its checks are so far behind that no more of it is handed out. */
  isAheadOfChecks: boolean;
};

export function whyJob(job: JobNow, around: Surroundings): WhyReason {
  if (job.state === 'complete' || job.state === 'cancelled') return job.state;
  // A pause keeps units back, and there are none: it closes all the same.
  if (job.undecided === 0) return job.lack ?? 'closing';
  if (job.pause !== null) return whyPaused(job.pause);
  if (job.running >= job.undecided) return 'all_out';
  return whyNotHandedOut(job, around);
}

export type UnitNow = {
  status: 'open' | 'accepted' | 'failed';
  /** Whether it has a result that counts only when others have said the same. */
  isPending: boolean;
  isOut: boolean;
  /** Whether its kernel failed on some host already. */
  hasFailedOnce: boolean;
};

export function whyUnit(unit: UnitNow, job: JobNow, around: Surroundings): WhyReason {
  if (unit.status !== 'open') return unit.isPending ? whyPending(job) : unit.status;
  if (job.state === 'cancelled') return 'cancelled';
  if (unit.isOut) return 'running';
  if (job.pause !== null) return whyPaused(job.pause);
  const reason = whyNotHandedOut(job, around);
  return unit.hasFailedOnce && (reason === 'in_turn' || reason === 'resting')
    ? 'second_opinion'
    : reason;
}

export type HostNow = {
  isBanned: boolean;
  isConnected: boolean;
  leases: number;
  isAsking: boolean;
  /** What the window would answer it; null when it would have something. */
  nothing: NoUnits | null;
};

export function whyHost(host: HostNow, { refusal }: Surroundings): WhyReason {
  if (host.isBanned) return 'banned';
  if (!host.isConnected) return 'not_connected';
  if (host.leases > 0) return 'working';
  // It was told when it may ask again, and does not until then.
  if (isKept(host.nothing)) return host.nothing;
  if (!host.isAsking) return refusal ?? 'not_asking';
  // Between a unit that came free and its grant lies a moment.
  return refusal ?? host.nothing ?? 'nothing_left';
}

const whyPaused = (cause: PauseCause): WhyReason =>
  cause === 'kernel_disabled' || cause === 'credit_spent' ? cause : 'paused';

function whyPending({ state, pause, lack }: JobNow): WhyReason {
  if (state === 'cancelled') return 'cancelled';
  return pause === null ? (lack ?? 'checking') : whyPaused(pause);
}

function whyNotHandedOut(job: JobNow, around: Surroundings): WhyReason {
  const { needs, free } = job;
  if (around.refusal !== null) return around.refusal;
  if (around.hosts === 0) return 'no_hosts';
  const noneFits = unfitAll(needs, around.machines);
  if (noneFits !== null) return noneFits;
  if (free === 0 && job.isAheadOfChecks) return job.lack ?? 'checks_behind';
  const able = around.waiting.filter((host) => unfit(needs, host) === null);
  if (free === 0 || able.length === 0) return 'in_turn';
  // Hosts that could run it ask, and get nothing although there is something.
  if (able.some(({ nothing }) => nothing === 'tried_before')) return 'resting';
  return able.every(({ nothing }) => isKept(nothing)) ? 'hosts_kept' : 'in_turn';
}

/** Whether the host gets nothing at all for a while. */
const isKept = (nothing: NoUnits | null): nothing is 'backing_off' | 'quarantined' =>
  nothing === 'backing_off' || nothing === 'quarantined';

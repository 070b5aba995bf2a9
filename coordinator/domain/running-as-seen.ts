/**
 * How many units of a job are shown as running. Those that are out to be checked count as well: a host that looks at
 * the job before and after it gets units would see by the difference which of them are checks.
 *
 * Of a job of which all is decided none are shown: how few of its job are left, a host may see.
 */
import type { JobId } from '../../protocol/ids.ts';
import type { Peers } from './peers.ts';
import type { Window } from './window.ts';

export function runningAsSeen(
  window: Pick<Window, 'running' | 'checking'>,
  peers: Pick<Peers, 'workElsewhere'>,
  jobId: JobId,
  undecided: number,
): number {
  const elsewhere = peers.workElsewhere(jobId);
  const here = window.running(jobId) + window.checking(jobId);
  return Math.min(here + elsewhere.running + elsewhere.checking, undecided);
}

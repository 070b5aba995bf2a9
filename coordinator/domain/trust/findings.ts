/**
 * What follows of the cases that were heard in a step, for their units and for the hosts: further checks,
 * amendments, whose open results are to be looked at again, and what an operator has to hear of. It is written
 * down in one step, with the cases.
 */
import type { HostId, JobId } from '../../../protocol/ids.ts';
import type { JobFacts } from '../job.ts';
import type { CheckNeeds } from './check.ts';
import type { Reach } from './conviction.ts';
import { type Amendment, caseName, type Place, type Told, type UnitCase } from './docket.ts';
import type { WantedCheck } from './orders.ts';

/** Who is not paid, or pays back. */
export type Revoked = Amendment['revoked'];

export class Findings {
  readonly wanted: WantedCheck[] = [];
  readonly amendments = new Map<string, Amendment>();
  readonly sweeps = new Map<HostId, Reach>();
  /** Units of which two anchors said different things. */
  readonly incidents: { jobId: JobId; unit: number }[] = [];
  /** Units of which a verifier refuses what their kernel does say. */
  readonly refusals: { jobId: JobId; unit: number }[] = [];

  /** Somebody is to be asked; of a unit that is heard last, nobody is. */
  ask(job: JobFacts, unit: number, about: UnitCase, needs: CheckNeeds, isLast: boolean): void {
    about.isOut = !isLast;
    if (!isLast) this.wanted.push({ job, unit, needs, about });
  }

  /** Of two reaches the wider one. */
  sweep(hostId: HostId, reach: Reach): void {
    const order: Reach[] = ['unconfirmed', 'sample', 'host', 'account'];
    const known = this.sweeps.get(hostId) ?? 'sample';
    this.sweeps.set(hostId, order.indexOf(known) > order.indexOf(reach) ? known : reach);
  }

  /** `place` is that of the result which stands from now on; null when it is the same as before, or there is none. */
  amend(jobId: JobId, unit: number, about: UnitCase, place: Place | null, revoked: Revoked): void {
    this.amendments.set(amendmentName(jobId, unit, about), { jobId, unit, place, revoked });
  }
}

export const lost = ({ hostId, accountId, micro, isVerdict }: Told): Revoked[number] => ({
  hostId,
  accountId,
  micro,
  ...(isVerdict === true ? { isVerdict } : {}),
});

/** With as many as have testified by now, and were rejected: a later judgement of this case has another name. */
const amendmentName = (jobId: JobId, unit: number, about: UnitCase): string =>
  `${caseName(jobId, unit)} ${about.rejected?.length ?? 0}.${about.testimonies.length}`;

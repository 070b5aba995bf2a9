/**
 * How units leave this host without a result: released by us, or no longer wanted by the grid.
 * Finished units are never among them; they are reported, and get their verdict. Nor do we release a
 * unit that is saved here: it is begun, though it may not run just now.
 */
import { limits } from '../protocol/limits.ts';
import type { HostMessage } from '../protocol/messages.ts';
import { type UnitTimes, unitsToHandBack } from './asking.ts';
import type { Crew } from './crew.ts';
import type { CancelReason, EmitEvent } from './events.ts';
import type { Holdings } from './holdings.ts';
import { toRuns } from './lease-book.ts';

export class HandingBack {
  private readonly holdings: Holdings;
  private readonly crew: Crew;
  private readonly send: (message: HostMessage) => boolean;
  private readonly emit: EmitEvent;

  constructor(
    holdings: Holdings,
    crew: Crew,
    send: (message: HostMessage) => boolean,
    emit: EmitEvent,
  ) {
    this.holdings = holdings;
    this.crew = crew;
    this.send = send;
    this.emit = emit;
  }

  /** Releases all that has not begun. */
  unstarted(): void {
    const { leases } = this.holdings;
    for (const leaseId of leases.leaseIds()) this.release(leaseId, this.unbegunOf(leaseId));
  }

  /** Ends what runs and releases it too. */
  everything(): void {
    const { leases } = this.holdings;
    for (const leaseId of leases.leaseIds()) {
      const running = leases.runningOf(leaseId);
      this.crew.abort(leaseId, running);
      const unsaved = running.filter((unit) => !this.holdings.hasSnapshot(leaseId, unit));
      this.release(leaseId, [...unsaved, ...this.unbegunOf(leaseId)]);
    }
  }

  /** Releases what would lie here too long, now that it is known how long units take. */
  surplus(times: UnitTimes, cores: number): void {
    const { leases } = this.holdings;
    for (const [jobId, unstarted] of leases.unstartedByJob()) {
      const unitMs = times.ofJob(jobId);
      if (unitMs === null) continue;
      let left = unitsToHandBack(cores, unstarted, unitMs);
      // From the back: these would have been the last to begin.
      for (const leaseId of leases.leaseIds().reverse()) {
        if (left <= 0) break;
        if (leases.jobOf(leaseId) !== jobId) continue;
        const units = this.unbegunOf(leaseId).slice(-left);
        left -= units.length;
        this.release(leaseId, units);
      }
    }
  }

  /** The grid does not want these units of us, not even those that run. */
  dropped(leaseId: string, reason: CancelReason): void {
    const running = this.holdings.leases.runningOf(leaseId);
    this.crew.abort(leaseId, running);
    this.forget(leaseId, [...running, ...this.holdings.leases.unstartedOf(leaseId)], reason);
  }

  /** Others may have these units. What runs goes on: it may well be first all the same (W5). */
  expired(leaseId: string): void {
    this.forget(leaseId, this.holdings.leases.unstartedOf(leaseId), 'lease_expired');
  }

  private unbegunOf(leaseId: string): number[] {
    const unstarted = this.holdings.leases.unstartedOf(leaseId);
    return unstarted.filter((unit) => !this.holdings.hasSnapshot(leaseId, unit));
  }

  /** Without a session nothing is released: what the journal has is presented at the next hello. */
  private release(leaseId: string, units: number[]): void {
    const token = this.holdings.leases.tokenOf(leaseId);
    const jobId = this.holdings.leases.jobOf(leaseId);
    if (token === null || jobId === null || units.length === 0) return;
    const runs = toRuns(units);
    for (let at = 0; at < runs.length; at += limits.runsPerLeaseMax) {
      const some = runs.slice(at, at + limits.runsPerLeaseMax);
      if (!this.send({ type: 'release', token, units: some })) return;
    }
    this.holdings.settle(leaseId, units);
    this.emit({ type: 'released', jobId, units: units.length });
  }

  private forget(leaseId: string, units: number[], reason: CancelReason): void {
    const jobId = this.holdings.leases.jobOf(leaseId);
    if (jobId === null || units.length === 0) return;
    this.holdings.settle(leaseId, units);
    this.emit({ type: 'cancelled', jobId, units: units.length, reason });
  }
}

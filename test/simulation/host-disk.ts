/** What a simulated host has on its disk: leases with units to run, and results that nobody has acknowledged. */
import { toRuns } from '../../coordinator/domain/shard.ts';
import type { JobId, LeaseId } from '../../protocol/ids.ts';
import type { Hello, Lease } from '../../protocol/messages.ts';
import type { Finding } from './sim-job.ts';

export type KeptLease = { leaseId: LeaseId; token: string; jobId: JobId; unfinished: Set<number> };
export type KeptResult = { leaseId: LeaseId; token: string; jobId: JobId; finding: Finding };

export class HostDisk {
  readonly leases = new Map<LeaseId, KeptLease>();
  readonly outbox = new Map<string, KeptResult>();

  keepLease({ leaseId, token, jobId, units }: Lease): void {
    const unfinished = new Set(
      units.flatMap(([from, count]) => Array.from({ length: count }, (_, i) => from + i)),
    );
    this.leases.set(leaseId, { leaseId, token, jobId, unfinished });
  }

  /** These units will have no result here. */
  drop(leaseId: LeaseId, units: Iterable<number>): void {
    const lease = this.leases.get(leaseId);
    if (lease === undefined) return;
    for (const unit of units) lease.unfinished.delete(unit);
    if (lease.unfinished.size === 0) this.leases.delete(leaseId);
  }

  finish({ leaseId, token, jobId }: KeptLease, finding: Finding): KeptResult {
    const kept = { leaseId, token, jobId, finding };
    this.outbox.set(keyOf(leaseId, finding.result.unit), kept);
    this.drop(leaseId, [finding.result.unit]);
    return kept;
  }

  acknowledged({ leaseId, finding }: KeptResult): void {
    this.outbox.delete(keyOf(leaseId, finding.result.unit));
  }

  /** What hello presents: every unit that is still to be reported, under the token of its lease. */
  presented(): Hello['leases'] {
    const units = new Map<string, number[]>();
    const add = (token: string, more: Iterable<number>) =>
      units.set(token, [...(units.get(token) ?? []), ...more]);
    for (const { token, unfinished } of this.leases.values()) add(token, unfinished);
    for (const { token, finding } of this.outbox.values()) add(token, [finding.result.unit]);
    return [...units].map(([token, all]) => ({ token, units: toRuns(all.sort((a, b) => a - b)) }));
  }
}

export const keyOf = (leaseId: LeaseId, unit: number): string => `${leaseId}/${unit}`;

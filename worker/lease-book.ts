/**
 * The units this host may work on, by lease, and how far each has come:
 *
 *   unstarted ─ next ─► running ─ finish ─► finished ─ settle ─► (gone)
 *       └───────────────────┴── settle: released or cancelled ──► (gone)
 *
 * A finished unit stays until its result is recorded, because its lease's token is what reports it.
 * The book only remembers; what is durable is written by holdings.ts.
 */
import { limits } from '../protocol/limits.ts';
import type { Lease, UnitRuns } from '../protocol/messages.ts';
import type { Params } from '../protocol/unit-rule.ts';

export interface Assignment {
  leaseId: string;
  jobId: string;
  unit: number;
  /** What the lease says of this unit; null when the job's rule tells. */
  params: Params | null;
}

interface HeldLease {
  leaseId: string;
  token: string;
  jobId: string;
  params: Map<number, Params> | null;
  expiresInMs: number;
  /** In the order of the lease; worked off from the front. */
  unstarted: number[];
  running: Set<number>;
  finished: Set<number>;
}

export class LeaseBook {
  private readonly leases = new Map<string, HeldLease>();
  private unstartedCount = 0;

  /** Takes a lease up with all its units unstarted; the same id again begins anew. */
  add(lease: Lease): void {
    const units = fromRuns(lease.units);
    this.remove(lease.leaseId);
    this.leases.set(lease.leaseId, {
      leaseId: lease.leaseId,
      token: lease.token,
      jobId: lease.jobId,
      params:
        lease.params &&
        new Map(lease.params.flatMap((p, i) => (i in units ? [[units[i] ?? 0, p]] : []))),
      expiresInMs: lease.expiresInMs,
      unstarted: units,
      running: new Set(),
      finished: new Set(),
    });
    this.unstartedCount += units.length;
  }

  /**
   * The next unit to run, of the lease that came first among those of jobs that can run; it counts
   * as running from now on.
   */
  next(canRun: (jobId: string) => boolean): Assignment | null {
    for (const lease of this.leases.values()) {
      if (lease.unstarted.length === 0 || !canRun(lease.jobId)) continue;
      const unit = lease.unstarted.shift();
      if (unit === undefined) continue;
      this.unstartedCount--;
      lease.running.add(unit);
      return {
        leaseId: lease.leaseId,
        jobId: lease.jobId,
        unit,
        params: lease.params?.get(unit) ?? null,
      };
    }
    return null;
  }

  /** False when the lease no longer has this unit: its result is then nobody's. */
  finish(leaseId: string, unit: number): boolean {
    const lease = this.leases.get(leaseId);
    if (lease === undefined || lease.finished.has(unit)) return false;
    if (!lease.running.delete(unit) && !this.takeUnstarted(lease, unit)) return false;
    lease.finished.add(unit);
    return true;
  }

  settle(leaseId: string, units: Iterable<number>): void {
    const lease = this.leases.get(leaseId);
    if (lease === undefined) return;
    for (const unit of units) {
      if (lease.finished.delete(unit) || lease.running.delete(unit)) continue;
      this.takeUnstarted(lease, unit);
    }
    if (unitsLeft(lease) === 0) this.remove(leaseId);
  }

  get size(): number {
    return this.leases.size;
  }

  tokenOf(leaseId: string): string | null {
    return this.leases.get(leaseId)?.token ?? null;
  }

  jobOf(leaseId: string): string | null {
    return this.leases.get(leaseId)?.jobId ?? null;
  }

  /** True when nothing of the lease is left to run. */
  isWorkedOff(leaseId: string): boolean {
    const lease = this.leases.get(leaseId);
    return lease === undefined || lease.unstarted.length + lease.running.size === 0;
  }

  runningOf(leaseId: string): number[] {
    return [...(this.leases.get(leaseId)?.running ?? [])];
  }

  unstartedOf(leaseId: string): number[] {
    return [...(this.leases.get(leaseId)?.unstarted ?? [])];
  }

  leaseIds(): string[] {
    return [...this.leases.keys()];
  }

  jobIds(): Set<string> {
    return new Set([...this.leases.values()].map((lease) => lease.jobId));
  }

  /** Units not started, by job: the work in hand. */
  unstartedByJob(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { jobId, unstarted } of this.leases.values()) {
      if (unstarted.length > 0) counts.set(jobId, (counts.get(jobId) ?? 0) + unstarted.length);
    }
    return counts;
  }

  get unstarted(): number {
    return this.unstartedCount;
  }

  /** What a new session is told: every unit whose result has not been recorded. */
  presented(): { token: string; units: UnitRuns }[] {
    return [...this.leases.values()].map((lease) => ({
      token: lease.token,
      units: toRuns([...lease.unstarted, ...lease.running, ...lease.finished]).slice(
        0,
        limits.runsPerLeaseMax,
      ),
    }));
  }

  /** The leases as they would be granted today, with what is left of them. */
  remaining(): Lease[] {
    return [...this.leases.values()].map((lease) => {
      const runs = toRuns([...lease.unstarted, ...lease.running, ...lease.finished]);
      const { params } = lease;
      return {
        leaseId: lease.leaseId,
        token: lease.token,
        jobId: lease.jobId,
        units: runs,
        params: params && fromRuns(runs).map((unit) => params.get(unit) ?? {}),
        expiresInMs: lease.expiresInMs,
      };
    });
  }

  private takeUnstarted(lease: HeldLease, unit: number): boolean {
    const at = lease.unstarted.indexOf(unit);
    if (at < 0) return false;
    lease.unstarted.splice(at, 1);
    this.unstartedCount--;
    return true;
  }

  private remove(leaseId: string): void {
    this.unstartedCount -= this.leases.get(leaseId)?.unstarted.length ?? 0;
    this.leases.delete(leaseId);
  }
}

const unitsLeft = (lease: HeldLease): number =>
  lease.unstarted.length + lease.running.size + lease.finished.size;

export const fromRuns = (runs: UnitRuns): number[] =>
  runs.flatMap(([from, count]) => Array.from({ length: count }, (_, i) => from + i));

/** Units as runs of consecutive ones, in ascending order. */
export function toRuns(units: number[]): UnitRuns {
  const runs: UnitRuns = [];
  for (const unit of units.toSorted((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last !== undefined && last[0] + last[1] === unit && last[1] < limits.unitsPerWantMax) {
      last[1]++;
    } else runs.push([unit, 1]);
  }
  return runs;
}

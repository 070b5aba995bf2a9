/**
 * What the hosts were told, kept as their owners would keep it: each replica's first verdict, and the
 * result it was given for. A later answer to the same replica has to be the same (W3), and a result
 * that was acknowledged as accepted has to be found in the job in the end (W2).
 */
import type { JobId, LeaseId } from '../../protocol/ids.ts';
import type { HostResult } from '../../protocol/messages.ts';
import type { Verdict } from '../../protocol/outcome.ts';
import type { Violations } from './violations.ts';

export type Told = {
  jobId: JobId;
  leaseId: LeaseId;
  result: HostResult;
  verdict: Verdict;
};

export class Notebook {
  private readonly told = new Map<string, Told>();
  private readonly violations: Violations;

  constructor(violations: Violations) {
    this.violations = violations;
  }

  note(jobId: JobId, leaseId: LeaseId, result: HostResult, verdict: Verdict): void {
    const key = `${leaseId}/${result.unit}`;
    const before = this.told.get(key);
    if (before === undefined) {
      this.told.set(key, { jobId, leaseId, result, verdict });
      return;
    }
    this.violations.unless(
      before.verdict === verdict,
      'W3',
      () => `unit ${result.unit} of lease ${leaseId} was ${before.verdict}, then ${verdict}`,
    );
  }

  get all(): Iterable<Told> {
    return this.told.values();
  }
}

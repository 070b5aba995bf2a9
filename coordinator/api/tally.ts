/**
 * What the doors count as they go: plain numbers, added to where something happens anyway, and read when
 * somebody looks (coordinator/metrics/). Nothing here is by host, job or unit: what a stranger can make
 * more of must not grow what is kept. A report adds once, however many units it carries.
 */
import type { ErrorCode } from '../../protocol/errors.ts';
import type { VerdictRuns } from '../../protocol/messages.ts';
import type { Verdict } from '../../protocol/outcome.ts';
import type { Refusal } from '../domain/why.ts';

export type Door = 'session' | 'http';

export class Tally {
  /** WebSockets that were opened. */
  sessions = 0;
  leasesGranted = 0;
  unitsGranted = 0;
  /** Reports that were answered. */
  reports = 0;
  /** Results in them, by what was said of each. */
  readonly verdicts = new Map<Verdict, number>();
  /** Wants that were sent away, by why nothing is granted. */
  readonly wantsRefused = new Map<Refusal, number>();
  readonly refusals: Record<Door, Map<ErrorCode, number>> = {
    session: new Map(),
    http: new Map(),
  };

  granted(leases: number, units: number): void {
    this.leasesGranted += leases;
    this.unitsGranted += units;
  }

  recorded(runs: VerdictRuns): void {
    this.reports++;
    for (const run of runs) add(this.verdicts, run[0], run[1]);
  }

  refusedWant(reason: Refusal): void {
    add(this.wantsRefused, reason, 1);
  }

  refused(door: Door, code: ErrorCode): void {
    add(this.refusals[door], code, 1);
  }
}

function add<Key>(counts: Map<Key, number>, key: Key, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}

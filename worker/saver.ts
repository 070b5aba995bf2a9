/**
 * Has running units saved: each now and then, and all of them when the worker is about to end. Only
 * units of jobs that asked for it (`migratable`) can be saved, and each run at its own checkpoints.
 *
 * What goes wrong here costs no unit: without a snapshot it begins again, with an older one it goes on
 * from there.
 */
import type { JobBrief } from '../protocol/messages.ts';
import type { EmitEvent } from './events.ts';
import type { Holdings } from './holdings.ts';
import type { Assignment } from './lease-book.ts';
import type { Sandbox } from './sandbox/sandbox.ts';
import { runIdOf } from './unit-run.ts';

export interface SavableRun {
  assignment: Assignment;
  brief: JobBrief;
  holdings: Holdings;
  /** When it was saved last, or began. */
  savedAt: number;
  /** Null when nobody waits for a snapshot of it. */
  saving: Promise<void> | null;
}

export class Saver {
  private readonly sandbox: Sandbox;
  private readonly emit: EmitEvent;
  /** A full disk is told once, not every minute. */
  private toldTrouble = '';

  constructor(sandbox: Sandbox, emit: EmitEvent) {
    this.sandbox = sandbox;
    this.emit = emit;
  }

  /** Asks for a snapshot of those that were not saved for so long; they are kept as they come. */
  saveDue(runs: Iterable<SavableRun>, everyMs: number): void {
    const now = performance.now();
    for (const run of runs) {
      if (run.brief.migratable && now - run.savedAt >= everyMs) void this.save(run);
    }
  }

  /** Asks for a snapshot of all; null when there is nothing that could be saved. */
  saveAll(runs: Iterable<SavableRun>): Promise<unknown> | null {
    const able = [...runs].filter(({ brief }) => brief.migratable);
    return able.length === 0 ? null : Promise.all(able.map((run) => this.save(run)));
  }

  /** Resolves when the snapshot is on the disk, or will not be. */
  private save(run: SavableRun): Promise<void> {
    run.saving ??= this.saveOnce(run).finally(() => {
      run.saving = null;
      // Also when it could not be saved: it is asked as rarely then.
      run.savedAt = performance.now();
    });
    return run.saving;
  }

  private async saveOnce({ assignment, brief, holdings }: SavableRun): Promise<void> {
    const { leaseId, unit } = assignment;
    const saved = await this.sandbox.save(runIdOf(leaseId, unit));
    if (saved === null) return;
    try {
      if (!(await holdings.keepSnapshot(leaseId, unit, saved))) return;
      this.toldTrouble = '';
      const { jobId, name: jobName } = brief;
      const bytes = saved.bytes.length;
      this.emit({ type: 'saved', jobId, jobName, unit, fuel: saved.fuel, bytes });
    } catch (error) {
      const text = `A unit could not be saved: ${error instanceof Error ? error.message : error}`;
      if (text !== this.toldTrouble) this.emit({ type: 'trouble', text });
      this.toldTrouble = text;
    }
  }
}

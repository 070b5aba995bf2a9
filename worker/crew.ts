/**
 * Keeps the cores busy: takes units from the lease book in order, runs them in the sandbox, and
 * hands each result on when it is safe on the disk. A core is free again as soon as its run ends;
 * the disk is not waited for.
 */
import type { JobBrief } from '../protocol/messages.ts';
import type { Outcome } from '../protocol/outcome.ts';
import type { UnitTimes } from './asking.ts';
import type { EmitEvent } from './events.ts';
import type { Holdings } from './holdings.ts';
import type { InputState, Inputs } from './inputs.ts';
import type { StoredResult } from './journal.ts';
import type { Assignment } from './lease-book.ts';
import type { Platform } from './platform/platform.ts';
import type { Sandbox, SandboxEnd, SavedRun } from './sandbox/sandbox.ts';
import { type SavableRun, Saver } from './saver.ts';
import { resultOf, runIdOf, sandboxRun } from './unit-run.ts';

export interface RunningUnit {
  jobId: string;
  jobName: string;
  unit: number;
  elapsedMs: number;
  /** What the kernel says of itself, 0 to 1; null when it says nothing. */
  progress: number | null;
}

export interface CrewEvents {
  /** A result is on the disk. */
  finished(stored: StoredResult): void;
  /** A run ended for a reason of this machine. */
  hostFailed(why: string): void;
  /** A core is free, or a result was kept or dropped. */
  changed(): void;
  /** Our own mistake. */
  failed(error: unknown): void;
}

interface Run extends SavableRun {
  startedAt: number;
  progress: number | null;
}

export class Crew {
  /** `host_error` outcomes in a row: more than a few mean that this machine cannot run kernels. */
  hostErrors = 0;
  /** Units begun since the worker started, without those that were aborted. */
  begun = 0;
  finished = 0;
  fuel = 0;
  private readonly cores: number;
  private readonly sandbox: Sandbox;
  private readonly sha256: Platform['sha256'];
  private readonly inputs: Inputs;
  private readonly times: UnitTimes;
  private readonly events: CrewEvents;
  private readonly emit: EmitEvent;
  private readonly saver: Saver;
  private readonly runs = new Map<string, Run>();
  private ending = 0;

  constructor(
    cores: number,
    sandbox: Sandbox,
    sha256: Platform['sha256'],
    inputs: Inputs,
    times: UnitTimes,
    events: CrewEvents,
    emit: EmitEvent,
  ) {
    this.cores = cores;
    this.sandbox = sandbox;
    this.sha256 = sha256;
    this.inputs = inputs;
    this.times = times;
    this.events = events;
    this.emit = emit;
    this.saver = new Saver(sandbox, emit);
  }

  get busy(): number {
    return this.runs.size;
  }

  /** Nothing runs, and every run that ended has its result on the disk. */
  get isIdle(): boolean {
    return this.runs.size + this.ending === 0;
  }

  running(): RunningUnit[] {
    const now = performance.now();
    return [...this.runs.values()].map(({ assignment, brief, startedAt, progress }) => ({
      jobId: assignment.jobId,
      jobName: brief.name,
      unit: assignment.unit,
      elapsedMs: Math.round(now - startedAt),
      progress,
    }));
  }

  /** Starts units until the cores are busy; at most `unitsMax` of them. */
  fill(holdings: Holdings, unitsMax: number): void {
    const canRun = (jobId: string) => this.inputsOf(holdings, jobId).state !== 'fetching';
    let started = 0;
    while (this.runs.size < this.cores && started < unitsMax) {
      const assignment = holdings.leases.next(canRun);
      const brief = assignment && holdings.briefs.get(assignment.jobId);
      if (!assignment || !brief) break;
      started++;
      this.begun++;
      this.run(holdings, assignment, brief).catch(this.events.failed);
    }
  }

  /** Ends these runs; they leave no result. */
  abort(leaseId: string, units: number[]): void {
    for (const unit of units) {
      const id = runIdOf(leaseId, unit);
      if (!this.runs.delete(id)) continue;
      this.begun--;
      this.sandbox.abort(id);
    }
  }

  /** Saves what was not saved for so long. */
  saveDue(everyMs: number): void {
    this.saver.saveDue(this.runs.values(), everyMs);
  }

  /** Saves what runs, as far as it can be saved; null when nothing can. */
  saveAll(): Promise<unknown> | null {
    return this.saver.saveAll(this.runs.values());
  }

  private async run(holdings: Holdings, assignment: Assignment, brief: JobBrief): Promise<void> {
    const { jobId, unit, leaseId } = assignment;
    const id = runIdOf(leaseId, unit);
    const startedAt = performance.now();
    const run: Run = {
      ...{ assignment, brief, holdings, startedAt },
      ...{ progress: null, savedAt: startedAt, saving: null },
    };
    this.runs.set(id, run);
    const from = brief.migratable ? await holdings.snapshotOf(leaseId, unit) : null;
    const fuelBefore = from?.fuel ?? 0;
    this.emit({ type: 'started', jobId, jobName: brief.name, unit, fuelBefore });
    const end = await this.endOf(run, from);
    // Aborted runs were taken out by who aborted them; what they left is nobody's.
    if (!this.runs.delete(id) || end.outcome === 'aborted') return this.events.changed();

    this.ending++;
    const { outcome, fuel, detail } = end;
    const wallMs = Math.round(end.wallMs);
    // What is left of a unit says nothing of how long a whole one takes.
    if (from === null) this.times.observe(jobId, end.wallMs);
    this.hostErrors = outcome === 'host_error' ? this.hostErrors + 1 : 0;
    if (outcome === 'host_error') this.events.hostFailed(detail);
    this.events.changed();
    this.emit({ type: 'ended', jobId, jobName: brief.name, unit, outcome, fuel, wallMs, detail });
    const { result, largeOutput } = await resultOf(unit, end, this.sha256);
    const stored = await holdings.finish(leaseId, result, largeOutput);
    this.ending--;
    if (stored !== null) {
      this.finished++;
      this.fuel += end.fuel;
      this.events.finished(stored);
    }
    this.events.changed();
  }

  /** A snapshot that is damaged, or of another kernel, costs a beginning, once. */
  private async endOf(run: Run, from: SavedRun | null): Promise<SandboxEnd> {
    const { assignment, holdings } = run;
    const inputs = this.inputsOf(holdings, assignment.jobId);
    const end = await this.endFrom(run, inputs, from);
    if (from === null || inputs.state !== 'here' || end.outcome !== 'host_error') return end;
    const { leaseId, unit } = assignment;
    holdings.forgetSnapshots(leaseId, [unit]);
    const text = `Unit ${unit} cannot go on from its snapshot and begins again. ${end.detail}`;
    this.emit({ type: 'trouble', text });
    return await this.endFrom(run, inputs, null);
  }

  private async endFrom(run: Run, inputs: InputState, from: SavedRun | null): Promise<SandboxEnd> {
    if (inputs.state !== 'here') {
      return ended(
        'host_error',
        inputs.state === 'missing' ? inputs.why : 'its inputs are not here',
      );
    }
    let sandboxed: Parameters<Sandbox['run']>[1];
    try {
      sandboxed = await sandboxRun(run.assignment, run.brief, inputs.inputs, this.sha256);
    } catch (error) {
      // An index that the rule does not have: the coordinator's mistake, not the kernel's.
      return ended('host_error', error instanceof Error ? error.message : String(error));
    }
    // Aborted before it could be told to the sandbox.
    if (this.runs.get(sandboxed.id) !== run) return ended('aborted', '');
    const resumed = from === null ? sandboxed : { ...sandboxed, from };
    return this.sandbox.run(inputs.inputs.kernel, resumed, (fraction) => {
      run.progress = fraction;
    });
  }

  private inputsOf(holdings: Holdings, jobId: string): InputState {
    const brief = holdings.briefs.get(jobId);
    return brief === undefined ? { state: 'missing', why: 'unknown job' } : this.inputs.of(brief);
  }
}

/** A run that never reached the sandbox. */
const ended = (outcome: Outcome, detail: string): SandboxEnd => ({
  outcome,
  exitCode: null,
  fuel: 0,
  stdout: new Uint8Array(),
  stderr: new Uint8Array(),
  files: {},
  detail,
  wallMs: 0,
});

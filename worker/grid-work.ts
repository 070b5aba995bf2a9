/**
 * The work for one grid: what the coordinator's messages do to what we hold, and when to run, to
 * report and to ask. Everything that changes anything ends in `pump`, which looks at how things
 * stand and does what can be done: start units, send what is due, ask when hands are getting empty.
 */
import { limits } from '../protocol/limits.ts';
import type { Hello, HostMessage, Lease } from '../protocol/messages.ts';
import type { Artifacts } from './artifacts.ts';
import { Asker } from './asker.ts';
import { type UnitTimes, unitsToHandBack, unitsToWant } from './asking.ts';
import { backoffMs } from './backoff.ts';
import type { SessionMessage, Welcome } from './connection.ts';
import { Crew } from './crew.ts';
import type { EmitEvent } from './events.ts';
import type { Holdings } from './holdings.ts';
import { Inputs } from './inputs.ts';
import { fromRuns, toRuns } from './lease-book.ts';
import type { Platform } from './platform/platform.ts';
import { Reporter } from './reporter.ts';
import type { Sandbox } from './sandbox/sandbox.ts';

export interface GridWorkOptions {
  holdings: Holdings;
  artifacts: Artifacts;
  sandbox: Sandbox;
  sha256: Platform['sha256'];
  times: UnitTimes;
  cores: number;
  unitsMax: number;
  /** False when there is no session: then the message was not sent. */
  send(message: HostMessage): boolean;
  emit: EmitEvent;
  changed(): void;
  failed(error: unknown): void;
}

/** Half a frame for the tokens of a hello; leases beyond that are not presented and so dropped. */
const presentedCharsMax = limits.frameBytesMax / 2;
/** Large outputs that may wait on the disk: a volunteer lends cores, not a disk. */
const uploadBytesMax = 512 * 1024 * 1024;
/** This many runs in a row that failed because of this machine are no accident. */
const hostErrorsMax = 3;
/** A want that was answered with an error is repeated after a moment, not at once. */
const wantAgainMs = 5000;
/** Frozen longer than this, a unit is better done by another host: its lease may run out. */
const pausedRenewMsMax = 600_000;

export class GridWork {
  readonly holdings: Holdings;
  readonly crew: Crew;
  readonly asker: Asker;
  private readonly inputs: Inputs;
  private readonly reporter: Reporter;
  private readonly options: GridWorkOptions;
  /** Cleared while paused, finishing or stopping: nothing is started and nothing asked for. */
  private isTaking = true;
  private pausedAt: number | null = null;
  private renewEveryMs = 0;
  private renewing: ReturnType<typeof setTimeout> | undefined;

  constructor(options: GridWorkOptions) {
    const { holdings, artifacts, sandbox, sha256, times, cores, send, emit } = options;
    this.options = options;
    this.holdings = holdings;
    this.inputs = new Inputs(artifacts, () => this.pump());
    this.reporter = new Reporter(holdings, artifacts, send, emit);
    this.asker = new Asker(send, () => this.pump());
    this.crew = new Crew(
      cores,
      sandbox,
      sha256,
      this.inputs,
      times,
      {
        finished: (stored) => this.reporter.add(stored),
        changed: () => this.pump(),
        failed: options.failed,
      },
      emit,
    );
  }

  /** Nothing runs and every result has its verdict. */
  get isSettled(): boolean {
    return this.crew.isIdle && this.holdings.outbox.size === 0;
  }

  /** Results and leases are not so many that more must wait for the coordinator's word. */
  get hasRoom(): boolean {
    const { leases, outbox } = this.holdings;
    return leases.size < limits.leasesPerHelloMax && outbox.uploadBytes < uploadBytesMax;
  }

  /** Why this machine cannot run kernels; null while it can. */
  get hostTrouble(): string | null {
    return this.crew.hostErrors >= hostErrorsMax ? this.crew.lastHostError : null;
  }

  /** Units are in hand whose kernel or inputs are not here yet. */
  get isFetching(): boolean {
    return this.inputs.isFetching && this.holdings.leases.unstarted > 0;
  }

  /** The leases to present in a hello. */
  presented(): Hello['leases'] {
    let chars = 0;
    return this.holdings.leases
      .presented()
      .slice(0, limits.leasesPerHelloMax)
      .filter(({ token }) => {
        chars += token.length;
        return chars <= presentedCharsMax;
      });
  }

  opened(welcome: Welcome): void {
    const held = new Set(welcome.heldLeases);
    for (const leaseId of this.holdings.leases.leaseIds()) {
      if (!held.has(leaseId)) this.drop(leaseId, 'the grid no longer counts on it');
    }
    this.holdings.forgetIdleJobs();
    this.asker.reset();
    this.renewEveryMs = welcome.renewEveryMs;
    this.renewLater();
    // Leases kept from before, while what is wanted now is to end or to pause.
    if (!this.isTaking) this.stopTaking();
    this.reporter.opened(welcome.uploadToken);
    this.pump();
  }

  lost(): void {
    clearTimeout(this.renewing);
    this.asker.reset();
    this.reporter.lost();
  }

  received(message: SessionMessage): void {
    switch (message.type) {
      case 'lease':
        for (const brief of message.jobs) this.holdings.briefs.set(brief.jobId, brief);
        this.asker.granted(message.want);
        for (const lease of message.leases) this.take(lease);
        break;
      case 'noWork':
        this.asker.refused(message);
        this.options.emit(message);
        break;
      case 'recorded':
        this.reporter.recorded(message.report, message.verdicts);
        break;
      case 'cancel':
        if (message.reason === 'lease_expired') this.expire(message.leaseId);
        else this.drop(message.leaseId, message.reason);
        break;
      case 'notice':
        this.noticed(message);
        break;
      case 'credited':
        this.options.emit(message);
        break;
      default:
        throw new Error(`unreachable: ${message satisfies never}`);
    }
    this.pump();
  }

  /** What can be done now is done. */
  pump(): void {
    const { crew, holdings } = this;
    if (this.isTaking && this.hasRoom) {
      crew.fill(holdings, this.options.unitsMax - crew.begun);
      if (crew.hostErrors >= hostErrorsMax) this.standBack();
    }
    this.reporter.flush();
    this.ask();
    this.options.changed();
  }

  /** Once a second or so: what no message and no ending unit would bring to mind. */
  tick(): void {
    this.reporter.resendOverdue();
    if (this.holdings.diskError !== null) void this.holdings.retryDisk().then(() => this.pump());
    this.handBackSurplus();
    this.inputs.keep(this.holdings.leases.jobIds());
  }

  /** Starts nothing more and gives back what has not begun; what runs goes on. */
  stopTaking(): void {
    this.isTaking = false;
    for (const leaseId of this.holdings.leases.leaseIds()) {
      this.release(leaseId, this.holdings.leases.unstartedOf(leaseId));
    }
  }

  pause(): void {
    this.pausedAt = performance.now();
    this.stopTaking();
  }

  resume(): void {
    this.pausedAt = null;
    this.isTaking = true;
    this.pump();
  }

  /** Ends what runs and gives everything back that has no result. */
  abandon(): void {
    this.isTaking = false;
    for (const leaseId of this.holdings.leases.leaseIds()) {
      const running = this.holdings.leases.runningOf(leaseId);
      this.crew.abort(leaseId, running);
      this.release(leaseId, [...running, ...this.holdings.leases.unstartedOf(leaseId)]);
    }
  }

  async close(): Promise<void> {
    this.isTaking = false;
    this.lost();
    for (const leaseId of this.holdings.leases.leaseIds()) {
      this.crew.abort(leaseId, this.holdings.leases.runningOf(leaseId));
    }
    this.inputs.keep(new Set());
    await this.holdings.close();
  }

  private take(lease: Lease): void {
    const brief = this.holdings.briefs.get(lease.jobId);
    if (brief === undefined || !this.isTaking) {
      this.options.send({ type: 'release', token: lease.token, units: lease.units });
      return;
    }
    this.holdings.addLease(lease, brief);
    const units = fromRuns(lease.units).length;
    this.options.emit({ type: 'lease', jobId: lease.jobId, jobName: brief.name, units });
  }

  /** The grid no longer wants these units of us; finished ones are reported all the same. */
  private drop(leaseId: string, reason: string): void {
    const { leases } = this.holdings;
    const running = leases.runningOf(leaseId);
    const units = [...running, ...leases.unstartedOf(leaseId)];
    if (units.length === 0) return;
    const jobId = leases.jobOf(leaseId) ?? '';
    this.crew.abort(leaseId, running);
    this.holdings.settle(leaseId, units);
    this.options.emit({ type: 'cancelled', jobId, units: units.length, reason });
  }

  /** Others may take these units now. What runs goes on: it is likely to be first all the same. */
  private expire(leaseId: string): void {
    const jobId = this.holdings.leases.jobOf(leaseId) ?? '';
    const units = this.holdings.leases.unstartedOf(leaseId);
    if (units.length === 0) return;
    this.holdings.settle(leaseId, units);
    this.options.emit({ type: 'cancelled', jobId, units: units.length, reason: 'lease_expired' });
  }

  /** Without a session nothing is given back: the journal presents it again next time. */
  private release(leaseId: string, units: number[]): void {
    const token = this.holdings.leases.tokenOf(leaseId);
    if (token === null || units.length === 0) return;
    const jobId = this.holdings.leases.jobOf(leaseId) ?? '';
    const runs = toRuns(units);
    for (let at = 0; at < runs.length; at += limits.runsPerLeaseMax) {
      const some = runs.slice(at, at + limits.runsPerLeaseMax);
      if (!this.options.send({ type: 'release', token, units: some })) return;
    }
    this.holdings.settle(leaseId, units);
    this.options.emit({ type: 'released', jobId, units: units.length });
  }

  private noticed({ code, text, about }: Extract<SessionMessage, { type: 'notice' }>): void {
    this.options.emit({ type: 'notice', code, text });
    if (about === null || this.reporter.refused(about, code)) return;
    if (this.asker.isOpen(about)) this.asker.holdOff(wantAgainMs);
  }

  private ask(): void {
    const { crew, holdings, options } = this;
    const { leases, diskError } = holdings;
    if (!this.isTaking || !this.asker.canAsk || !this.hasRoom || diskError !== null) return;
    const units = Math.min(
      unitsToWant({
        cores: options.cores,
        inHand: crew.busy + leases.unstarted,
        finished: crew.finished,
        unitMs: options.times.lately,
      }),
      options.unitsMax - crew.begun - leases.unstarted,
    );
    if (units > 0) this.asker.ask(crew.hostErrors > 0 ? Math.min(units, options.cores) : units);
  }

  /** This machine fails at what it is given: the rest goes back, and after a while one more try. */
  private standBack(): void {
    if (!this.asker.canAsk && this.holdings.leases.unstarted === 0) return;
    for (const leaseId of this.holdings.leases.leaseIds()) {
      this.release(leaseId, this.holdings.leases.unstartedOf(leaseId));
    }
    this.asker.holdOff(backoffMs(this.crew.hostErrors - hostErrorsMax + 1, Math.random()));
  }

  private handBackSurplus(): void {
    const { leases } = this.holdings;
    for (const [jobId, unstarted] of leases.unstartedByJob()) {
      const unitMs = this.options.times.ofJob(jobId);
      if (unitMs === null) continue;
      let surplus = unitsToHandBack(this.options.cores, unstarted, unitMs);
      // From the back: these would have been the last to begin.
      for (const leaseId of leases.leaseIds().reverse()) {
        if (surplus <= 0) break;
        if (leases.jobOf(leaseId) !== jobId) continue;
        const units = leases.unstartedOf(leaseId).slice(-surplus);
        surplus -= units.length;
        this.release(leaseId, units);
      }
    }
  }

  /** Renews what is held, a little before the time so that a thousand hosts do not do it at once. */
  private renewLater(): void {
    clearTimeout(this.renewing);
    this.renewing = setTimeout(
      () => {
        const isTooLong =
          this.pausedAt !== null && performance.now() - this.pausedAt > pausedRenewMsMax;
        const leases = this.holdings.leases.leaseIds().slice(0, limits.leasesPerProgressMax);
        if (leases.length > 0 && !isTooLong) this.options.send({ type: 'progress', leases });
        this.renewLater();
      },
      this.renewEveryMs * (0.8 + 0.2 * Math.random()),
    );
  }
}

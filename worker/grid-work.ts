/**
 * The work for one grid: what the coordinator's messages do to what we hold, and when to run, to
 * report and to ask. Everything that changes anything ends in `pump`, which looks at how things
 * stand and does what can be done: start units, send what is due, ask when hands are getting empty.
 */
import { limits } from '../protocol/limits.ts';
import type { Hello, HostMessage, Lease } from '../protocol/messages.ts';
import { expandVerdicts } from '../protocol/report.ts';
import type { Artifacts } from './artifacts.ts';
import { Asker } from './asker.ts';
import { type UnitTimes, unitsToWant } from './asking.ts';
import { backoffMs } from './backoff.ts';
import type { SessionMessage, Welcome } from './connection.ts';
import { Crew } from './crew.ts';
import type { EmitEvent } from './events.ts';
import { HandingBack } from './handing-back.ts';
import type { Holdings } from './holdings.ts';
import { Inputs } from './inputs.ts';
import { fromRuns } from './lease-book.ts';
import type { Platform } from './platform/platform.ts';
import { Renewal } from './renewal.ts';
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
  /** How often a unit that runs is saved, if its job allows it. */
  saveEveryMs: number;
  /** False when there is no session: then the message was not sent. */
  send(message: HostMessage): boolean;
  emit: EmitEvent;
  changed(): void;
  failed(error: unknown): void;
}

/** A quarter of what a hello may present is left free: one grant may bring a dozen leases. */
const leasesMax = (limits.leasesPerHelloMax * 3) / 4;
/** Half a frame for the tokens of a hello; leases beyond that are not presented and so dropped. */
const presentedCharsMax = limits.frameBytesMax / 2;
/** Large outputs that may wait on the disk: a volunteer lends cores, not a disk. */
const uploadBytesMax = 512 * 1024 * 1024;
/**
 * To save what runs before the end: a checkpoint comes about once a second, and service managers
 * kill ten seconds after SIGTERM, of which eight went to finishing. What was saved before is left.
 */
const lastSaveMsMax = 1500;
/** This many runs in a row that failed because of this machine are no accident. */
const hostErrorsMax = 3;

export class GridWork {
  readonly holdings: Holdings;
  readonly crew: Crew;
  readonly asker: Asker;
  private readonly options: GridWorkOptions;
  private readonly inputs: Inputs;
  private readonly reporter: Reporter;
  private readonly handingBack: HandingBack;
  private readonly renewal: Renewal;
  /** Cleared while paused and before the end: nothing is started and nothing asked for. */
  private isTaking = true;
  private hostError = '';
  private nextMessageId = 1;

  constructor(options: GridWorkOptions) {
    const { holdings, artifacts, sandbox, sha256, times, cores, send, emit } = options;
    this.options = options;
    this.holdings = holdings;
    this.inputs = new Inputs(artifacts, () => this.pump());
    this.asker = new Asker(send, () => this.pump());
    this.reporter = new Reporter(holdings, artifacts, send, () => this.messageId(), emit);
    this.crew = new Crew(
      cores,
      sandbox,
      sha256,
      this.inputs,
      times,
      {
        finished: (stored) => this.reporter.add(stored),
        hostFailed: (why) => this.standBack(why),
        changed: () => this.pump(),
        failed: options.failed,
      },
      emit,
    );
    this.handingBack = new HandingBack(holdings, this.crew, send, emit);
    this.renewal = new Renewal(holdings.leases, send);
  }

  /** Nothing runs and every result has its verdict. */
  get isSettled(): boolean {
    return this.crew.isIdle && this.holdings.outbox.size === 0;
  }

  /** Units are in hand whose kernel or inputs are not here yet. */
  get isFetching(): boolean {
    return this.inputs.isFetching && this.holdings.leases.unstarted > 0;
  }

  /** Results and leases are not so many that more must wait for the coordinator's word. */
  get hasRoom(): boolean {
    return this.holdings.leases.size < leasesMax && this.hasRoomForResults;
  }

  /** Why this machine cannot run kernels; null while it can. */
  get hostTrouble(): string | null {
    return this.crew.hostErrors >= hostErrorsMax ? this.hostError : null;
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
      if (!held.has(leaseId)) this.handingBack.dropped(leaseId, 'not_held');
    }
    this.holdings.forgetIdleJobs();
    this.asker.reset();
    this.renewal.start(welcome.renewEveryMs);
    // Leases kept from before, while what is wanted now is to end or to pause.
    if (!this.isTaking) this.handingBack.unstarted();
    this.reporter.opened(welcome.uploadToken);
    this.pump();
  }

  lost(): void {
    this.renewal.stop();
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
        this.options.emit({
          type: 'noWork',
          reason: message.reason,
          retryAfterMs: message.retryAfterMs,
        });
        break;
      case 'recorded':
        this.reporter.recorded(message.report, expandVerdicts(message.verdicts));
        break;
      case 'cancel':
        if (message.reason === 'lease_expired') this.handingBack.expired(message.leaseId);
        else this.handingBack.dropped(message.leaseId, message.reason);
        break;
      case 'notice':
        this.options.emit({ type: 'notice', code: message.code, text: message.text });
        if (message.about === null) break;
        this.asker.failed(message.about);
        this.reporter.refused(message.about, message.code);
        break;
      case 'credited':
        this.options.emit(message);
        break;
      default:
        throw new Error(`no such message: ${JSON.stringify(message satisfies never)}`);
    }
    this.pump();
  }

  /** What can be done now is done. */
  pump(): void {
    const { crew, holdings } = this;
    // However many leases there are: only work makes them fewer.
    const canStart = this.isTaking && this.hasRoomForResults;
    if (canStart) crew.fill(holdings, this.options.unitsMax - crew.begun);
    this.reporter.flush();
    this.ask();
    this.options.changed();
  }

  /** Once a second or so: what no message and no ending unit would bring to mind. */
  tick(): void {
    this.reporter.resendOverdue();
    this.crew.saveDue(this.options.saveEveryMs);
    this.handingBack.surplus(this.options.times, this.options.cores);
    this.inputs.keep(this.holdings.leases.jobIds());
    if (this.holdings.diskError !== null) void this.holdings.retryDisk();
    this.pump();
  }

  /** Starts nothing more for good: what runs goes on, and is saved in case it may not. */
  finish(): void {
    this.stopTaking();
    void this.crew.saveAll();
  }

  /** Starts nothing more and gives back what has not begun; what runs goes on. */
  stopTaking(): void {
    this.isTaking = false;
    this.handingBack.unstarted();
  }

  pause(): void {
    this.stopTaking();
    this.renewal.pause();
  }

  resume(): void {
    this.isTaking = true;
    this.renewal.resume();
    this.pump();
  }

  /**
   * Ends what runs and gives everything back that has no result, but for what is saved: that stays
   * in hand, and the next worker in this folder goes on with it.
   */
  abandon(): void {
    this.isTaking = false;
    const saving = this.crew.saveAll();
    const end = () => this.handingBack.everything();
    if (saving === null) {
      end();
      return;
    }
    this.handingBack.unstarted();
    const late = setTimeout(end, lastSaveMsMax);
    void saving.then(() => {
      clearTimeout(late);
      end();
    });
  }

  /** Lets go of everything without a word: the journal keeps it for the next time. */
  async close(): Promise<void> {
    this.isTaking = false;
    this.lost();
    for (const leaseId of this.holdings.leases.leaseIds()) {
      this.crew.abort(leaseId, this.holdings.leases.runningOf(leaseId));
    }
    this.inputs.keep(new Set());
    await this.holdings.close();
  }

  private get hasRoomForResults(): boolean {
    return this.holdings.outbox.uploadBytes < uploadBytesMax;
  }

  private take(lease: Lease): void {
    const brief = this.holdings.briefs.get(lease.jobId);
    const isInTrouble = this.hostTrouble !== null && this.asker.isHoldingOff;
    const cannot = isInTrouble || this.holdings.diskError !== null;
    if (brief === undefined || !this.isTaking || cannot) {
      this.options.send({ type: 'release', token: lease.token, units: lease.units });
      return;
    }
    this.holdings.addLease(lease, brief);
    const units = fromRuns(lease.units).length;
    this.options.emit({ type: 'lease', jobId: lease.jobId, jobName: brief.name, units });
  }

  /** This machine fails at what it is given: the rest goes back, and later there is one more try. */
  private standBack(why: string): void {
    const errorsTooMany = this.crew.hostErrors - hostErrorsMax;
    if (errorsTooMany < 0) return;
    this.hostError = why;
    this.handingBack.unstarted();
    this.asker.holdOff(backoffMs(errorsTooMany, Math.random()));
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
        // After trouble as at the start: one for each core.
        unitMs: crew.hostErrors > 0 ? null : options.times.lately,
      }),
      options.unitsMax - crew.begun - leases.unstarted,
    );
    if (units > 0) this.asker.ask(this.messageId(), units);
  }

  /** Wants and reports are numbered together, because a notice may be about either. */
  private messageId(): number {
    return this.nextMessageId++;
  }
}

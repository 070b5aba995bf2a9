/**
 * Sends results: few messages with many results while work goes on, at once when someone may be
 * waiting. A lease's results go out when it is worked off (its last result is never delayed), when
 * a good number has gathered, or a moment after the first.
 */
import { type ErrorCode, errorCodes, errorFacts } from '../protocol/errors.ts';
import type { HostMessage } from '../protocol/messages.ts';
import type { Verdict } from '../protocol/outcome.ts';
import { packResults } from '../protocol/report.ts';
import type { Artifacts } from './artifacts.ts';
import { backoffMs } from './backoff.ts';
import type { EmitEvent } from './events.ts';
import type { Holdings } from './holdings.ts';
import type { StoredResult } from './journal.ts';
import { toRuns } from './lease-book.ts';
import { Uploader } from './uploader.ts';

/** A person who watches does not notice a fifth of a second; a message for each result costs most. */
const gatherMs = 200;
/** At 10,000 units a second these are 80 messages a second, each well below a frame. */
const gatherResults = 128;
/** A report is answered after a group commit; a minute without an answer means that it was lost. */
const answerMaxMs = 60_000;

export class Reporter {
  private readonly holdings: Holdings;
  private readonly uploader: Uploader;
  private readonly send: (message: HostMessage) => boolean;
  private readonly nextId: () => number;
  private readonly emit: EmitEvent;
  private isOpen = false;
  private failures = 0;
  private gathering: ReturnType<typeof setTimeout> | undefined;
  private holdingOff: ReturnType<typeof setTimeout> | undefined;

  constructor(
    holdings: Holdings,
    artifacts: Artifacts,
    send: (message: HostMessage) => boolean,
    nextId: () => number,
    emit: EmitEvent,
  ) {
    this.holdings = holdings;
    this.send = send;
    this.nextId = nextId;
    this.emit = emit;
    this.uploader = new Uploader(holdings, artifacts, {
      uploaded: (stored) => {
        this.ready(stored);
        this.flush();
      },
      vanished: (stored) => this.giveUp(stored),
      failed: (why) => emit({ type: 'trouble', text: `An output cannot be uploaded: ${why}` }),
    });
    for (const stored of holdings.outbox.all()) this.add(stored);
  }

  /** Takes a result that is on the disk. */
  add(stored: StoredResult): void {
    if (stored.uploadBytes > 0) this.uploader.add(stored);
    else this.ready(stored);
  }

  /** A new session: what the last one did not answer is sent again. */
  opened(uploadToken: string): void {
    this.isOpen = true;
    this.failures = 0;
    this.stopHoldingOff();
    this.uploader.session(uploadToken);
    this.holdings.outbox.putBackOlder(Number.POSITIVE_INFINITY, performance.now());
    this.flush(true);
  }

  /** No session: what is finished now waits for the next one. */
  lost(): void {
    this.isOpen = false;
    this.uploader.session(null);
    this.stopHoldingOff();
    clearTimeout(this.gathering);
    this.gathering = undefined;
  }

  /** Sends what is due, or simply everything. */
  flush(everything = false): void {
    if (!this.isOpen || this.holdingOff !== undefined) return;
    const now = performance.now();
    for (const { leaseId, results, sinceMs } of [...this.holdings.outbox.waitingResults()]) {
      const isDue =
        everything ||
        results.length >= gatherResults ||
        now - sinceMs >= gatherMs ||
        this.isLastOf(leaseId);
      if (isDue) this.report(leaseId);
      else this.gather();
    }
  }

  /** The coordinator's verdicts on a report. */
  recorded(reportId: number, verdicts: Verdict[]): void {
    this.failures = 0;
    const units = this.holdings.recorded(reportId, verdicts);
    if (units.length > 0) this.emit({ type: 'recorded', verdicts: units });
    this.flush();
  }

  /**
   * The coordinator could not, or would not, take a report. Refused for good, its results are
   * nobody's; otherwise they are offered again a little later.
   */
  refused(reportId: number, code: string): void {
    const { holdings } = this;
    const report = holdings.outbox.answered(reportId);
    if (report === null) return;
    if (isFinal(code)) {
      const units = report.results.map(({ result }) => result.unit);
      holdings.settle(report.leaseId, units);
      const text = `The grid refused the results of ${units.length} units: ${code}.`;
      this.emit({ type: 'trouble', text });
      return;
    }
    const isUnknownOutput = code === ('artifact_unknown' satisfies ErrorCode);
    const lost = report.results.filter(({ uploadBytes }) => isUnknownOutput && uploadBytes > 0);
    const results = report.results.filter((stored) => !lost.includes(stored));
    holdings.outbox.putBack({ ...report, results }, performance.now());
    for (const stored of lost) {
      holdings.outbox.keepAgain(stored);
      this.uploader.add(stored);
    }
    this.holdOff();
  }

  /** Offers reports again that were never answered. */
  resendOverdue(): void {
    const now = performance.now();
    this.holdings.outbox.putBackOlder(now - answerMaxMs, now);
    this.flush();
  }

  private ready(stored: StoredResult): void {
    this.holdings.outbox.ready(stored, performance.now());
  }

  private isLastOf(leaseId: string): boolean {
    return this.holdings.leases.isWorkedOff(leaseId) && !this.holdings.outbox.isKeeping(leaseId);
  }

  private report(leaseId: string): void {
    const token = this.holdings.leases.tokenOf(leaseId);
    if (token === null) return;
    for (;;) {
      const report = this.holdings.outbox.take(leaseId, this.nextId, performance.now());
      if (report === null) return;
      this.send({ type: 'report', id: report.id, token, ...packResults(report.results) });
    }
  }

  private gather(): void {
    this.gathering ??= setTimeout(() => {
      this.gathering = undefined;
      this.flush();
    }, gatherMs);
  }

  /** The unit goes back: somebody has to compute it again. */
  private giveUp({ leaseId, result }: StoredResult): void {
    this.emit({
      type: 'trouble',
      text: `The output of unit ${result.unit} is gone from the disk.`,
    });
    const token = this.holdings.leases.tokenOf(leaseId);
    this.holdings.settle(leaseId, [result.unit]);
    if (token !== null) this.send({ type: 'release', token, units: toRuns([result.unit]) });
  }

  private holdOff(): void {
    this.holdingOff ??= setTimeout(
      () => {
        this.holdingOff = undefined;
        this.flush(true);
      },
      backoffMs(this.failures++, Math.random()),
    );
  }

  private stopHoldingOff(): void {
    clearTimeout(this.holdingOff);
    this.holdingOff = undefined;
  }
}

/** A code that we do not know may be a newer coordinator's: better to offer the result again. */
function isFinal(code: string): boolean {
  const known = errorCodes.find((one) => one === code);
  return known !== undefined && !errorFacts(known satisfies ErrorCode).retry;
}

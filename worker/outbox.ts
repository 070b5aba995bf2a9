/**
 * Results on their way to the coordinator. Each stays until its verdict arrives, through any number
 * of sessions and restarts, and is sent every time with the same bytes:
 *
 *   kept ─ ready ─► waiting ─ take ─► sent ─ answered, settle ─► (gone)
 *     ▲                ▲─── putBack ───┤
 *     └─────────── keepAgain ──────────┘
 *
 * `kept` is the time in which a result gets onto the disk and a large output to the coordinator.
 * The outbox only remembers; what is durable is written by holdings.ts.
 */
import { limits } from '../protocol/limits.ts';
import type { HostResult } from '../protocol/messages.ts';
import { orderForReport } from '../protocol/report.ts';
import type { StoredResult } from './journal.ts';

export interface WaitingResults {
  leaseId: string;
  results: StoredResult[];
  /** Since when the first of them waits. */
  sinceMs: number;
}

export interface Report {
  id: number;
  results: HostResult[];
}

export interface SentReport {
  leaseId: string;
  results: StoredResult[];
  atMs: number;
}

/**
 * Reports under way at once. Sixteen of 256 results cover a second of round trip at 4,000 units a
 * second; beyond that the coordinator is the one that is late, and more would only queue there.
 */
const reportsMax = 16;
/** Half a frame: the envelope and the token have the other half. */
const reportBytesMax = limits.frameBytesMax / 2;

export class Outbox {
  private readonly results = new Map<string, Map<number, StoredResult>>();
  private readonly waiting = new Map<string, WaitingResults>();
  private readonly sent = new Map<number, SentReport>();
  /** How many results of a lease are only kept yet. */
  private readonly kept = new Map<string, number>();
  private count = 0;
  private bytes = 0;

  get size(): number {
    return this.count;
  }

  /** Large outputs on the disk whose results are not recorded. */
  get uploadBytes(): number {
    return this.bytes;
  }

  /** False when there is a result for this unit of this lease already: the first one stands. */
  add(stored: StoredResult): boolean {
    const { leaseId } = stored;
    const ofLease = this.results.get(leaseId) ?? new Map<number, StoredResult>();
    if (ofLease.has(stored.result.unit)) return false;
    ofLease.set(stored.result.unit, stored);
    this.results.set(leaseId, ofLease);
    this.keepAgain(stored);
    this.count++;
    this.bytes += stored.uploadBytes;
    return true;
  }

  /** This result is on the disk, its output uploaded when it is large: it may be reported. */
  ready(stored: StoredResult, now: number): void {
    this.unkeep(stored.leaseId);
    this.wait(stored, now);
  }

  waitingResults(): Iterable<WaitingResults> {
    return this.waiting.values();
  }

  /** True while a result of this lease is about to be ready. */
  isKeeping(leaseId: string): boolean {
    return this.kept.has(leaseId);
  }

  /** The next report of this lease, under that id; null when nothing waits or enough is under way. */
  take(leaseId: string, nextId: () => number, now: number): Report | null {
    const lease = this.waiting.get(leaseId);
    if (lease === undefined || this.sent.size >= reportsMax) return null;
    let bytes = 0;
    let count = 0;
    for (const { result } of lease.results) {
      bytes += frameBytesOf(result);
      if (count === limits.resultsPerReportMax || (count > 0 && bytes > reportBytesMax)) break;
      count++;
    }
    const results = orderForReport(lease.results.splice(0, count), ({ result }) => result);
    if (lease.results.length === 0) this.waiting.delete(leaseId);
    const id = nextId();
    this.sent.set(id, { leaseId, results, atMs: now });
    return { id, results: results.map(({ result }) => result) };
  }

  /** The report that has its answer; null when it is not under way. */
  answered(reportId: number): SentReport | null {
    const report = this.sent.get(reportId) ?? null;
    this.sent.delete(reportId);
    return report;
  }

  /** This result's output has to be uploaded once more. */
  keepAgain({ leaseId }: StoredResult): void {
    this.kept.set(leaseId, (this.kept.get(leaseId) ?? 0) + 1);
  }

  putBack(report: SentReport, now: number): void {
    for (const stored of report.results) this.wait(stored, now);
  }

  /** Puts reports sent before this moment back: their session or their answer is lost. */
  putBackOlder(thanMs: number, now: number): void {
    for (const [id, report] of this.sent) {
      if (report.atMs >= thanMs) continue;
      this.sent.delete(id);
      this.putBack(report, now);
    }
  }

  /** Lets go of results that are not waiting, and returns those that were here. */
  settle(leaseId: string, units: Iterable<number>): StoredResult[] {
    const settled: StoredResult[] = [];
    const ofLease = this.results.get(leaseId);
    for (const unit of units) {
      const stored = ofLease?.get(unit);
      if (stored === undefined) continue;
      ofLease?.delete(unit);
      settled.push(stored);
      this.bytes -= stored.uploadBytes;
    }
    if (ofLease?.size === 0) {
      this.results.delete(leaseId);
      this.kept.delete(leaseId);
    }
    this.count -= settled.length;
    return settled;
  }

  all(): StoredResult[] {
    return [...this.results.values()].flatMap((ofLease) => [...ofLease.values()]);
  }

  private wait(stored: StoredResult, now: number): void {
    const lease = this.waiting.get(stored.leaseId);
    if (lease !== undefined) lease.results.push(stored);
    else {
      const { leaseId } = stored;
      this.waiting.set(leaseId, { leaseId, results: [stored], sinceMs: now });
    }
  }

  private unkeep(leaseId: string): void {
    const left = (this.kept.get(leaseId) ?? 0) - 1;
    if (left > 0) this.kept.set(leaseId, left);
    else this.kept.delete(leaseId);
  }
}

/** An upper bound: numbers, names and the digest take less than 200 bytes. */
const frameBytesOf = (result: HostResult): number =>
  200 + (result.output?.length ?? 0) + result.detail.length * 4;

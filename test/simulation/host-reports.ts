/**
 * The results of one life of a simulated host, on their way to the grid. Each stays on the disk until
 * its verdict has come, through any number of sessions. Some hosts report too soon, before a large
 * output is uploaded; some repeat what was answered, and a few then say something else.
 */
import { createHash } from 'node:crypto';
import { limits } from '../../protocol/limits.ts';
import type { HostResult } from '../../protocol/messages.ts';
import type { Verdict } from '../../protocol/outcome.ts';
import { orderForReport, packResults } from '../../protocol/report.ts';
import { type KeptResult, keyOf } from './host-disk.ts';
import type { HostWorkParts } from './host-work.ts';
import { failure, success, truthOf } from './sim-job.ts';
import type { FromHost } from './wire.ts';

/** Results that come soon after each other go together. */
const gatherMs = 200;
/** A report without an answer is lost after a minute (worker/reporter.ts). */
const answerMsMax = 60_000;
const uploadMsMax = 500;
/** The last results that were answered, for those who repeat themselves. */
const answeredMax = 40;

type Send = (message: FromHost) => void;
type Sent = { results: KeptResult[]; at: number; isRepeat: boolean };

export class HostReports {
  private readonly parts: HostWorkParts;
  private readonly nextId: () => number;
  private send: Send | null = null;
  private readonly sent = new Map<number, Sent>();
  private readonly uploading = new Set<string>();
  private readonly answered: KeptResult[] = [];
  private isGathering = false;

  constructor(parts: HostWorkParts, nextId: () => number) {
    this.parts = parts;
    this.nextId = nextId;
    for (const kept of parts.disk.outbox.values()) this.upload(kept);
  }

  opened(send: Send): void {
    this.send = send;
    this.reportAll();
  }

  closed(): void {
    this.send = null;
    this.sent.clear();
  }

  /** The last result of a lease goes out at once, the others wait a little for more. */
  add(kept: KeptResult, isLastOfLease: boolean): void {
    const { life, manners, random } = this.parts;
    if (!random.chance(manners.hastyShare)) this.upload(kept);
    if (isLastOfLease) this.reportAll();
    if (isLastOfLease || this.isGathering) return;
    this.isGathering = true;
    life.clock.after(gatherMs, () => {
      this.isGathering = false;
      this.reportAll();
    });
  }

  recorded(id: number, verdicts: readonly Verdict[]): void {
    const { disk, world } = this.parts;
    const report = this.sent.get(id);
    if (report === undefined) return;
    this.sent.delete(id);
    for (const [i, kept] of report.results.entries()) {
      const verdict = verdicts[i];
      if (verdict === undefined) world.violations.report('W3', `report ${id} has too few verdicts`);
      else world.notebook.note(kept.jobId, kept.leaseId, kept.finding.result, verdict);
      if (report.isRepeat) continue;
      disk.acknowledged(kept);
      this.answered.push(kept);
    }
    if (this.answered.length > answeredMax) this.answered.splice(0, answeredMax / 2);
  }

  /** The coordinator answered with an error. The only one that is no bug: an output is not there yet. */
  refused(id: number, code: string): void {
    const report = this.sent.get(id);
    if (report === undefined) return;
    this.sent.delete(id);
    const isExpected = code === 'artifact_unknown';
    this.parts.world.violations.unless(isExpected, 'W3', () => `a report was refused: ${code}`);
    for (const kept of report.results) this.upload(kept);
  }

  tick(): void {
    const { manners, random, world } = this.parts;
    for (const [id, { at }] of this.sent) {
      if (at < world.clock.now - answerMsMax) this.sent.delete(id);
    }
    if (random.chance(manners.repeatShare)) this.repeat();
    this.reportAll();
  }

  /** Reports all that is neither under way nor still being uploaded, lease by lease. */
  private reportAll(): void {
    if (this.send === null) return;
    const underWay = new Set(
      [...this.sent.values()].filter(({ isRepeat }) => !isRepeat).flatMap(({ results }) => results),
    );
    const byLease = new Map<string, KeptResult[]>();
    for (const [key, kept] of this.parts.disk.outbox) {
      if (underWay.has(kept) || this.uploading.has(key)) continue;
      byLease.set(kept.leaseId, [...(byLease.get(kept.leaseId) ?? []), kept]);
    }
    for (const results of byLease.values()) {
      this.report(results.slice(0, limits.resultsPerReportMax), false);
    }
  }

  private report(kept: KeptResult[], isRepeat: boolean): void {
    const results = orderForReport(kept, ({ finding }) => finding.result);
    const [first] = results;
    if (this.send === null || first === undefined) return;
    const id = this.nextId();
    this.sent.set(id, { results, at: this.parts.world.clock.now, isRepeat });
    const told = results.map(({ finding }) => finding.result);
    // In columns there is no digest that an output could fail to have.
    const packed = told.every(isSound) ? packResults(told) : { successes: null, results: told };
    this.send({ type: 'report', id, token: first.token, ...packed });
  }

  private upload(kept: KeptResult): void {
    const { life, random, world } = this.parts;
    const { large, result } = kept.finding;
    if (large === null) return;
    const key = keyOf(kept.leaseId, result.unit);
    this.uploading.add(key);
    life.clock.after(random.skewed(1, uploadMsMax), () => {
      const digest = `sha256:${Buffer.from(result.digest).toString('hex')}`;
      void world.artifacts.write('output', digest, [large]).then(() => {
        this.uploading.delete(key);
        this.reportAll();
      });
    });
  }

  /** Sends again what was answered, one result twice or all that is left of its lease. */
  private repeat(): void {
    const { manners, random } = this.parts;
    if (this.answered.length === 0) return;
    const one = random.pick(this.answered);
    const ofLease = this.answered.filter(({ leaseId }) => leaseId === one.leaseId);
    const told = random.chance(0.5) ? [one, one] : ofLease;
    const lies = told.map((kept) => (random.chance(manners.lieShare) ? this.lie(kept) : kept));
    this.report(lies, true);
  }

  private lie(kept: KeptResult): KeptResult {
    const { random, world } = this.parts;
    const { unit } = kept.finding.result;
    const { output } = truthOf({ ...world.store.jobOf(kept.jobId), seed: 1n }, unit).result;
    const lies = [
      failure(unit, 'host_error', null, 0),
      failure(unit, 'kernel_trap', null, 77),
      output === null ? kept.finding : success(unit, output, 1e9),
    ];
    return { ...kept, finding: random.pick(lies) };
  }
}

const isSound = ({ output, digest }: HostResult): boolean =>
  output === null || createHash('sha256').update(output).digest().equals(digest);

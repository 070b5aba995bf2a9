/**
 * The work of one life of a simulated host: asks, runs units for a while, reports what it found, and
 * keeps its disk as a worker does. Nothing is taken from the worker's code: this is a volunteer who
 * knows the protocol alone, and not all of its good manners.
 */
import { renewEveryMs } from '../../coordinator/domain/lease.ts';
import { limits } from '../../protocol/limits.ts';
import type { HostDisk, KeptLease, KeptResult } from './host-disk.ts';
import { keyOf } from './host-disk.ts';
import type { HostProfile, Manners } from './host-profile.ts';
import type { Life } from './life.ts';
import type { Random } from './random.ts';
import { type Finding, failure, success, truthOf } from './sim-job.ts';
import type { FromCoordinator, FromHost } from './wire.ts';
import type { World } from './world.ts';

/** Results that come soon after each other go together. */
const gatherMs = 200;
/** A report without an answer is lost after a minute (worker/reporter.ts). */
const answerMsMax = 60_000;
const tickMs = 1000;
/** What a host asks for is this much work for it. */
const wantedMs = 4000;
const repeatable = 40;
const uploadMsMax = 500;

export type HostWorkParts = {
  world: World;
  profile: HostProfile;
  manners: Manners;
  disk: HostDisk;
  life: Life;
  random: Random;
};
type Sent = { results: KeptResult[]; at: number; isRepeat: boolean };

export class HostWork {
  private readonly parts: HostWorkParts;
  private send: ((message: FromHost) => void) | null = null;
  private readonly running = new Map<string, () => void>();
  private readonly sent = new Map<number, Sent>();
  private readonly uploading = new Set<string>();
  private readonly answered: KeptResult[] = [];
  private nextId = 1;
  private openWant: number | null = null;
  private mayAskAt = 0;
  private isGathering = false;

  constructor(parts: HostWorkParts) {
    this.parts = parts;
    this.every(tickMs, () => this.tick());
    this.every(renewEveryMs, () => this.renew());
    for (const kept of parts.disk.outbox.values()) this.upload(kept);
    this.run();
  }

  /** A session is open: leases that no longer stand are dropped, results are sent (again). */
  opened(send: (message: FromHost) => void, heldLeases: readonly string[]): void {
    this.send = send;
    for (const lease of [...this.parts.disk.leases.values()]) {
      if (!heldLeases.includes(lease.leaseId)) this.drop(lease, [...lease.unfinished]);
    }
    this.run();
    this.report();
    this.ask();
  }

  closed(): void {
    this.send = null;
    this.openWant = null;
    this.mayAskAt = 0;
    this.sent.clear();
  }

  received(message: FromCoordinator): void {
    const { disk, profile, world } = this.parts;
    switch (message.type) {
      case 'lease':
        if (message.want === this.openWant) this.openWant = null;
        for (const lease of message.leases) {
          disk.keepLease(lease);
          const fits = world.store.jobOf(lease.jobId).memoryBytes <= profile.memoryBytes;
          const text = () => `${lease.jobId} is too large for its host`;
          world.violations.unless(fits, 'granted', text);
        }
        break;
      case 'noWork':
        if (message.want !== this.openWant || message.retryAfterMs === null) break;
        this.openWant = null;
        this.mayAskAt = world.clock.now + message.retryAfterMs;
        break;
      case 'recorded':
        this.recorded(message.report, message.verdicts);
        break;
      case 'cancel': {
        const lease = disk.leases.get(message.leaseId);
        if (lease === undefined) break;
        const units = [...lease.unfinished];
        // What runs under a lease that ended goes on: it may be first all the same (W5).
        const keeps = message.reason === 'lease_expired';
        this.drop(lease, keeps ? units.filter((unit) => !this.isRunning(lease, unit)) : units);
        break;
      }
      case 'notice':
        this.refused(message.about, message.code);
    }
    this.run();
    this.ask();
  }

  private recorded(
    id: number,
    verdicts: Extract<FromCoordinator, { type: 'recorded' }>['verdicts'],
  ) {
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
    this.answered.splice(0, this.answered.length - repeatable);
  }

  /** The coordinator answered a want or a report with an error. */
  private refused(about: number | null, code: string): void {
    const { world } = this.parts;
    if (about === null) return;
    if (about === this.openWant) {
      this.openWant = null;
      this.mayAskAt = world.clock.now + tickMs;
    }
    const report = this.sent.get(about);
    if (report === undefined) return;
    this.sent.delete(about);
    if (code !== 'artifact_unknown') world.violations.report('W3', `a report was refused: ${code}`);
    for (const kept of report.results) this.upload(kept);
  }

  /** Runs as many units as there are cores. */
  private run(): void {
    const { disk, life, profile, random, world } = this.parts;
    for (const lease of disk.leases.values()) {
      for (const unit of lease.unfinished) {
        if (this.running.size >= profile.cores) return;
        if (this.isRunning(lease, unit)) continue;
        const { unitMs } = world.store.jobOf(lease.jobId);
        const ms = unitMs * profile.slowness * (0.5 + random.fraction());
        const end = life.clock.after(ms, () => this.finish(lease, unit));
        this.running.set(keyOf(lease.leaseId, unit), end);
      }
    }
  }

  private finish(lease: KeptLease, unit: number): void {
    const { disk, manners, random } = this.parts;
    this.running.delete(keyOf(lease.leaseId, unit));
    if (random.chance(manners.releaseShare)) {
      disk.drop(lease.leaseId, [unit]);
      this.send?.({ type: 'release', token: lease.token, units: [[unit, 1]] });
    } else {
      const finding = this.find(lease, unit);
      disk.finish(lease, finding);
      const kept = disk.outbox.get(keyOf(lease.leaseId, unit));
      if (kept !== undefined && !random.chance(manners.hastyShare)) this.upload(kept);
      this.gather(lease);
    }
    this.run();
    this.ask();
  }

  private find({ jobId }: KeptLease, unit: number): Finding {
    const { manners, random, world } = this.parts;
    const fuel = random.between(1, 1e6);
    if (random.chance(manners.hostErrorShare)) {
      return failure(unit, random.pick(['host_error', 'aborted', 'time_exceeded']), null, fuel);
    }
    const truth = truthOf(world.store.jobOf(jobId), unit);
    if (random.chance(manners.falseTrapShare)) return failure(unit, 'kernel_trap', null, fuel);
    if (truth.large !== null || !random.chance(manners.damagedShare)) return truth;
    return { ...truth, result: { ...truth.result, digest: random.bytes(32) } };
  }

  /** The last result of a lease goes out at once, the others wait a little for more. */
  private gather(lease: KeptLease): void {
    if (lease.unfinished.size === 0) this.report();
    if (lease.unfinished.size === 0 || this.isGathering) return;
    this.isGathering = true;
    this.parts.life.clock.after(gatherMs, () => {
      this.isGathering = false;
      this.report();
    });
  }

  private report(): void {
    if (this.send === null) return;
    const underWay = new Set(
      [...this.sent.values()].filter(({ isRepeat }) => !isRepeat).flatMap(({ results }) => results),
    );
    const byLease = new Map<string, KeptResult[]>();
    for (const kept of this.parts.disk.outbox.values()) {
      if (underWay.has(kept) || this.uploading.has(keyOf(kept.leaseId, kept.finding.result.unit))) {
        continue;
      }
      byLease.set(kept.leaseId, [...(byLease.get(kept.leaseId) ?? []), kept]);
    }
    for (const results of byLease.values()) {
      this.sendReport(results.slice(0, limits.resultsPerReportMax), false);
    }
  }

  private sendReport(results: KeptResult[], isRepeat: boolean): void {
    const [first] = results;
    if (this.send === null || first === undefined) return;
    const id = this.nextId++;
    this.sent.set(id, { results, at: this.parts.world.clock.now, isRepeat });
    const told = results.map(({ finding }) => finding.result);
    this.send({ type: 'report', id, token: first.token, results: told });
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
        this.report();
      });
    });
  }

  private ask(): void {
    const { disk, profile, random, world } = this.parts;
    if (this.send === null || this.openWant !== null || world.clock.now < this.mayAskAt) return;
    let inHand = 0;
    let unitMs = 1000;
    for (const lease of disk.leases.values()) {
      inHand += lease.unfinished.size;
      unitMs = world.store.jobOf(lease.jobId).unitMs * profile.slowness;
    }
    if (inHand >= profile.cores * 2) return;
    const usual = Math.ceil((profile.cores * wantedMs) / unitMs);
    const units = random.chance(0.05) ? limits.unitsPerWantMax : usual;
    this.openWant = this.nextId++;
    this.send({
      type: 'want',
      id: this.openWant,
      units: Math.min(Math.max(units, profile.cores), limits.unitsPerWantMax),
    });
  }

  private tick(): void {
    const { manners, random, world } = this.parts;
    for (const [id, { at }] of this.sent) {
      if (at < world.clock.now - answerMsMax) this.sent.delete(id);
    }
    if (random.chance(manners.repeatShare)) this.repeat();
    this.report();
    this.ask();
  }

  /** Sends again what was answered, and sometimes not the same. */
  private repeat(): void {
    const { manners, random } = this.parts;
    if (this.answered.length === 0) return;
    const one = random.pick(this.answered);
    const results = this.answered.filter(({ leaseId }) => leaseId === one.leaseId);
    const told = random.chance(0.5) ? [one, one] : results;
    this.sendReport(
      told.map((kept) => (random.chance(manners.lieShare) ? this.lie(kept) : kept)),
      true,
    );
  }

  private lie(kept: KeptResult): KeptResult {
    const { unit } = kept.finding.result;
    const { random } = this.parts;
    const other = truthOf({ ...this.parts.world.store.jobOf(kept.jobId), seed: 1n }, unit);
    const lies = [
      failure(unit, 'host_error', null, 0),
      failure(unit, 'kernel_trap', null, 77),
      other.result.output === null ? kept.finding : success(unit, other.result.output, 1e9),
    ];
    return { ...kept, finding: random.pick(lies) };
  }

  private renew(): void {
    const { disk } = this.parts;
    const leases = new Set(disk.leases.keys());
    for (const { leaseId } of disk.outbox.values()) leases.add(leaseId);
    if (leases.size > 0) this.send?.({ type: 'progress', leases: [...leases] });
  }

  private drop(lease: KeptLease, units: readonly number[]): void {
    for (const unit of units) {
      const key = keyOf(lease.leaseId, unit);
      this.running.get(key)?.();
      this.running.delete(key);
    }
    this.parts.disk.drop(lease.leaseId, units);
  }

  private isRunning(lease: KeptLease, unit: number): boolean {
    return this.running.has(keyOf(lease.leaseId, unit));
  }

  private every(ms: number, work: () => void): void {
    this.parts.life.clock.after(ms, () => {
      work();
      this.every(ms, work);
    });
  }
}

/**
 * The work of one life of a simulated host: asks, runs units for a while, and reports what it found.
 * Nothing is taken from the worker's code: this is a volunteer who knows the protocol alone, and not
 * all of its good manners.
 */
import { renewEveryMs } from '../../coordinator/domain/lease.ts';
import { limits } from '../../protocol/limits.ts';
import { expandVerdicts } from '../../protocol/report.ts';
import { type HostDisk, type KeptLease, keyOf } from './host-disk.ts';
import type { HostProfile, Manners } from './host-profile.ts';
import { HostReports } from './host-reports.ts';
import type { Life } from './life.ts';
import type { Random } from './random.ts';
import { type Finding, failure, truthOf } from './sim-job.ts';
import type { FromCoordinator, FromHost } from './wire.ts';
import type { World } from './world.ts';

const tickMs = 1000;
/** What a host asks for is this much work for it. */
const wantedMs = 4000;
/** And sometimes for as much as it may. */
const greedyShare = 0.05;

export type HostWorkParts = {
  world: World;
  profile: HostProfile;
  manners: Manners;
  disk: HostDisk;
  life: Life;
  random: Random;
};

export class HostWork {
  private readonly parts: HostWorkParts;
  private readonly reports: HostReports;
  private send: ((message: FromHost) => void) | null = null;
  /** How to stop each unit that runs. */
  private readonly running = new Map<string, () => void>();
  /** Wants and reports are numbered together. */
  private nextId = 1;
  private openWant: number | null = null;
  private mayAskAt = 0;

  constructor(parts: HostWorkParts) {
    this.parts = parts;
    this.reports = new HostReports(parts, () => this.nextId++);
    this.every(tickMs, () => {
      this.reports.tick();
      this.ask();
    });
    this.every(renewEveryMs, () => this.renew());
    this.run();
  }

  /** A session is open: leases that no longer stand are dropped, results are sent (again). */
  opened(send: (message: FromHost) => void, heldLeases: readonly string[]): void {
    this.send = send;
    for (const lease of [...this.parts.disk.leases.values()]) {
      if (!heldLeases.includes(lease.leaseId)) this.drop(lease, [...lease.unfinished]);
    }
    this.reports.opened(send);
    this.run();
    this.ask();
  }

  closed(): void {
    this.send = null;
    this.openWant = null;
    this.mayAskAt = 0;
    this.reports.closed();
  }

  received(message: FromCoordinator): void {
    switch (message.type) {
      case 'lease':
        this.granted(message);
        break;
      case 'noWork':
        if (message.want === this.openWant && message.retryAfterMs !== null) {
          this.askLater(message.retryAfterMs);
        }
        break;
      case 'recorded':
        this.reports.recorded(message.report, expandVerdicts(message.verdicts));
        break;
      case 'cancel':
        this.ended(message.leaseId, message.reason);
        break;
      case 'notice':
        if (message.about === null) break;
        if (message.about === this.openWant) this.askLater(tickMs);
        else this.reports.refused(message.about, message.code);
    }
    this.run();
    this.ask();
  }

  private granted({ want, leases }: Extract<FromCoordinator, { type: 'lease' }>): void {
    const { disk, profile, world } = this.parts;
    if (want === this.openWant) this.openWant = null;
    for (const lease of leases) {
      disk.keepLease(lease);
      const fits = world.store.jobOf(lease.jobId).memoryBytes <= profile.memoryBytes;
      world.violations.unless(fits, 'granted', () => `${lease.jobId} is too large for its host`);
    }
  }

  private ended(leaseId: string, reason: string): void {
    const lease = this.parts.disk.leases.get(leaseId);
    if (lease === undefined) return;
    const units = [...lease.unfinished];
    // What runs under a lease that ended goes on: it may be first all the same (W5).
    const isExpired = reason === 'lease_expired';
    this.drop(lease, isExpired ? units.filter((unit) => !this.isRunning(lease, unit)) : units);
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
        const stop = life.clock.after(ms, () => this.finish(lease, unit));
        this.running.set(keyOf(lease.leaseId, unit), stop);
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
      const kept = disk.finish(lease, this.find(lease, unit));
      this.reports.add(kept, lease.unfinished.size === 0);
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
    const { unitsPerWantMax } = limits;
    const usual = Math.max(Math.ceil((profile.cores * wantedMs) / unitMs), profile.cores);
    const units = random.chance(greedyShare) ? unitsPerWantMax : Math.min(usual, unitsPerWantMax);
    this.openWant = this.nextId++;
    this.send({ type: 'want', id: this.openWant, units });
  }

  private askLater(ms: number): void {
    this.openWant = null;
    this.mayAskAt = this.parts.world.clock.now + ms;
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

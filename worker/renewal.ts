/**
 * Keeps held leases alive: at the pace the coordinator asked for, a little early and never in step
 * with a thousand other hosts. Leases of a host that is paused for long are left to run out: a
 * frozen unit is better done by someone else, and may still be finished here if nobody does.
 */
import { limits } from '../protocol/limits.ts';
import type { HostMessage } from '../protocol/messages.ts';
import type { LeaseBook } from './lease-book.ts';

/** Ten minutes: longer than a call or a compilation, for which a pause is most often meant. */
const pausedRenewMsMax = 600_000;

export class Renewal {
  private readonly leases: LeaseBook;
  private readonly send: (message: HostMessage) => boolean;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private pausedAt: number | null = null;

  constructor(leases: LeaseBook, send: (message: HostMessage) => boolean) {
    this.leases = leases;
    this.send = send;
  }

  start(everyMs: number): void {
    clearTimeout(this.timer);
    const waitMs = everyMs * (0.8 + 0.2 * Math.random());
    this.timer = setTimeout(() => {
      this.renew();
      this.start(everyMs);
    }, waitMs);
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  pause(): void {
    this.pausedAt = performance.now();
  }

  resume(): void {
    this.pausedAt = null;
  }

  private renew(): void {
    if (this.pausedAt !== null && performance.now() - this.pausedAt > pausedRenewMsMax) return;
    const leases = this.leases.leaseIds().slice(0, limits.leasesPerProgressMax);
    if (leases.length > 0) this.send({ type: 'progress', leases });
  }
}

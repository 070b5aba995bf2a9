/**
 * All sessions of a simulated coordinator, and how work is shared out among them: what
 * coordinator/api/sessions.ts does, without a server and its pings.
 */

import type { Asker } from '../../coordinator/domain/asker.ts';
import type { LeaseFacts } from '../../coordinator/domain/lease.ts';
import { largestMachines, type Machine } from '../../coordinator/domain/machine.ts';
import type { Present } from '../../coordinator/domain/trust/closing.ts';
import type { Surroundings } from '../../coordinator/domain/why.ts';
import type { Doors, Engine } from '../../coordinator/engine.ts';
import { whyNothing } from '../../coordinator/flow/grant.ts';
import type { SessionFacts } from '../../coordinator/flow/why.ts';
import type { AccountId, HostId } from '../../protocol/ids.ts';
import { SimSession, type SimSessionParts } from './sim-session.ts';
import type { Wire } from './wire.ts';

export class SimDoors implements Doors {
  private readonly engine: Engine;
  private readonly watch: SimSessionParts['watch'];
  private readonly sessions = new Set<SimSession>();
  private isClosing = false;

  constructor(engine: Engine, watch: SimSessionParts['watch']) {
    this.engine = engine;
    this.watch = watch;
  }

  get hosts(): number {
    let count = 0;
    for (const session of this.sessions) if (session.asker !== null) count++;
    return count;
  }

  get asking(): number {
    return this.waiting().length;
  }

  get machines(): Machine[] {
    const askers = [...this.sessions].map(({ asker }) => asker);
    return largestMachines(askers.filter((asker) => asker !== null));
  }

  present(): Present[] {
    const { window, knownHosts, now } = this.engine.context;
    return [...this.sessions].flatMap(({ asker, isWaiting }) => {
      if (asker === null || !(isWaiting || window.hasLeases(asker.hostId))) return [];
      const { repute } = knownHosts.standingOf(asker.hostId, now());
      return [{ accountId: asker.accountId, memoryBytes: asker.memoryBytes, repute }];
    });
  }

  get wires(): Wire[] {
    return [...this.sessions].map(({ wire }) => wire);
  }

  accept(wire: Wire): void {
    this.sessions.add(new SimSession(wire, this.sessionParts()));
  }

  serveWaiting(): void {
    if (this.isClosing) return;
    for (const session of this.sessions) {
      if (!this.engine.context.window.hasWork) return;
      session.serveWaiting();
    }
  }

  banned(id: HostId | AccountId): void {
    for (const session of this.sessions) {
      const { asker } = session;
      if (asker?.hostId === id || asker?.accountId === id) session.close();
    }
  }

  cancelled(leases: readonly LeaseFacts[], reason: 'job_cancelled' | 'job_paused'): void {
    for (const { leaseId, hostId } of leases) {
      for (const session of this.sessions) {
        if (session.asker?.hostId !== hostId) continue;
        session.tell({ type: 'cancel', leaseId, reason });
      }
    }
  }

  paid(): void {
    // Totals are told by the api alone; the checks ask the store for them.
  }

  /** The account of a host that waits while units are free, and has the memory for any of them. */
  starving(memoryBytes: number): AccountId | null {
    if (this.isClosing || this.engine.isRefusing()) return null;
    if (this.engine.context.window.free === 0) return null;
    for (const session of this.sessions) {
      const asker = session.askerNow();
      if (!session.isWaiting || asker === null || asker.memoryBytes < memoryBytes) continue;
      if (session.hasEnough(asker)) continue;
      return asker.accountId;
    }
    return null;
  }

  /** What coordinator/api/sessions.ts tells `why`. */
  surroundings(): Surroundings {
    const { context } = this.engine;
    return {
      refusal: this.isClosing ? 'draining' : this.engine.isRefusing() ? 'storage' : null,
      hosts: this.hosts,
      machines: this.machines,
      waiting: this.waiting().map((asker) => ({
        memoryBytes: asker.memoryBytes,
        nothing: whyNothing(context, asker),
      })),
    };
  }

  session(hostId: HostId): SessionFacts {
    for (const session of this.sessions) {
      const asker = session.askerNow();
      if (asker?.hostId === hostId) return { asker, isAsking: session.isWaiting };
    }
    return null;
  }

  /** Hosts that ask and have got nothing. */
  waiting(): Asker[] {
    return [...this.sessions].flatMap((session) => {
      const asker = session.isWaiting ? session.askerNow() : null;
      return asker === null ? [] : [asker];
    });
  }

  close(): void {
    this.isClosing = true;
    for (const session of this.sessions) session.close();
  }

  private sessionParts(): SimSessionParts {
    const { context, demand } = this.engine;
    return {
      context,
      hosts: () => this.hosts,
      isAlone: (accountId) =>
        [...this.sessions].every(({ asker }) => asker === null || asker.accountId === accountId),
      granted: (units) => {
        demand.granted(units, context.now());
        if (context.window.free < demand.target(this.hosts, context.now()) / 2) this.engine.feed();
      },
      starved: () => this.engine.feed(),
      isDraining: () => this.isClosing || this.engine.isRefusing(),
      watch: this.watch,
      ended: (session) => void this.sessions.delete(session),
    };
  }
}

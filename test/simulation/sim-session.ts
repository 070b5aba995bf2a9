/**
 * One host's connection to a simulated coordinator: what coordinator/api/session.ts does, without a
 * socket and its frames. Each message leads to the same flow step as there, a want that cannot be
 * served is kept in the same way, and a step that throws ends in the same notice or hang-up.
 */

import type { Asker } from '../../coordinator/domain/asker.ts';
import { renewEveryMs } from '../../coordinator/domain/lease.ts';
import { fromRuns, isCheck } from '../../coordinator/domain/shard.ts';
import type { Context } from '../../coordinator/flow/context.ts';
import { totalsOf } from '../../coordinator/flow/enrol.ts';
import { holdPresented } from '../../coordinator/flow/feed.ts';
import { askAgainMs, grantUnits, whyNothing } from '../../coordinator/flow/grant.ts';
import { knowHost } from '../../coordinator/flow/know-host.ts';
import {
  openPresented,
  presentLease,
  releaseUnits,
  renewLeases,
} from '../../coordinator/flow/renew.ts';
import { learnFromReport, reportResults } from '../../coordinator/flow/report.ts';
import { errorFacts, GridError } from '../../protocol/errors.ts';
import type { AccountId, JobId } from '../../protocol/ids.ts';
import { limits } from '../../protocol/limits.ts';
import type { Verdict } from '../../protocol/outcome.ts';
import { toVerdictRuns } from '../../protocol/report.ts';
import type { FromCoordinator, FromHost, SimHello, Wire } from './wire.ts';

/** Leases are looked at once a second (coordinator/queue/rounds.ts). */
const roundMs = 1100;

export type SimSessionParts = {
  context: Context;
  hosts(): number;
  isAlone(accountId: AccountId): boolean;
  granted(units: number): void;
  starved(): void;
  isDraining(): boolean;
  /** Told of every unit that is granted, and of every unit that is known to be decided. */
  watch: { granted(jobId: JobId, unit: number): void; decided(jobId: JobId, unit: number): void };
  ended(session: SimSession): void;
};

export class SimSession {
  readonly wire: Wire;
  asker: Omit<Asker, 'isAlone' | 'hosts'> | null = null;
  private readonly parts: SimSessionParts;
  private readonly waitingWants: { id: number; units: number }[] = [];
  private isClosed = false;
  private enoughUntil = 0;

  constructor(wire: Wire, parts: SimSessionParts) {
    this.wire = wire;
    this.parts = parts;
    wire.door.listen({
      message: (message) => void this.receive(message),
      closed: () => this.end(),
    });
  }

  get isWaiting(): boolean {
    return this.waitingWants.length > 0;
  }

  /**
   * Whether it has as much as it may, or had a moment ago. When that ends otherwise than by a report of its
   * own (a lease of it has ended, its account may have more) it falls to the next round to notice.
   */
  hasEnough(asker: Asker): boolean {
    const { context } = this.parts;
    const reason = whyNothing(context, asker);
    const hasEnough = reason === 'enough_in_hand' || reason === 'backing_off';
    if (hasEnough) this.enoughUntil = context.now() + roundMs;
    return context.now() < this.enoughUntil;
  }

  serveWaiting(): void {
    while (this.waitingWants[0] !== undefined) {
      const { id, units } = this.waitingWants[0];
      if (!this.serve(id, units)) return;
      this.waitingWants.shift();
    }
  }

  tell(message: FromCoordinator): void {
    if (!this.isClosed) this.wire.door.send(message);
  }

  close(): void {
    this.wire.door.close();
    this.end();
  }

  private async receive(message: FromHost): Promise<void> {
    try {
      await this.handle(message);
    } catch (error) {
      // What is no GridError was Redis, away in the middle of a hello: the host comes again.
      const about = 'id' in message ? message.id : null;
      if (!(error instanceof GridError) || errorFacts(error.code).closeCode !== null) this.close();
      else this.tell({ type: 'notice', code: error.code, text: error.message, about });
    }
  }

  private async handle(message: FromHost): Promise<void> {
    if (this.isClosed) return;
    if (message.type === 'hello') return await this.greet(message);
    if (this.asker === null) throw new GridError('out_of_order');
    const { context } = this.parts;
    const { asker } = this;
    switch (message.type) {
      case 'want':
        return this.want(message.id, message.units);
      case 'report': {
        const { token, successes, results } = message;
        const verdicts = await reportResults(context, asker, message);
        learnFromReport(context, asker, message, verdicts);
        const { shard } = context.leaseTokens.open(token, asker);
        const units = [...fromRuns(successes?.units ?? []), ...results.map(({ unit }) => unit)];
        for (const [i, unit] of units.entries()) {
          // Of a check it tells nothing that this coordinator must know of the unit.
          const isTold = tellsOfDecision(verdicts[i]) && !isCheck(shard);
          if (isTold) this.parts.watch.decided(shard.jobId, unit);
        }
        this.tell({ type: 'recorded', report: message.id, verdicts: toVerdictRuns(verdicts) });
        return this.serveWaiting();
      }
      case 'progress':
        for (const leaseId of renewLeases(context, asker.hostId, message.leases)) {
          this.tell({ type: 'cancel', leaseId, reason: 'lease_expired' });
        }
        return;
      case 'release':
        return releaseUnits(context, asker, message.token, message.units);
      case 'bye':
        this.close();
    }
  }

  private async greet({ hostId, accountId, memoryBytes, cores, leases }: SimHello): Promise<void> {
    const { context } = this.parts;
    const key = new Uint8Array(32);
    const host = { hostId, accountId, hostKey: key, accountKey: key, name: '' };
    if ((await context.store.accounts.enrolHost(host, true)) === 'other_account')
      throw new GridError('forbidden');
    const [totals = { creditMicro: 0n, units: 0 }] = await totalsOf(context, [accountId]);
    const seen = { network: null, runtime: '1', threads: cores };
    const capacity = await knowHost(context, { hostId, accountId }, seen);
    const presented = openPresented(context, { hostId, accountId }, leases);
    await holdPresented(
      context,
      presented.map(({ lease }) => lease.shard),
    );
    if (this.isClosed) return;
    this.asker = { hostId, accountId, memoryBytes, capacity };
    const held = presented.filter((lease) => presentLease(context, lease));
    this.tell({
      type: 'welcome',
      hostId,
      accountId,
      uploadToken: '',
      renewEveryMs,
      heldLeases: held.map(({ lease }) => lease.leaseId),
      creditMicro: totals.creditMicro.toString(),
      units: totals.units,
    });
  }

  /** As it is at this moment; null before the welcome. */
  askerNow(): Asker | null {
    if (this.asker === null) return null;
    const { isAlone, hosts } = this.parts;
    return { ...this.asker, isAlone: isAlone(this.asker.accountId), hosts: hosts() };
  }

  private want(id: number, units: number): void {
    if (this.waitingWants.length >= limits.wantsWaitingMax) throw new GridError('out_of_order');
    if (this.serve(id, units)) return;
    if (this.parts.isDraining()) {
      this.tell({ type: 'noWork', want: id, reason: 'draining', retryAfterMs: 2000 });
      return;
    }
    const asker = this.askerNow();
    if (asker === null) return;
    const { context } = this.parts;
    const reason = whyNothing(context, asker);
    const retryAfterMs = askAgainMs(reason, asker, context.now());
    this.tell({ type: 'noWork', want: id, reason, retryAfterMs });
    if (retryAfterMs !== null) return;
    this.waitingWants.push({ id, units });
    if (reason !== 'enough_in_hand') this.parts.starved();
  }

  private serve(id: number, units: number): boolean {
    const asker = this.askerNow();
    if (asker === null || this.parts.isDraining()) return false;
    const { context, granted } = this.parts;
    const grants = grantUnits(context, asker, units);
    if (grants.length === 0) return false;
    const leases = grants.map(({ lease }) => lease);
    for (const { jobId, units: runs, token } of leases) {
      // What is checked was decided before.
      if (isCheck(context.leaseTokens.open(token, asker).shard)) continue;
      for (const unit of fromRuns(runs)) this.parts.watch.granted(jobId, unit);
    }
    this.tell({ type: 'lease', want: id, leases, jobs: [] });
    granted(leases.reduce((sum, lease) => sum + [...fromRuns(lease.units)].length, 0));
    return true;
  }

  private end(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.waitingWants.length = 0;
    this.parts.ended(this);
  }
}

const tellsOfDecision = (verdict: Verdict | undefined): boolean =>
  verdict === 'accepted' || verdict === 'not_needed';

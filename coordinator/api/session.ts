/**
 * One host's WebSocket, from its challenge to its end.
 *
 *   awaiting_hello ─ hello ─► greeting ─ verified ─► ready ─ bye, error, silence, shutdown ─► closing
 *
 * Each frame is parsed, answered by one flow step, and forgotten. A want that cannot be served is
 * kept (`waiting`), and answered the moment units are free.
 */
import type { WebSocket } from 'ws';
import { errorFacts, GridError } from '../../protocol/errors.ts';
import type { AccountId, HostId, JobId } from '../../protocol/ids.ts';
import { limits } from '../../protocol/limits.ts';
import type {
  CoordinatorMessage,
  Hello,
  HostMessage,
  JobBrief,
  Report,
} from '../../protocol/messages.ts';
import type { Verdict } from '../../protocol/outcome.ts';
import { toVerdictRuns } from '../../protocol/report.ts';
import { protocolVersion } from '../../protocol/version.ts';
import type { JobFacts } from '../domain/job.ts';
import { renewEveryMs } from '../domain/lease.ts';
import { runsSize } from '../domain/shard.ts';
import { networkOf } from '../domain/trust/network.ts';
import type { Asker } from '../domain/window.ts';
import { uploadToken } from '../flow/authorize.ts';
import type { Context } from '../flow/context.ts';
import { assertHasLease, enrolHost, introduceHost, type Newcomer } from '../flow/enrol.ts';
import { holdPresented } from '../flow/feed.ts';
import { askAgainMs, grantUnits, sendsRule, whyNothing } from '../flow/grant.ts';
import { knowHost } from '../flow/know-host.ts';
import type { ConnectedHost } from '../flow/list-hosts.ts';
import { openPresented, presentLease, releaseUnits, renewLeases } from '../flow/renew.ts';
import { learnFromReport, reportResults } from '../flow/report.ts';
import { toGridError } from './grid-error.ts';
import { HostSocket } from './host-socket.ts';

/** From the challenge to a verified hello: two round trips and a signature on a slow machine. */
const helloMs = 10_000;
/** Reports under way at once. A worker waits for verdicts before it sends more than a few. */
const reportsMax = 64;

export type SessionParts = {
  context: Context;
  /** Hosts connected, this one included. */
  hosts(): number;
  /** The host has said hello and may work. */
  welcomed(session: Session, accountId: AccountId): void;
  /** Whether no other account's host is connected. */
  isAlone(accountId: AccountId): boolean;
  granted(units: number): void;
  /** No free units were found: the window should be fed. */
  starved(): void;
  /** Why nothing is granted at all: the coordinator is leaving, or cannot store results. */
  refusal(): 'draining' | 'storage' | null;
  /** `welcomedAs` is null when the session never came to its welcome. */
  ended(session: Session, welcomedAs: AccountId | null): void;
};

type State =
  | { kind: 'awaiting_hello' }
  | { kind: 'greeting' }
  | { kind: 'ready'; asker: Asker; accountId: AccountId }
  | { kind: 'closing' };

export class Session {
  private state: State = { kind: 'awaiting_hello' };
  private readonly socket: HostSocket;
  private readonly parts: SessionParts;
  private readonly network: string | null;
  private readonly nonce: Uint8Array;
  private reports = 0;
  private welcomedAs: AccountId | null = null;
  /** What its host said of itself; null before the welcome. */
  private host: Omit<ConnectedHost, 'isAsking'> | null = null;
  private newcomer: Newcomer | null = null;
  private introduction: Promise<void> | null = null;
  private waitingWants: { id: number; units: number }[] = [];
  private readonly briefed = new Set<JobId>();
  private readonly helloTimer: NodeJS.Timeout;

  constructor(webSocket: WebSocket, address: string, parts: SessionParts) {
    this.parts = parts;
    this.network = networkOf(address);
    this.nonce = parts.context.randomBytes(32);
    this.socket = new HostSocket(webSocket, {
      message: (message) => this.handle(message),
      failed: (error, about) => this.fail(error, about),
      alive: () => this.serveWaiting(),
      closed: () => this.end(),
    });
    this.helloTimer = setTimeout(() => this.refuse(new GridError('hello_timeout')), helloMs);
    this.socket.send({
      type: 'challenge',
      protocol: protocolVersion,
      gridId: parts.context.grid.gridId,
      nonce: this.nonce,
    });
  }

  get hostId(): HostId | null {
    return this.state.kind === 'ready' ? this.state.asker.hostId : null;
  }

  get accountId(): AccountId | null {
    return this.state.kind === 'ready' ? this.state.accountId : null;
  }

  /** Its host as an operator sees it; null before the welcome. */
  get connectedHost(): ConnectedHost | null {
    return this.host === null ? null : { ...this.host, isAsking: this.isAsking };
  }

  /** Whether it asks for work and has got none. */
  get isAsking(): boolean {
    return this.waitingWants.length > 0;
  }

  /** As whom it asks; null before the welcome. */
  get asker(): Asker | null {
    return this.state.kind === 'ready' ? this.state.asker : null;
  }

  /** What its host may use; 0 before the welcome. */
  get memoryBytes(): number {
    return this.state.kind === 'ready' ? this.state.asker.memoryBytes : 0;
  }

  /**
   * Tries to serve wants that were kept. Not while a ping is unanswered: a connection that broke
   * without a word would take units with it, and they would come back only when the lease ends.
   */
  serveWaiting(): void {
    if (!this.socket.isAlive) return;
    while (this.waitingWants[0] !== undefined) {
      const { id, units } = this.waitingWants[0];
      if (!this.serve(id, units)) return;
      this.waitingWants.shift();
    }
  }

  tell(message: CoordinatorMessage): void {
    this.send(message);
  }

  /** Sends a ping, or ends a session that was silent since the last one. */
  ping(): void {
    if (this.socket.isAlive) this.socket.ping();
    else this.socket.terminate();
  }

  /** Ends the session with a documented code. */
  refuse(error: GridError): void {
    if (this.state.kind === 'closing') return;
    const code = errorFacts(error.code).closeCode ?? 1011;
    this.send({ type: 'notice', code: error.code, text: error.message, about: null });
    this.state = { kind: 'closing' };
    this.socket.close(code, error.code);
  }

  terminate(): void {
    this.socket.terminate();
  }

  /** What takes time is returned as a promise; what does not is done. */
  private handle(message: HostMessage): Promise<void> | undefined {
    if (this.state.kind === 'closing') return undefined;
    if (message.type === 'hello') return this.greet(message);
    if (this.state.kind !== 'ready')
      throw new GridError('out_of_order', `${message.type} before the welcome.`);
    const { context } = this.parts;
    const { asker } = this.state;
    switch (message.type) {
      case 'want':
        this.want(message.id, message.units, asker);
        return undefined;
      case 'report':
        return this.report(message, asker);
      case 'progress':
        for (const leaseId of renewLeases(context, asker.hostId, message.leases)) {
          this.send({ type: 'cancel', leaseId, reason: 'lease_expired' });
        }
        return undefined;
      case 'release':
        releaseUnits(context, asker, message.token, message.units);
        return undefined;
      case 'bye':
        this.state = { kind: 'closing' };
        this.socket.close(1000, 'bye');
        return undefined;
    }
  }

  private report(report: Report, asker: Asker): Promise<void> {
    if (this.reports >= reportsMax)
      throw new GridError('out_of_order', 'Too many reports at once.');
    const verdicts =
      this.newcomer === null
        ? reportResults(this.parts.context, asker, report)
        : this.introduceAndReport(this.newcomer, report, asker);
    this.reports++;
    return verdicts.then(
      (all) => {
        this.reports--;
        learnFromReport(this.parts.context, asker, report, all);
        this.send({ type: 'recorded', report: report.id, verdicts: toVerdictRuns(all) });
        // It may have had as much in hand as it may.
        if (this.waitingWants.length > 0) this.serveWaiting();
      },
      (error) => {
        this.reports--;
        throw error;
      },
    );
  }

  private async introduceAndReport(
    newcomer: Newcomer,
    report: Report,
    asker: Asker,
  ): Promise<Verdict[]> {
    await this.introduce(newcomer, report.token);
    return reportResults(this.parts.context, asker, report);
  }

  /** Reports come several in a frame: all of the first ones wait for one introduction. */
  private async introduce(newcomer: Newcomer, leaseToken: string): Promise<void> {
    assertHasLease(this.parts.context, newcomer, leaseToken);
    this.introduction ??= introduceHost(this.parts.context, newcomer);
    try {
      await this.introduction;
      this.newcomer = null;
    } finally {
      this.introduction = null;
    }
  }

  private async greet(hello: Hello): Promise<void> {
    if (this.state.kind !== 'awaiting_hello')
      throw new GridError('out_of_order', 'A second hello.');
    this.state = { kind: 'greeting' };
    const { context } = this.parts;
    const enrolled = await enrolHost(context, hello, this.nonce);
    const { hostId, accountId, totals } = enrolled;
    this.newcomer = enrolled.newcomer;
    const { version: runtime } = hello;
    const seen = { network: this.network, runtime, threads: hello.cores };
    const capacity = await knowHost(context, { hostId, accountId }, seen);
    const presented = openPresented(context, { hostId, accountId }, hello.leases);
    await holdPresented(
      context,
      presented.map(({ lease }) => lease.shard),
    );
    if (this.state.kind !== 'greeting') return;
    clearTimeout(this.helloTimer);
    this.state = {
      kind: 'ready',
      accountId,
      asker: {
        ...{ hostId, accountId, memoryBytes: hello.memoryBytes, capacity },
        ...{ isAlone: false, hosts: 1 },
      },
    };
    this.welcomedAs = accountId;
    this.host = hostSaid(hello, hostId, accountId, context.now());
    this.parts.welcomed(this, accountId);
    const held = presented.filter((lease) => presentLease(context, lease));
    this.send({
      type: 'welcome',
      hostId,
      accountId,
      uploadToken: uploadToken(context, hostId, accountId),
      renewEveryMs,
      heldLeases: held.map(({ lease }) => lease.leaseId),
      creditMicro: totals.creditMicro.toString(),
      units: totals.units,
    });
  }

  private want(id: number, units: number, asker: Asker): void {
    if (this.waitingWants.length >= limits.wantsWaitingMax) {
      throw new GridError('out_of_order', 'Too many wants are waiting.');
    }
    if (this.serve(id, units)) return;
    const refusal = this.parts.refusal();
    if (refusal !== null) {
      this.send({ type: 'noWork', want: id, reason: refusal, retryAfterMs: 2000 });
      return;
    }
    const { context } = this.parts;
    const reason = whyNothing(context, asker);
    const retryAfterMs = askAgainMs(reason, asker, context.now());
    this.send({ type: 'noWork', want: id, reason, retryAfterMs });
    if (retryAfterMs !== null) return;
    this.waitingWants.push({ id, units });
    if (reason !== 'enough_in_hand') this.parts.starved();
  }

  private serve(id: number, units: number): boolean {
    if (this.state.kind !== 'ready' || this.parts.refusal() !== null) return false;
    const { context, hosts, isAlone, granted } = this.parts;
    const { asker } = this.state;
    asker.isAlone = isAlone(asker.accountId);
    asker.hosts = hosts();
    const grants = grantUnits(context, asker, units);
    if (grants.length === 0) return false;
    const news: JobBrief[] = [];
    let count = 0;
    for (const { lease, job } of grants) {
      count += runsSize(lease.units);
      if (this.briefed.has(job.jobId)) continue;
      this.briefed.add(job.jobId);
      news.push(brief(job));
    }
    this.send({ type: 'lease', want: id, leases: grants.map(({ lease }) => lease), jobs: news });
    granted(count);
    return true;
  }

  private fail(cause: unknown, about: number | null): void {
    const error = toGridError(cause);
    const { log } = this.parts.context;
    if (error.code === 'internal')
      log.error({ err: cause, hostId: this.hostId }, 'a session failed');
    if (errorFacts(error.code).closeCode !== null) {
      log.info({ code: error.code, hostId: this.hostId, why: error.detail }, 'session refused');
      this.refuse(error);
      return;
    }
    this.send({ type: 'notice', code: error.code, text: error.message, about });
  }

  private send(message: CoordinatorMessage): void {
    if (this.state.kind !== 'closing') this.socket.send(message);
  }

  private end(): void {
    clearTimeout(this.helloTimer);
    this.state = { kind: 'closing' };
    this.waitingWants = [];
    this.parts.ended(this, this.welcomedAs);
  }
}

function brief(job: JobFacts): JobBrief {
  return {
    jobId: job.jobId,
    // Whoever computes it sees what computing takes, and its name is no part of that.
    name: job.document.public ? job.document.name : 'a private job',
    kernel: job.kernel.meteredDigest,
    kernelBytes: job.kernel.meteredBytes,
    migratable: job.document.migratable,
    run: job.document.run,
    limits: job.document.limits,
    units: sendsRule(job) ? job.document.units : null,
  };
}

const hostSaid = (
  { name, platform, version, cores, memoryBytes }: Hello,
  hostId: HostId,
  accountId: AccountId,
  now: number,
): Omit<ConnectedHost, 'isAsking'> => ({
  hostId,
  accountId,
  name,
  platform,
  version,
  cores,
  memoryBytes,
  connectedSince: new Date(now).toISOString(),
});

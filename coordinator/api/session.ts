/**
 * One host's WebSocket, from its challenge to its end.
 *
 *   awaiting_hello ─ hello ─► greeting ─ verified ─► ready ─ bye, error, silence, shutdown ─► closing
 *
 * Each frame is parsed, answered by one flow step, and forgotten; but for wants that cannot be served
 * yet (wants.ts).
 */
import type { WebSocket } from 'ws';
import { errorFacts, GridError } from '../../protocol/errors.ts';
import type { AccountId, HostId } from '../../protocol/ids.ts';
import type { CoordinatorMessage, Hello, HostMessage, Report } from '../../protocol/messages.ts';
import type { Verdict } from '../../protocol/outcome.ts';
import { toVerdictRuns } from '../../protocol/report.ts';
import { protocolVersion } from '../../protocol/version.ts';
import type { Asker } from '../domain/asker.ts';
import type { Holder } from '../domain/lease.ts';
import { renewEveryMs } from '../domain/lease.ts';
import { machineSaid } from '../domain/machine.ts';
import { networkOf } from '../domain/trust/network.ts';
import { uploadToken } from '../flow/authorize.ts';
import { assertHasLease, enrolHost, introduceHost, type Newcomer } from '../flow/enrol.ts';
import { holdPresented } from '../flow/feed.ts';
import { knowHost } from '../flow/know-host.ts';
import type { ConnectedHost } from '../flow/list-hosts.ts';
import { openPresented, presentLease, releaseUnits, renewLeases } from '../flow/renew.ts';
import { learnFromReport, reportResults } from '../flow/report.ts';
import { toGridError } from './grid-error.ts';
import { HostSocket } from './host-socket.ts';
import type { Tally } from './tally.ts';
import { type GrantParts, Wants } from './wants.ts';

/** From the challenge to a verified hello: two round trips and a signature on a slow machine. */
const helloMs = 10_000;
/** A ping that is not answered by the next one, twenty seconds on, is not on its way any more. */
const silentMsMax = 10_000;
/** Reports under way at once. A worker waits for verdicts before it sends more than a few. */
const reportsMax = 64;

export type SessionParts = GrantParts & {
  /** The host has said hello and may work. */
  welcomed(session: Session, as: Holder): void;
  /** Whether a host of this network is let in that the grid does not know yet. */
  takesNewcomer(network: string | null): boolean;
  tally: Tally;
  /** `welcomedAs` is null when the session never came to its welcome. */
  ended(session: Session, welcomedAs: Holder | null): void;
};

type State =
  | { kind: 'awaiting_hello' }
  | { kind: 'greeting' }
  | { kind: 'ready'; asker: Asker; accountId: AccountId; wants: Wants }
  | { kind: 'closing' };

export class Session {
  private state: State = { kind: 'awaiting_hello' };
  private readonly socket: HostSocket;
  private readonly parts: SessionParts;
  private readonly network: string | null;
  private readonly nonce: Uint8Array;
  private reports = 0;
  private welcomedAs: Holder | null = null;
  /** What its host said of itself; null before the welcome. */
  private host: Omit<ConnectedHost, 'isAsking'> | null = null;
  private newcomer: Newcomer | null = null;
  private introduction: Promise<void> | null = null;
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
    return this.state.kind === 'ready' && this.state.wants.areWaiting;
  }

  /** As whom it asks; null before the welcome. */
  get asker(): Asker | null {
    return this.state.kind === 'ready' ? this.state.asker : null;
  }

  /**
   * Tries to serve wants that were kept. Not while a ping is unanswered: a connection that broke
   * without a word would take units with it, and they would come back only when the lease ends.
   */
  serveWaiting(): void {
    if (this.socket.isAlive && this.state.kind === 'ready') this.state.wants.serveKept();
  }

  tell(message: CoordinatorMessage): void {
    this.send(message);
  }

  /** Sends a ping, or ends a session that has been silent for long since the last one. */
  ping(): void {
    if (this.socket.isAlive) this.socket.ping();
    else if (this.socket.silentMs >= silentMsMax) this.socket.terminate();
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
    const { asker, wants } = this.state;
    switch (message.type) {
      case 'want':
        wants.add(message.id, message.units);
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
        const runs = toVerdictRuns(all);
        this.parts.tally.recorded(runs);
        this.send({ type: 'recorded', report: report.id, verdicts: runs });
        // It may have had as much in hand as it may.
        this.serveWaiting();
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
    const presented = openPresented(context, { hostId, accountId }, hello.leases);
    // One that comes with a lease of ours has results, or soon will.
    if (this.newcomer !== null && presented.length === 0 && !this.parts.takesNewcomer(this.network))
      throw new GridError('crowded');
    const { version: runtime } = hello;
    const seen = { network: this.network, runtime, threads: hello.cores };
    const capacity = await knowHost(context, { hostId, accountId }, seen);
    await holdPresented(
      context,
      presented.map(({ lease }) => lease.shard),
    );
    if (this.state.kind !== 'greeting') return;
    clearTimeout(this.helloTimer);
    const machine = machineSaid(hello);
    const asker = { hostId, accountId, ...machine, capacity, isAlone: false, hosts: 1 };
    const wants = new Wants(asker, this.parts, (message) => this.send(message));
    this.state = { kind: 'ready', accountId, asker, wants };
    this.welcomedAs = { hostId, accountId };
    this.host = hostSaid(hello, hostId, accountId, context.now());
    this.parts.welcomed(this, this.welcomedAs);
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

  private fail(cause: unknown, about: number | null): void {
    const error = toGridError(cause);
    const { log } = this.parts.context;
    this.parts.tally.refused('session', error.code);
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
    this.parts.ended(this, this.welcomedAs);
  }
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

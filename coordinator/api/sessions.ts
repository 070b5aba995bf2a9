/**
 * All sessions of this coordinator: who is connected, whose want waits, who must be told. Waiting
 * wants are served in the order they came, the moment units are free.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { GridError } from '../../protocol/errors.ts';
import type { AccountId, HostId } from '../../protocol/ids.ts';
import { limits } from '../../protocol/limits.ts';
import { sessionPath, subprotocol } from '../../protocol/version.ts';
import type { Demand } from '../domain/demand.ts';
import type { Holder, LeaseFacts } from '../domain/lease.ts';
import { largestMachines, type Machine, toMachine } from '../domain/machine.ts';
import type { Strain } from '../domain/strain.ts';
import type { Present } from '../domain/trust/closing.ts';
import type { Refusal, Surroundings } from '../domain/why.ts';
import type { Context } from '../flow/context.ts';
import { totalsOf } from '../flow/enrol.ts';
import { whyNothing } from '../flow/grant.ts';
import type { ConnectedHost } from '../flow/list-hosts.ts';
import type { SessionFacts } from '../flow/why.ts';
import { Admission, type Seat } from './admission.ts';
import { peerAddress } from './peer.ts';
import { refusedUpgrade } from './refused-upgrade.ts';
import { Session, type SessionParts } from './session.ts';
import { SessionIndex } from './session-index.ts';
import type { Tally } from './tally.ts';

/** Two pings unanswered are a dead connection: 40 to 60 s, well over a lease's renewal. */
const pingMs = 20_000;
/** In so many parts, one after the other. */
const pingTurns = 100;
/** Totals are told at most this often: a number that changes faster cannot be read. */
const creditedMs = 500;
/** Of one host: connections that were lost, and a data folder that was copied. Beyond these the oldest ends. */
const sessionsPerHostMax = 4;
/** How long hosts have to hang up after being told that we leave. */
const closeMs = 1000;

export type SessionsParts = {
  context: Context;
  demand: Demand;
  feed(): void;
  isRefusing(): boolean;
  strain(): Strain;
  tally: Tally;
};

export class Sessions {
  private readonly parts: SessionsParts;
  private readonly sessions = new SessionIndex();
  private readonly admission = new Admission();
  private readonly seats = new Map<Session, Seat>();
  private readonly sessionParts: SessionParts;
  private readonly server: WebSocketServer;
  private readonly pingTimer: NodeJS.Timeout;
  private readonly toCredit = new Set<AccountId>();
  private creditTimer: NodeJS.Timeout | null = null;
  /** What was banned since the start, and may be lifted again: whoever is of these is looked at twice. */
  private readonly bannedIds = new Set<HostId | AccountId>();
  private isClosing = false;
  /** Pings that are due: each session has one in `pingMs`, and few sessions one now and then. */
  private pingsDue = 0;
  /** Whose turn it is to be pinged; those who come later are in it too. */
  private pingTurn: Iterator<Session> = this.sessions[Symbol.iterator]();

  constructor(http: Server, parts: SessionsParts) {
    this.parts = parts;
    parts.context.knownHosts.watch(() => this.hostsAtWork());
    this.server = new WebSocketServer({
      noServer: true,
      maxPayload: limits.frameBytesMax,
      perMessageDeflate: false,
      handleProtocols: (offered) => (offered.has(subprotocol) ? subprotocol : false),
    });
    http.on('upgrade', (request, socket, head) => this.upgrade(request, socket, head));
    this.sessionParts = this.makeSessionParts();
    this.pingTimer = setInterval(() => this.pingSome(), pingMs / pingTurns);
  }

  /** Hosts connected and welcomed. */
  get hosts(): number {
    return this.sessions.welcomed;
  }

  /** Hosts that ask for work and have got none. */
  get asking(): number {
    let count = 0;
    for (const session of this.sessions) if (session.isAsking) count++;
    return count;
  }

  /** Of each kind the largest. */
  get machines(): Machine[] {
    const askers = [...this.sessions].map(({ asker }) => asker);
    return largestMachines(askers.filter((asker) => asker !== null).map(toMachine));
  }

  /** The hosts that are at work, or ask for some. */
  present(): Present[] {
    const { knownHosts, now } = this.parts.context;
    const present: Present[] = [];
    for (const { asker } of this.atWork()) {
      if (asker === null) continue;
      const { repute } = knownHosts.standingOf(asker.hostId, now());
      present.push({ ...toMachine(asker), accountId: asker.accountId, repute });
    }
    return present;
  }

  private *atWork(): Generator<Session> {
    const { window } = this.parts.context;
    for (const session of this.sessions) {
      const { hostId, isAsking } = session;
      if (hostId !== null && (isAsking || window.hasLeases(hostId))) yield session;
    }
  }

  private *hostsAtWork(): Generator<HostId> {
    for (const { hostId } of this.atWork()) if (hostId !== null) yield hostId;
  }

  /** Units are free: serves those who wait, first come first. */
  serveWaiting(): void {
    if (this.isClosing) return;
    for (const session of this.sessions) {
      if (!this.parts.context.window.hasWork) return;
      session.serveWaiting();
    }
  }

  /** The newest first. */
  connected(max: number): ConnectedHost[] {
    const hosts = [...this.sessions].reverse().map(({ connectedHost }) => connectedHost);
    return hosts.filter((host) => host !== null).slice(0, max);
  }

  /** What `why` asks of everybody who is connected. */
  surroundings(): Surroundings {
    const { context } = this.parts;
    const waiting = [...this.sessions].flatMap(({ isAsking, asker }) =>
      isAsking && asker !== null
        ? [{ ...toMachine(asker), nothing: whyNothing(context, asker) }]
        : [],
    );
    return {
      refusal: this.refusal(),
      hosts: this.hosts,
      machines: this.machines,
      waiting,
    };
  }

  session(hostId: HostId): SessionFacts {
    const [session] = this.sessions.ofHost(hostId);
    if (session === undefined || session.asker === null) return null;
    return { asker: session.asker, isAsking: session.isAsking };
  }

  /** Ends the sessions of a host, or of an account's hosts. */
  banned(id: HostId | AccountId, reason: string): void {
    this.bannedIds.add(id);
    for (const session of [...this.sessions.ofHost(id), ...this.sessions.ofAccount(id)]) {
      session.refuse(new GridError('host_banned', reason));
    }
  }

  cancelled(leases: readonly LeaseFacts[], reason: 'job_cancelled' | 'job_paused'): void {
    for (const { leaseId, hostId } of leases) {
      for (const session of this.sessions.ofHost(hostId)) {
        session.tell({ type: 'cancel', leaseId, reason });
      }
    }
  }

  /** These accounts were paid: tells their hosts the new totals, soon. */
  paid(accountIds: Iterable<AccountId>): void {
    for (const accountId of accountIds) this.toCredit.add(accountId);
    this.creditTimer ??= setTimeout(() => {
      this.creditTimer = null;
      void this.tellCredit();
    }, creditedMs);
  }

  async close(): Promise<void> {
    this.isClosing = true;
    clearInterval(this.pingTimer);
    if (this.creditTimer !== null) clearTimeout(this.creditTimer);
    for (const session of this.sessions) session.refuse(new GridError('shutting_down'));
    await Promise.race([this.allEnded(), new Promise((done) => setTimeout(done, closeMs).unref())]);
    for (const session of this.sessions) session.terminate();
    this.server.close();
  }

  private upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // From here on the HTTP server does not listen to this socket any more: a connection that is reset
    // before it is a session would be an uncaught error.
    socket.on('error', () => socket.destroy());
    const address = peerAddress(request);
    const refusal = this.refusalAtTheDoor(request, address);
    if (refusal !== null) {
      this.parts.tally.refused('session', refusal.code);
      socket.end(refusedUpgrade(refusal));
      return;
    }
    this.server.handleUpgrade(request, socket, head, (webSocket) => {
      if (webSocket.protocol !== subprotocol) {
        webSocket.close(4426, 'protocol_unknown');
        return;
      }
      this.parts.tally.sessions++;
      const session = new Session(webSocket, address, this.sessionParts);
      this.seats.set(session, this.admission.enter(address));
      this.sessions.add(session);
    });
  }

  private refusalAtTheDoor(request: IncomingMessage, address: string): GridError | null {
    if (this.isClosing) return new GridError('shutting_down');
    if (pathOf(request) !== sessionPath) return new GridError('route_unknown');
    return this.admission.refusal(address);
  }

  private makeSessionParts(): SessionParts {
    const { context, demand, feed, tally } = this.parts;
    return {
      context,
      welcomed: (session, as) => {
        this.sessions.welcome(session, as);
        this.seats.get(session)?.welcomed();
        this.lookAtOthersOf(as.hostId, session);
        void this.refuseIfBanned(session, as);
      },
      isAlone: (accountId: AccountId) => this.sessions.isAlone(accountId),
      hosts: () => this.hosts,
      tally,
      granted: (leases: number, units: number) => {
        tally.granted(leases, units);
        const now = context.now();
        demand.granted(units, now);
        if (context.window.free < demand.target(this.hosts, now) / 2) feed();
      },
      starved: feed,
      refusal: () => this.refusal(),
      refused: (reason) => tally.refusedWant(reason),
      takesNewcomer: (network) =>
        this.parts.strain() === 'calm' && this.admission.takesNewcomer(network, context.now()),
      ended: (session, welcomedAs) => {
        this.sessions.remove(session, welcomedAs);
        this.seats.get(session)?.left();
        this.seats.delete(session);
      },
    };
  }

  /** A host that comes again has most often lost its connection, and we do not know it yet. */
  private lookAtOthersOf(hostId: HostId, newest: Session): void {
    const others = [...this.sessions.ofHost(hostId)].filter((session) => session !== newest);
    for (const other of others) other.ping();
    for (const oldest of others.slice(0, -sessionsPerHostMax + 1)) oldest.terminate();
  }

  /** A ban that came while the host said hello: it was looked up too early, and nobody knew the session. */
  private async refuseIfBanned(session: Session, { hostId, accountId }: Holder): Promise<void> {
    const { store, happened } = this.parts.context;
    const ids = [hostId, accountId].filter((id) => this.bannedIds.has(id));
    if (ids.length === 0) return;
    try {
      const bans = await store.registry.bans();
      for (const id of ids) {
        const known = bans.get(id);
        if (known !== undefined) happened({ kind: 'banned', id, reason: known.reason });
      }
    } catch {
      // Redis is away: the host comes again, and is looked up again.
      session.refuse(new GridError('unavailable'));
    }
  }

  private refusal(): Refusal | null {
    if (this.isClosing) return 'draining';
    if (this.parts.isRefusing()) return 'storage';
    return this.parts.strain() === 'strained' ? 'strained' : null;
  }

  /** The pings of ten thousand hosts at once would keep a lease waiting for a second. */
  private pingSome(): void {
    this.pingsDue += this.sessions.size / pingTurns;
    for (; this.pingsDue >= 1; this.pingsDue--) {
      let next = this.pingTurn.next();
      if (next.done === true) {
        this.pingTurn = this.sessions[Symbol.iterator]();
        next = this.pingTurn.next();
      }
      if (next.done !== true) next.value.ping();
    }
  }

  private async tellCredit(): Promise<void> {
    const accountIds = [...this.toCredit];
    this.toCredit.clear();
    const connected = accountIds.filter((accountId) => this.sessions.hasAccount(accountId));
    try {
      for (const { id, creditMicro, units } of await totalsOf(this.parts.context, connected)) {
        for (const session of this.sessions.ofAccount(id)) {
          session.tell({ type: 'credited', creditMicro: creditMicro.toString(), units });
        }
      }
    } catch {
      // Redis is away: the next payment, or the next welcome, tells the totals.
    }
  }

  private async allEnded(): Promise<void> {
    while (this.sessions.size > 0) await new Promise((done) => setTimeout(done, 10));
  }
}

/** Not parsed as a URL: a stranger wrote it, and some of what HTTP lets through (`//`) is none. */
const pathOf = (request: IncomingMessage): string | undefined => request.url?.split('?')[0];

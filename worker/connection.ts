/**
 * The session with the coordinator, again and again:
 *
 *   connecting ─ challenge ─► greeting ─ welcome ─► open
 *        ▲                                           │ any close, or leaving after a bad frame
 *        └──────────── waiting (back-off) ◄──────────┘
 *
 * Whatever ends a session, the next attempt follows: at the next coordinator of the grid, if several are known, and
 * when all were asked after a back-off, which begins anew when the last session held for a minute. Only three answers
 * end it for good: our protocol is not spoken there (nor at the others), our signature is refused, or we are banned.
 * A frame that is not in the contract ends the session.
 */
import { errorFacts } from '../protocol/errors.ts';
import type { CoordinatorMessage, Hello, HostMessage } from '../protocol/messages.ts';
import { protocolVersion, sessionPath } from '../protocol/version.ts';
import type { Addresses } from './addresses.ts';
import type { Platform, Socket } from './platform/platform.ts';
import { decodeFrame, encodeFrames } from './wire.ts';

type Message<T extends CoordinatorMessage['type']> = Extract<CoordinatorMessage, { type: T }>;
export type Challenge = Message<'challenge'>;
export type Welcome = Message<'welcome'>;
export type SessionMessage = Exclude<CoordinatorMessage, Challenge | Welcome>;

type Phase = 'connecting' | 'greeting' | 'open' | 'leaving' | 'waiting' | 'closed';
export type RefusalReason = 'update_required' | 'refused' | 'team_unknown';

export interface ConnectionEvents {
  /** Asks for the hello that answers a challenge; null when it is of a grid that we have nothing to do with. */
  challenged(challenge: Challenge): Promise<Hello | null>;
  opened(welcome: Welcome): void;
  received(message: SessionMessage): void;
  /** The session, or the attempt at one, is over; the next follows after `retryInMs`. */
  lost(loss: { url: string; why: string; nextUrl: string; retryInMs: number }): void;
  /** There will be no further attempt. */
  refused(reason: RefusalReason, why: string): void;
  /** `challenged` rejected: our own mistake. */
  failed(error: unknown): void;
}

/** A session that held this long was a good one: the next trouble starts at the first back-off. */
const stableMs = 60_000;
/** From the socket's opening to the welcome: two round trips and two signatures. */
const greetingMaxMs = 15_000;
/** Whatever a coordinator asks for: it may be another one by then. */
const retryAfterMsMax = 600_000;

const refusals = new Map<number, RefusalReason>([
  [errorFacts('protocol_unknown').closeCode ?? 0, 'update_required'],
  [errorFacts('signature_invalid').closeCode ?? 0, 'refused'],
  [errorFacts('forbidden').closeCode ?? 0, 'refused'],
  [errorFacts('team_unknown').closeCode ?? 0, 'team_unknown'],
  [errorFacts('host_banned').closeCode ?? 0, 'refused'],
]);

export class Connection {
  private readonly addresses: Addresses;
  private readonly openSocket: Platform['openSocket'];
  private readonly events: ConnectionEvents;
  private socket: Socket | null = null;
  private phase: Phase = 'connecting';
  private openedAt = 0;
  private retryAt: number | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private leftBecause: string | null = null;
  /** What the coordinator says before it hangs up: a sentence, where the close has only a code. */
  private lastNotice: string | null = null;
  private unsent: HostMessage[] = [];

  /** The addresses are http or https. */
  constructor(addresses: Addresses, openSocket: Platform['openSocket'], events: ConnectionEvents) {
    this.addresses = addresses;
    this.openSocket = openSocket;
    this.events = events;
    this.connect();
  }

  get isOpen(): boolean {
    return this.phase === 'open';
  }

  /** Until the next attempt; null when connected or trying. */
  get retryInMs(): number | null {
    return this.retryAt === null ? null : Math.max(0, Math.round(this.retryAt - performance.now()));
  }

  /** Sends when a session is open; what it would not, the sender offers again after the next hello. */
  send(message: HostMessage): boolean {
    if (this.phase !== 'open' || this.socket === null) return false;
    this.unsent.push(message);
    // A report and the next want are sent in one breath: they share a frame.
    if (this.unsent.length === 1) queueMicrotask(() => this.flush());
    return true;
  }

  private flush(): void {
    const messages = this.unsent;
    this.unsent = [];
    // A session that ended meanwhile takes them with it: its end makes their senders repeat them.
    if (this.phase !== 'open') return;
    if (this.socket !== null) sendAll(this.socket, messages);
  }

  /** Ends the session and the attempts. */
  close(): void {
    this.flush();
    this.phase = 'closed';
    this.retryAt = null;
    clearTimeout(this.timer);
    this.socket?.close(1000, 'bye');
  }

  private connect(): void {
    this.phase = 'connecting';
    this.retryAt = null;
    this.lastNotice = null;
    const address = `${this.addresses.current.replace(/^http/, 'ws')}${sessionPath}`;
    const socket = this.openSocket(address, {
      opened: () => {
        this.timer = setTimeout(() => this.leave(4408, 'no welcome in time'), greetingMaxMs);
      },
      frame: (frame) => this.receive(socket, frame),
      closed: (code, reason, retryAfterMs) => this.ended(code, reason, retryAfterMs ?? 0),
    });
    this.socket = socket;
  }

  private receive(socket: Socket, frame: Uint8Array): void {
    if (this.phase === 'leaving' || this.phase === 'closed') return;
    let messages: CoordinatorMessage[];
    try {
      messages = decodeFrame(frame);
    } catch {
      this.leave(4400, 'the coordinator sent a frame that is not in the contract');
      return;
    }
    for (const message of messages) this.take(socket, message);
  }

  private take(socket: Socket, message: CoordinatorMessage): void {
    // An earlier message of the same frame may have ended it.
    if (this.phase === 'leaving' || this.phase === 'closed') return;
    if (message.type === 'notice' && message.about === null) this.lastNotice = message.text;
    if (message.type === 'challenge' && this.phase === 'connecting') {
      this.phase = 'greeting';
      this.greet(socket, message).catch(this.events.failed);
    } else if (message.type === 'welcome' && this.phase === 'greeting') {
      clearTimeout(this.timer);
      this.phase = 'open';
      this.openedAt = performance.now();
      this.events.opened(message);
    } else if (message.type === 'challenge' || message.type === 'welcome') {
      this.leave(4409, `the coordinator sent a ${message.type} out of order`);
    } else if (this.phase === 'open' || message.type === 'notice') {
      this.events.received(message);
    } else this.leave(4409, `the coordinator sent a ${message.type} before its welcome`);
  }

  private async greet(socket: Socket, challenge: Challenge): Promise<void> {
    if (challenge.protocol !== protocolVersion) {
      const why = `the grid speaks protocol ${challenge.protocol}, this worker ${protocolVersion}`;
      // While a grid is updated some of its coordinators are of the version before.
      if (this.addresses.areLeft) return this.leave(4426, why);
      this.close();
      this.events.refused('update_required', why);
      return;
    }
    const hello = await this.events.challenged(challenge);
    if (this.phase !== 'greeting' || socket !== this.socket) return;
    if (hello === null) this.leave(1000, 'it is of another grid than the one that was joined');
    else sendAll(socket, [hello]);
  }

  /** Ends this session from our side; the back-off follows. */
  private leave(code: number, why: string): void {
    this.phase = 'leaving';
    this.leftBecause = why;
    this.socket?.close(code, why);
  }

  private ended(code: number, reason: string, retryAfterMs: number): void {
    clearTimeout(this.timer);
    this.socket = null;
    this.unsent = [];
    if (this.phase === 'closed') return;
    const { addresses, leftBecause } = this;
    const refusal = leftBecause === null ? refusals.get(code) : undefined;
    if (refusal !== undefined && !(refusal === 'update_required' && addresses.areLeft)) {
      this.phase = 'closed';
      this.events.refused(refusal, this.lastNotice ?? reason);
      return;
    }
    if (this.phase === 'open' && performance.now() - this.openedAt > stableMs) addresses.held();
    // Not all who were sent away at once come back at once. When it may be asked again says nothing of another one.
    const laterMs = addresses.areLeft
      ? 0
      : Math.min(retryAfterMs, retryAfterMsMax) * (1 + Math.random());
    const url = addresses.current;
    const retryInMs = Math.max(addresses.next(), Math.round(laterMs));
    this.phase = 'waiting';
    this.retryAt = performance.now() + retryInMs;
    this.timer = setTimeout(() => this.connect(), retryInMs);
    const why = leftBecause ?? (reason || `closed with ${code}`);
    this.leftBecause = null;
    this.events.lost({ url, why, nextUrl: addresses.current, retryInMs });
  }
}

function sendAll(socket: Socket, messages: readonly HostMessage[]): void {
  for (const frame of encodeFrames(messages)) socket.send(frame);
}

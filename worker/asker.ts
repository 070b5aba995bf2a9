/**
 * The conversation about new work: at most one `want` is open, and the coordinator either grants,
 * keeps it open ("no work; you will hear from me"), or says when to ask again.
 */
import type { CoordinatorMessage, HostMessage } from '../protocol/messages.ts';

type NoWork = Extract<CoordinatorMessage, { type: 'noWork' }>;
export type NoWorkReason = NoWork['reason'];

type State =
  | { kind: 'quiet' }
  /** `noWork` is set once the coordinator said that it keeps the want. */
  | { kind: 'asked'; id: number; noWork: NoWorkReason | null }
  | { kind: 'holding_off'; untilMs: number; noWork: NoWorkReason | null };

/** A coordinator that says "in a day" is asked again after this all the same: volunteers come and go. */
const holdOffMsMax = 300_000;

export class Asker {
  private readonly send: (message: HostMessage) => boolean;
  private readonly wake: () => void;
  private state: State = { kind: 'quiet' };
  private nextId = 1;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** `wake` is called when the time to ask again has come. */
  constructor(send: (message: HostMessage) => boolean, wake: () => void) {
    this.send = send;
    this.wake = wake;
  }

  get canAsk(): boolean {
    return this.state.kind === 'quiet';
  }

  /** Why there is nothing, when the coordinator said so, and how long until we ask again. */
  get noWork(): { reason: NoWorkReason; retryInMs: number | null } | null {
    const { state } = this;
    if (state.kind === 'quiet' || state.noWork === null) return null;
    const retryInMs =
      state.kind === 'asked' ? null : Math.max(0, Math.round(state.untilMs - performance.now()));
    return { reason: state.noWork, retryInMs };
  }

  ask(units: number): void {
    const id = this.nextId++;
    if (this.send({ type: 'want', id, units })) this.state = { kind: 'asked', id, noWork: null };
  }

  granted(want: number): void {
    if (this.isOpen(want)) this.reset();
  }

  refused({ want, reason, retryAfterMs }: NoWork): void {
    if (!this.isOpen(want)) return;
    if (retryAfterMs === null) this.state = { kind: 'asked', id: want, noWork: reason };
    else this.holdOff(retryAfterMs, reason);
  }

  isOpen(want: number): boolean {
    return this.state.kind === 'asked' && this.state.id === want;
  }

  /** Asks nothing for a while, whatever was open. */
  holdOff(ms: number, noWork: NoWorkReason | null = null): void {
    const waitMs = Math.min(ms, holdOffMsMax);
    this.reset();
    this.state = { kind: 'holding_off', untilMs: performance.now() + waitMs, noWork };
    this.timer = setTimeout(() => {
      this.reset();
      this.wake();
    }, waitMs);
  }

  /** Nothing is open: a new session, or the end. */
  reset(): void {
    clearTimeout(this.timer);
    this.state = { kind: 'quiet' };
  }
}

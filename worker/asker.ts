/**
 * The conversation about new work: at most one `want` is open, and the coordinator either grants,
 * keeps it open ("no work; you will hear from me"), or says when to ask again.
 */
import type { CoordinatorMessage, HostMessage } from '../protocol/messages.ts';

type NoWork = Extract<CoordinatorMessage, { type: 'noWork' }>;
export type NoWorkReason = NoWork['reason'];

/** A coordinator that says "in a day" is asked again after this all the same: jobs come and go. */
const holdOffMsMax = 300_000;
/** A want that was answered with an error is repeated after a moment, not at once. */
const afterErrorMs = 5000;

export class Asker {
  private readonly send: (message: HostMessage) => boolean;
  private readonly wake: () => void;
  /** `noWork` is set once the coordinator said that it keeps the want. */
  private open: { id: number; noWork: NoWorkReason | null } | null = null;
  private holding: { untilMs: number; noWork: NoWorkReason | null } | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** `wake` is called when the time to ask again has come. */
  constructor(send: (message: HostMessage) => boolean, wake: () => void) {
    this.send = send;
    this.wake = wake;
  }

  get canAsk(): boolean {
    return this.open === null && this.holding === null;
  }

  get isHoldingOff(): boolean {
    return this.holding !== null;
  }

  /** Why there is nothing, when the coordinator said so; `retryInMs` null: it will tell. */
  get noWork(): { reason: NoWorkReason; retryInMs: number | null } | null {
    if (this.open?.noWork) return { reason: this.open.noWork, retryInMs: null };
    if (!this.holding?.noWork) return null;
    const { untilMs, noWork } = this.holding;
    return { reason: noWork, retryInMs: Math.max(0, Math.round(untilMs - performance.now())) };
  }

  ask(id: number, units: number): void {
    if (this.send({ type: 'want', id, units })) this.open = { id, noWork: null };
  }

  granted(want: number): void {
    if (this.open?.id === want) this.open = null;
  }

  refused({ want, reason, retryAfterMs }: NoWork): void {
    if (this.open?.id !== want) return;
    if (retryAfterMs === null) this.open.noWork = reason;
    else {
      this.open = null;
      this.holdOff(retryAfterMs, reason);
    }
  }

  /** The coordinator answered this message with an error. */
  failed(want: number): void {
    if (this.open?.id !== want) return;
    this.open = null;
    this.holdOff(afterErrorMs);
  }

  /** Asks nothing for a while. A want that is open stays so: it cannot be called back. */
  holdOff(ms: number, noWork: NoWorkReason | null = null): void {
    clearTimeout(this.timer);
    const waitMs = Math.min(ms, holdOffMsMax);
    this.holding = { untilMs: performance.now() + waitMs, noWork };
    this.timer = setTimeout(() => {
      this.holding = null;
      this.wake();
    }, waitMs);
  }

  /** The session is over, and with it what was asked in it. */
  reset(): void {
    clearTimeout(this.timer);
    this.open = null;
    this.holding = null;
  }
}

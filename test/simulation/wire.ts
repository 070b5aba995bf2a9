/**
 * A connection between a host and a coordinator: two ends, messages in order, each after a while.
 * What is sent travels as MessagePack, as on the real wire, so no object is shared between the two.
 *
 *   close   what was sent still arrives, then the other end hears of it
 *   cut     nothing arrives any more; both ends notice, each in its own time
 */
import { Packr } from 'msgpackr';
import type { AccountId, HostId } from '../../protocol/ids.ts';
import type { CoordinatorMessage, Hello, HostMessage } from '../../protocol/messages.ts';
import type { Life } from './life.ts';
import type { Random } from './random.ts';
import type { SimClock } from './sim-clock.ts';

/** A hello after its signatures have been believed: proving them costs more than all the rest of it. */
export type SimHello = {
  type: 'hello';
  hostId: HostId;
  accountId: AccountId;
  memoryBytes: number;
  cores: number;
  leases: Hello['leases'];
};
export type FromHost = SimHello | Exclude<HostMessage, { type: 'hello' }>;
export type FromCoordinator = CoordinatorMessage;

export type Listener<In> = { message(message: In): void; closed(): void };
type Parts = { clock: SimClock; random: Random; sent(message: object): void };

const tripMsMin = 2;
/** A phone far away. */
const tripMsMax = 300;
/** A dead connection is noticed by an unanswered ping, or at once when the other machine says so. */
const noticeMsMax = 40_000;

const packr = new Packr({ useRecords: false, int64AsType: 'number' });

export class End<In extends object, Out extends object> {
  private readonly parts: Parts;
  private readonly life: Life;
  private readonly tripMs: number;
  private peer: End<Out, In> | null = null;
  private listener: Listener<In> | null = null;
  private lastArrivalAt = 0;
  private isOpen = true;

  constructor(parts: Parts, life: Life) {
    this.parts = parts;
    this.life = life;
    this.tripMs = parts.random.skewed(tripMsMin, tripMsMax);
  }

  join(peer: End<Out, In>): void {
    this.peer = peer;
  }

  listen(listener: Listener<In>): void {
    this.listener = listener;
  }

  send(message: Out): void {
    if (!this.isOpen) return;
    this.parts.sent(message);
    const bytes = packr.pack(message);
    this.travel((peer) => peer.listener?.message(packr.unpack(bytes) as Out));
  }

  close(): void {
    if (!this.isOpen) return;
    this.travel((peer) => peer.end());
    this.isOpen = false;
    this.peer = null;
  }

  /** Nothing arrives here any more; this end hears of it after so long. */
  cut(noticeMs: number): void {
    this.peer = null;
    this.parts.clock.after(noticeMs, () => this.life.reach(() => this.end()));
  }

  private end(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.listener?.closed();
  }

  private travel(arrive: (peer: End<Out, In>) => void): void {
    const { clock, random } = this.parts;
    const peer = this.peer;
    if (peer === null) return;
    const arrivesAt = clock.now + this.tripMs * (0.5 + random.fraction());
    this.lastArrivalAt = Math.max(this.lastArrivalAt, arrivesAt);
    clock.at(this.lastArrivalAt, () => {
      if (peer.peer === null || !peer.isOpen) return;
      peer.life.reach(() => {
        if (peer.isOpen) arrive(peer);
      });
    });
  }
}

export class Wire {
  readonly host: End<FromCoordinator, FromHost>;
  readonly door: End<FromHost, FromCoordinator>;
  private readonly random: Random;

  constructor(parts: Parts, host: Life, coordinator: Life) {
    this.random = parts.random;
    this.host = new End(parts, host);
    this.door = new End(parts, coordinator);
    this.host.join(this.door);
    this.door.join(this.host);
  }

  cut(): void {
    this.host.cut(this.random.skewed(1, noticeMsMax));
    this.door.cut(this.random.skewed(1, noticeMsMax));
  }
}

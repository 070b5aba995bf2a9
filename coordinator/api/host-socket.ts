/**
 * A host's WebSocket as messages in and out. Frames are parsed here, once, within the limits. What
 * answers the messages of one frame goes back in one frame, when the last of them is answered: a
 * report and the next want then cost one write instead of two, and writes are what costs most.
 */
import type { WebSocket } from 'ws';
import type { CoordinatorMessage, HostMessage } from '../../protocol/messages.ts';
import { decodeFrame, encodeFrame } from './frame.ts';

/** Bytes that a slow host has not taken from us yet; past this, it is cut off and may come again. */
const unsentBytesMax = 8 * 1024 * 1024;

export type HostSocketEvents = {
  /** Throws, or rejects, with what goes to `failed`. */
  message(message: HostMessage): Promise<void> | undefined;
  /** What `message` threw, or the frame that could not be read. */
  failed(error: unknown, about: number | null): void;
  /** It answered a ping. */
  alive(): void;
  closed(): void;
};

/** A frame some of whose messages are not answered yet. */
type OpenFrame = { gathers: boolean; unanswered: number };

export class HostSocket {
  /** Cleared by a ping, set by whatever arrives: a socket that stays silent is dead. */
  isAlive = true;
  private readonly socket: WebSocket;
  private readonly events: HostSocketEvents;
  private isBinary = true;
  private pingedAt = 0;
  private framesUnanswered = 0;
  private answers: CoordinatorMessage[] = [];

  constructor(socket: WebSocket, events: HostSocketEvents) {
    this.socket = socket;
    this.events = events;
    socket.on('message', (data, isBinary) => void this.receive(data as Buffer, isBinary));
    socket.on('pong', () => {
      this.isAlive = true;
      events.alive();
    });
    socket.on('error', () => {
      // `close` follows, also after a frame that was too large; there is nothing to add to it.
    });
    socket.on('close', () => events.closed());
  }

  send(message: CoordinatorMessage): void {
    this.answers.push(message);
    if (this.framesUnanswered === 0) this.flush();
  }

  /** Since the last ping, when it is not alive. */
  get silentMs(): number {
    return performance.now() - this.pingedAt;
  }

  ping(): void {
    this.isAlive = false;
    this.pingedAt = performance.now();
    this.socket.ping();
  }

  close(code: number, reason: string): void {
    this.flush();
    this.socket.close(code, reason);
  }

  terminate(): void {
    this.socket.terminate();
  }

  private receive(data: Buffer, isBinary: boolean): void {
    this.isAlive = true;
    this.isBinary = isBinary;
    let messages: HostMessage[];
    try {
      messages = decodeFrame(data, isBinary);
    } catch (error) {
      this.events.failed(error, null);
      return;
    }
    const frame = { gathers: messages.length > 1, unanswered: messages.length };
    if (frame.gathers) this.framesUnanswered++;
    for (const message of messages) this.answer(message, frame);
  }

  private answer(message: HostMessage, frame: OpenFrame): void {
    try {
      const later = this.events.message(message);
      if (later !== undefined) {
        void later.then(
          () => this.answered(frame),
          (error) => this.failed(error, message, frame),
        );
        return;
      }
    } catch (error) {
      this.failed(error, message, frame);
      return;
    }
    this.answered(frame);
  }

  private failed(error: unknown, message: HostMessage, frame: OpenFrame): void {
    this.events.failed(error, 'id' in message ? message.id : null);
    this.answered(frame);
  }

  private answered(frame: OpenFrame): void {
    frame.unanswered--;
    if (!frame.gathers || frame.unanswered > 0) return;
    this.framesUnanswered--;
    if (this.framesUnanswered === 0) this.flush();
  }

  private flush(): void {
    if (this.answers.length === 0) return;
    const answers = this.answers;
    this.answers = [];
    if (this.socket.bufferedAmount > unsentBytesMax) this.terminate();
    else this.socket.send(encodeFrame(answers, this.isBinary));
  }
}

/**
 * Messages as frames: MessagePack in plain maps, so that any implementation can read them. Integers
 * of 64 bits become JS numbers; those beyond 2^53 fail their schema instead of being rounded unseen.
 */
import { Packr, Unpackr } from 'msgpackr';
import { limits } from '../protocol/limits.ts';
import {
  type CoordinatorMessage,
  coordinatorMessageSchema,
  coordinatorMessagesSchema,
  type HostMessage,
} from '../protocol/messages.ts';

const options = { useRecords: false, mapsAsObjects: true, int64AsType: 'number' } as const;
const packr = new Packr(options);
const unpackr = new Unpackr(options);

/** One message is its own frame; several share one, and are answered by one. */
export const encodeFrame = (messages: readonly HostMessage[]): Uint8Array =>
  packr.pack(messages.length === 1 ? messages[0] : messages);

/** The frame's messages. Throws when one is not well-formed, or the frame is too large. */
export function decodeFrame(frame: Uint8Array): CoordinatorMessage[] {
  if (frame.length > limits.frameBytesMax) {
    throw new RangeError(`a frame of ${frame.length} bytes`);
  }
  const value: unknown = unpackr.unpack(frame);
  return Array.isArray(value)
    ? coordinatorMessagesSchema.parse(value)
    : [coordinatorMessageSchema.parse(value)];
}

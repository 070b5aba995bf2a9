/**
 * Messages as frames: MessagePack in plain maps, so that any implementation can read them. Integers
 * of 64 bits become JS numbers; those beyond 2^53 fail their schema instead of being rounded unseen.
 */
import { Packr, Unpackr } from 'msgpackr';
import { concatBytes } from '../protocol/bytes.ts';
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

/**
 * The messages in as few frames as the limits allow. One message is its own frame; several share
 * one, and are answered by one.
 */
export function encodeFrames(messages: readonly HostMessage[]): Uint8Array[] {
  const frames: Uint8Array[] = [];
  let group: Uint8Array[] = [];
  let bytes = 0;
  for (const message of messages) {
    const part: Uint8Array = packr.pack(message);
    const isFull =
      group.length === limits.messagesPerFrameMax ||
      bytes + part.length > limits.frameBytesMax - arrayHeaderBytes;
    if (group.length > 0 && isFull) {
      frames.push(joined(group));
      group = [];
      bytes = 0;
    }
    group.push(part);
    bytes += part.length;
  }
  if (group.length > 0) frames.push(joined(group));
  return frames;
}

/** MessagePack's `array 16`: 0xdc and the number of elements; their own bytes follow. */
const arrayHeaderBytes = 3;

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only) return only;
  return concatBytes([Uint8Array.of(0xdc, parts.length >> 8, parts.length & 0xff), ...parts]);
}

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

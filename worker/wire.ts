/**
 * Messages as frames: MessagePack in plain maps, so that any implementation can read them. Integers
 * of 64 bits become JS numbers; those beyond 2^53 fail their schema instead of being rounded unseen.
 */
import { Packr, Unpackr } from 'msgpackr';
import { limits } from '../protocol/limits.ts';
import {
  type CoordinatorMessage,
  coordinatorMessageSchema,
  type HostMessage,
} from '../protocol/messages.ts';

const options = { useRecords: false, mapsAsObjects: true, int64AsType: 'number' } as const;
const packr = new Packr(options);
const unpackr = new Unpackr(options);

export const encodeFrame = (message: HostMessage): Uint8Array => packr.pack(message);

/** Throws when the frame is not one well-formed message within the limits. */
export function decodeFrame(frame: Uint8Array): CoordinatorMessage {
  if (frame.length > limits.frameBytesMax) {
    throw new RangeError(`a frame of ${frame.length} bytes`);
  }
  return coordinatorMessageSchema.parse(unpackr.unpack(frame));
}

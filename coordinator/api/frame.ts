/**
 * Frames in and out: MessagePack in binary frames, JSON with base64url bytes in text frames. Each
 * frame from a host is parsed here, once, within the limits; inside, types are believed.
 */
import { Packr, Unpackr } from 'msgpackr';
import { GridError, issuesOf } from '../../protocol/errors.ts';
import {
  type CoordinatorMessage,
  type HostMessage,
  hostMessageSchema,
} from '../../protocol/messages.ts';

const options = { useRecords: false, mapsAsObjects: true, int64AsType: 'number' } as const;
const packr = new Packr(options);
const unpackr = new Unpackr(options);

/** Throws GridError `bad_request` and says where the frame is wrong. */
export function decodeFrame(data: Buffer, isBinary: boolean): HostMessage {
  let value: unknown;
  try {
    value = isBinary ? unpackr.unpack(data) : JSON.parse(data.toString('utf8'));
  } catch {
    throw new GridError(
      'bad_request',
      isBinary ? 'The frame is no MessagePack.' : 'The frame is no JSON.',
    );
  }
  const parsed = hostMessageSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = issuesOf(parsed.error);
  throw new GridError('bad_request', `${issue?.path}: ${issue?.expected}`);
}

export function encodeFrame(message: CoordinatorMessage, isBinary: boolean): Buffer | string {
  return isBinary ? packr.pack(message) : JSON.stringify(message, bytesAsBase64url);
}

const bytesAsBase64url = (_key: string, value: unknown): unknown =>
  value instanceof Uint8Array ? Buffer.from(value).toString('base64url') : value;

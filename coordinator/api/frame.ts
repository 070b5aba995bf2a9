/**
 * Frames in and out: MessagePack in binary frames, JSON with base64url bytes in text frames. Each
 * frame from a host is parsed here, once, within the limits; inside, types are believed.
 */
import { Packr, Unpackr } from 'msgpackr';
import type { z } from 'zod';
import { GridError, issuesOf } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import {
  type CoordinatorMessage,
  type HostMessage,
  hostMessageSchema,
  hostMessagesSchema,
} from '../../protocol/messages.ts';
import { isUsualMessage } from '../../protocol/usual-message.ts';
import { packUsualAnswers } from './usual-answers.ts';
import { unpackUsualMessages } from './usual-messages.ts';

const options = { useRecords: false, mapsAsObjects: true, int64AsType: 'number' } as const;
const packr = new Packr(options);
const unpackr = new Unpackr(options);

/** The frame's messages. Throws GridError `bad_request` and says where the frame is wrong. */
export function decodeFrame(data: Buffer, isBinary: boolean): HostMessage[] {
  const usual = isBinary ? unpackUsualMessages(data) : null;
  if (usual !== null && areUsual(usual)) return usual;
  let value: unknown;
  try {
    value = isBinary ? unpackr.unpack(data) : JSON.parse(data.toString('utf8'));
  } catch {
    throw new GridError(
      'bad_request',
      isBinary ? 'The frame is no MessagePack.' : 'The frame is no JSON.',
    );
  }
  if (!Array.isArray(value))
    return [isUsualMessage(value) ? value : parse(hostMessageSchema, value)];
  return areUsual(value) ? value : parse(hostMessagesSchema, value);
}

const areUsual = (values: unknown[]): values is HostMessage[] =>
  values.length >= 1 && values.length <= limits.messagesPerFrameMax && values.every(isUsualMessage);

function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = issuesOf(parsed.error);
  throw new GridError('bad_request', `${issue?.path}: ${issue?.expected}`);
}

/** One message is its own frame; several share one. */
export function encodeFrame(messages: CoordinatorMessage[], isBinary: boolean): Buffer | string {
  const frame = messages.length === 1 ? messages[0] : messages;
  if (!isBinary) return JSON.stringify(frame, bytesAsBase64url);
  return packUsualAnswers(messages) ?? packr.pack(frame);
}

const bytesAsBase64url = (_key: string, value: unknown): unknown =>
  value instanceof Uint8Array ? Buffer.from(value).toString('base64url') : value;

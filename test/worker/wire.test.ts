import { Packr } from 'msgpackr';
import { expect, test } from 'vitest';
import { limits } from '../../protocol/limits.ts';
import { type HostMessage, hostMessageSchema } from '../../protocol/messages.ts';
import { decodeFrame, encodeFrames } from '../../worker/wire.ts';

const plain = new Packr({ useRecords: false });
const oneFrame = (messages: HostMessage[]): Uint8Array => {
  const frames = encodeFrames(messages);
  expect(frames).toHaveLength(1);
  return frames[0] ?? new Uint8Array();
};

test('what a host sends is plain MessagePack that fits the contract, fuel to the last digit', () => {
  const message = {
    type: 'report',
    id: 3,
    token: 't',
    results: [
      {
        unit: 999_999_999_999,
        outcome: 'success',
        exitCode: 0,
        fuel: Number.MAX_SAFE_INTEGER,
        digest: new Uint8Array(32).fill(7),
        output: new Uint8Array([1, 2, 3]),
        detail: '',
        wallMs: 12,
      },
    ],
  } as const;
  const read = hostMessageSchema.parse(
    plain.unpack(oneFrame([{ ...message, successes: null, results: [...message.results] }])),
  );
  expect(read).toMatchObject({ id: 3, results: [{ unit: 999_999_999_999, fuel: 2 ** 53 - 1 }] });
});

test('a message in the contract is read', () => {
  const notice = { type: 'notice', code: 'x', text: 'y', about: null };
  expect(decodeFrame(plain.pack(notice))).toEqual([notice]);
});

test('several messages share a frame, both ways', () => {
  const notice = { type: 'notice', code: 'x', text: 'y', about: null };
  expect(decodeFrame(plain.pack([notice, notice]))).toEqual([notice, notice]);
  const want = { type: 'want', id: 1, units: 2 } as const;
  expect(plain.unpack(oneFrame([want, { type: 'bye' }]))).toEqual([want, { type: 'bye' }]);
});

test('messages that do not fit into one frame are sent in several, in their order', () => {
  const release = (id: number): HostMessage => ({
    type: 'release',
    token: `${id}${'x'.repeat(400_000)}`,
    units: [[id, 1]],
  });
  const bye = { type: 'bye' } as const;
  const sent = [release(1), release(2), release(3), ...Array(100).fill(bye)];
  const frames = encodeFrames(sent);
  const read = frames.map((frame) => [plain.unpack(frame)].flat() as HostMessage[]);
  expect(read.map(({ length }) => length)).toEqual([
    2,
    limits.messagesPerFrameMax,
    101 - limits.messagesPerFrameMax,
  ]);
  expect(read.flat()).toEqual(sent);
  for (const frame of frames) expect(frame.length).toBeLessThanOrEqual(limits.frameBytesMax);
});

test.each([
  ['no MessagePack', new Uint8Array([0xc1, 0xff])],
  ['more than one message', Buffer.concat([plain.pack({ type: 'bye' }), plain.pack(1)])],
  ['an empty array', plain.pack([])],
  ['an unknown type', plain.pack({ type: 'gift' })],
  [
    'a field that nobody knows',
    plain.pack({ type: 'notice', code: '', text: '', about: null, x: 1 }),
  ],
  ['a field that is missing', plain.pack({ type: 'notice', code: '', text: '' })],
  ['a number beyond 2^53', plain.pack({ type: 'recorded', report: 2n ** 60n, verdicts: [] })],
  ['more than a frame may have', new Uint8Array(limits.frameBytesMax + 1)],
])('a frame with %s is refused', (_what, frame) => {
  expect(() => decodeFrame(frame)).toThrow();
});

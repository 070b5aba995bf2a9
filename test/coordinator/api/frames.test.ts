import { Packr } from 'msgpackr';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { limits } from '../../../protocol/limits.ts';
import { type RealGrid, startRealGrid } from '../../support/real-grid.ts';
import { aSuccess, joinVolunteer, openVolunteer, unitsOf } from '../../support/volunteer.ts';

let grid: RealGrid;
beforeAll(async () => {
  grid = await startRealGrid();
});
afterAll(() => grid.stop());
afterEach(() => grid.cancelAll());

/** Whatever one host did, the next one is served from its hello to its verdict. */
async function expectUnharmed(): Promise<void> {
  const jobId = await grid.submit(1);
  const next = await joinVolunteer(grid.url);
  expect(await next.finish(await next.want(1))).toEqual(['accepted']);
  expect((await grid.ended(jobId)).state).toBe('complete');
  next.cut();
}

const packr = new Packr({ useRecords: false });
const bytes = (...values: number[]) => Uint8Array.from(values);

test.each<[string, Uint8Array | string]>([
  ['nothing', bytes()],
  ['a byte that MessagePack never uses', bytes(0xc1)],
  ['a map that is cut off', packr.pack({ type: 'bye' }).subarray(0, 5)],
  ['bytes after the end', Buffer.concat([packr.pack({ type: 'bye' }), bytes(1, 2, 3)])],
  ['a number', packr.pack(7)],
  ['no messages at all', packr.pack([])],
  ['more messages than a frame may have', packr.pack(Array(1000).fill({ type: 'bye' }))],
  ['a message in a message', packr.pack([[{ type: 'bye' }]])],
  ['an array of four billion', bytes(0xdd, 0xff, 0xff, 0xff, 0xff)],
  ['arrays of millions inside each other', Buffer.alloc(50_000, bytes(0xdd, 1, 0xff, 0xff, 0xff))],
  ['a map of four billion', bytes(0xdf, 0xff, 0xff, 0xff, 0xff, 0xa1, 0x61)],
  ['a text of four gigabytes', bytes(0xdb, 0xff, 0xff, 0xff, 0xff, 0x61)],
  ['a million nested arrays', new Uint8Array(1_000_000).fill(0x91)],
  ['a record definition', bytes(0xd4, 0x72, 0x40, 0x91, 0xa1, 0x61, 0x01)],
  ['an extension type', bytes(0xd6, 0xff, 0, 0, 0, 0)],
  ['a regular expression', bytes(0xc7, 9, 0x78, 0x92, 0xa4, 0x28, 0x61, 0x2b, 0x29, 0xa1, 0x67)],
  ['text that is no JSON', 'hello?'],
  ['JSON that is no message', '"bye"'],
  ['JSON nested a hundred thousand deep', '['.repeat(100_000)],
  ['a prototype', '{"__proto__":{"type":"bye"}}'],
  ['a type nobody knows', packr.pack({ type: 'mine_bitcoin' })],
  ['a type of the other side', packr.pack({ type: 'recorded', report: 1, verdicts: [] })],
  ['a field too many', packr.pack({ type: 'bye', reason: 'bored' })],
  ['a field too few', packr.pack({ type: 'want', id: 1 })],
  ['a want of nothing', packr.pack({ type: 'want', id: 1, units: 0 })],
  ['a want of everything', packr.pack({ type: 'want', id: 1, units: 2 ** 53 - 1 })],
  ['a negative id', packr.pack({ type: 'want', id: -1, units: 1 })],
  ['an id with a fraction', packr.pack({ type: 'want', id: 0.5, units: 1 })],
  ['a text for bytes', packr.pack({ type: 'release', token: 7, units: [[0, 1]] })],
])('[P1] %s ends the session with 4400, and nobody else’s', async (_what, frame) => {
  const host = await joinVolunteer(grid.url);
  host.sendRaw(frame);
  expect(await host.ended).toEqual({ code: 4400, reason: 'bad_request' });
  const notice = await host.next('notice');
  expect(notice).toMatchObject({ code: 'bad_request', about: null });
});

test('[P1] after all of these the coordinator serves the next host', expectUnharmed);

test('[P1] a frame over a mebibyte ends the session with 1009, one of a mebibyte is read', async () => {
  const host = await joinVolunteer(grid.url);
  host.sendRaw(new Uint8Array(limits.frameBytesMax + 1));
  expect((await host.ended).code).toBe(1009);
  const other = await joinVolunteer(grid.url);
  other.sendRaw(new Uint8Array(limits.frameBytesMax));
  expect((await other.ended).code).toBe(4400);
  await expectUnharmed();
});

test('[P1] a thousand frames of random bytes harm nobody', async () => {
  // xorshift32: the same bytes at every run.
  let state = 0x5eed;
  const random = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % 256;
  };
  for (let session = 0; session < 20; session++) {
    const host = await openVolunteer(grid.url);
    for (let i = 0; i < 50; i++) host.sendRaw(Uint8Array.from({ length: 1 + random() }, random));
    expect((await host.ended).code).toBe(4400);
  }
  await expectUnharmed();
});

test('a result with a field of the wrong kind ends the session before anything is recorded', async () => {
  const jobId = await grid.submit(4);
  const wrong: Partial<Record<string, unknown>>[] = [
    { outcome: 'splendid' },
    { exitCode: 'zero' },
    { fuel: -1 },
    { fuel: 2 ** 53 },
    { fuel: 1.5 },
    { digest: new Uint8Array(31) },
    { output: new Uint8Array(limits.inlineOutputBytesMax + 1) },
    { detail: 'x'.repeat(limits.detailCharsMax + 1) },
    { wallMs: null },
    { unit: -1 },
    { unit: 'all' },
  ];
  for (const parts of wrong) {
    const host = await joinVolunteer(grid.url);
    const [lease] = await host.want(1);
    const [unit = -1] = unitsOf(lease ?? { units: [] });
    const result = { ...aSuccess(unit), ...parts };
    host.send({ type: 'report', id: 9, token: lease?.token, results: [result] });
    expect([parts, (await host.ended).code]).toEqual([parts, 4400]);
    // What it held is free again when its lease ends; released here, so that the test need not wait.
    const again = await joinVolunteer(grid.url, { keys: host.keys });
    again.release(lease?.token ?? '', lease?.units ?? []);
    await again.settled();
    again.cut();
  }
  expect((await grid.show(jobId)).canonical).toBe(0);
});

test('text frames carry the same session in JSON, bytes in base64url', async () => {
  const jobId = await grid.submit(2);
  const host = await joinVolunteer(grid.url, { json: true });
  const leases = await host.take(2);
  expect(await host.finish(leases)).toEqual(['accepted', 'accepted']);
  expect((await grid.results(jobId)).map(({ output }) => output)).toEqual([0, 1]);
});

test('a hello in JSON may be followed by MessagePack, and is answered as it was asked', async () => {
  await grid.submit(1);
  const host = await openVolunteer(grid.url, { json: true });
  await host.greet();
  host.sendRaw(packr.pack({ type: 'want', id: 1, units: 1 }));
  expect((await host.next('lease')).leases).toHaveLength(1);
});

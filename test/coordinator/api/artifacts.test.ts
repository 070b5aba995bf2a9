import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RealGrid, refusal, startRealGrid } from '../../support/real-grid.ts';

let grid: RealGrid;
beforeAll(async () => {
  grid = await startRealGrid();
});
afterAll(() => grid.stop());

const digestOf = (bytes: Uint8Array) =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const put = (digest: string, body: Uint8Array<ArrayBuffer> | string, headers = {}) =>
  grid.fetch(`/v1/artifacts/${digest}`, { method: 'PUT', body, headers });
const get = (digest: string, headers: Record<string, string> = {}, method = 'GET') =>
  grid.fetch(`/v1/artifacts/${digest}`, { method, headers });
/** What an upload leaves behind when it does not become an artifact. */
const leftOver = () => readdir(join(grid.dataDir, 'artifacts/incoming'));

describe('an upload', () => {
  test('is served as it came, to anyone who knows the digest', async () => {
    const bytes = randomBytes(100_000);
    expect(await (await put(digestOf(bytes), bytes)).json()).toEqual({
      digest: digestOf(bytes),
      bytes: 100_000,
    });
    const reply = await fetch(`${grid.url}/v1/artifacts/${digestOf(bytes)}`);
    expect(Buffer.from(await reply.arrayBuffer()).equals(bytes)).toBe(true);
    expect(reply.headers.get('content-length')).toBe('100000');
    expect(reply.headers.get('cache-control')).toContain('immutable');
  });

  test('may be repeated, and have any content type or none', async () => {
    const bytes = randomBytes(10);
    for (const type of ['application/json', 'text/plain', 'application/wasm', '']) {
      const headers = type === '' ? {} : { 'content-type': type };
      expect((await put(digestOf(bytes), bytes, headers)).status).toBe(201);
    }
    expect((await get(digestOf(bytes))).status).toBe(200);
  });

  test('of nothing is an artifact of no bytes', async () => {
    const nothing = digestOf(new Uint8Array(0));
    expect((await put(nothing, new Uint8Array(0))).status).toBe(201);
    expect((await get(nothing)).headers.get('content-length')).toBe('0');
    expect((await get(nothing, { range: 'bytes=0-' })).status).toBe(416);
  });

  test('with other bytes than its digest says is refused and leaves nothing', async () => {
    const announced = digestOf(Buffer.from('the announced'));
    const error = await refusal(await put(announced, 'the delivered'));
    expect(error).toMatchObject({ status: 400, code: 'digest_mismatch' });
    expect((await get(announced)).status).toBe(404);
    expect(await leftOver()).toEqual([]);
  });

  test('that breaks off leaves nothing', async () => {
    const bytes = randomBytes(200_000);
    const { hostname, port } = new URL(grid.url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    socket.write(
      `PUT /v1/artifacts/${digestOf(bytes)} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${grid.token}\r\ncontent-length: ${bytes.length}\r\n\r\n`,
    );
    socket.write(bytes.subarray(0, 100_000));
    await until(async () => (await leftOver()).length === 1);
    socket.resetAndDestroy();
    await until(async () => (await leftOver()).length === 0);
    expect((await get(digestOf(bytes))).status).toBe(404);
  });

  test('twice at once is one artifact', async () => {
    const bytes = randomBytes(500_000);
    const replies = await Promise.all([1, 2, 3].map(() => put(digestOf(bytes), bytes)));
    expect(replies.map(({ status }) => status)).toEqual([201, 201, 201]);
    expect(digestOf(Buffer.from(await (await get(digestOf(bytes))).arrayBuffer()))).toBe(
      digestOf(bytes),
    );
    expect(await leftOver()).toEqual([]);
  });

  test('announced as larger than artifacts may be is refused before a byte of it is read', async () => {
    const request = httpRequest(`${grid.url}/v1/artifacts/${digestOf(Buffer.from('x'))}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${grid.token}`, 'content-length': 2 ** 40 },
    });
    request.on('error', () => undefined);
    request.write('x');
    const [reply] = await once(request, 'response');
    expect(reply.statusCode).toBe(413);
    request.destroy();
  });
});

describe('a digest that is no digest', () => {
  const hex = 'a'.repeat(64);
  test.each([
    ['without its algorithm', hex],
    ['of another algorithm', `sha512:${hex}`],
    ['in upper case', `sha256:${hex.toUpperCase()}`],
    ['too short', `sha256:${hex.slice(1)}`],
    ['too long', `sha256:${hex}a`],
    ['that climbs', `sha256:${'../'.repeat(21)}a`],
    ['that climbs, encoded', `sha256:${'%2e%2e%2f'.repeat(21)}a`],
    ['of the operator’s token', encodeURIComponent('sha256:/../../operator.token')],
    ['with a null byte', `sha256:${hex.slice(1)}%00`],
    ['with a line end', `sha256:${hex}%0a`],
  ])('[P1] %s is refused, to read and to write', async (_what, digest) => {
    for (const reply of [await get(digest), await put(digest, 'x')]) {
      expect([400, 404]).toContain(reply.status);
      expect((await refusal(reply)).code).toMatch(/^(bad_request|route_unknown)$/);
    }
  });
});

describe('a download', () => {
  const bytes = Buffer.from('0123456789');
  const digest = digestOf(bytes);
  beforeAll(async () => {
    await put(digest, bytes);
  });

  test.each([
    ['bytes=0-0', '0', 'bytes 0-0/10'],
    ['bytes=3-5', '345', 'bytes 3-5/10'],
    ['bytes=7-', '789', 'bytes 7-9/10'],
    ['bytes=7-99', '789', 'bytes 7-9/10'],
    ['bytes=-4', '6789', 'bytes 6-9/10'],
    ['bytes=-99', '0123456789', 'bytes 0-9/10'],
  ])('of %s is 206 with that part', async (range, text, contentRange) => {
    const reply = await get(digest, { range });
    expect([reply.status, await reply.text()]).toEqual([206, text]);
    expect(reply.headers.get('content-range')).toBe(contentRange);
    expect(reply.headers.get('content-length')).toBe(String(text.length));
  });

  test.each(['bytes=10-', 'bytes=99-100', 'bytes=-0', `bytes=${'9'.repeat(30)}-`])(
    'of %s is 416 and says how much there is',
    async (range) => {
      const reply = await get(digest, { range });
      expect(reply.headers.get('content-range')).toBe('bytes */10');
      expect(await refusal(reply)).toMatchObject({ status: 416, code: 'range_unsatisfiable' });
    },
  );

  test.each(['bytes=5-3', 'bytes=0-1,4-5', 'lines=0-1', 'bytes=a-b', 'bytes=', 'bytes=-', '7'])(
    'of %s is the whole',
    async (range) => {
      const reply = await get(digest, { range });
      expect([reply.status, await reply.text()]).toEqual([200, '0123456789']);
    },
  );

  test('by HEAD has the headers and no body', async () => {
    const whole = await get(digest, {}, 'HEAD');
    expect([whole.status, whole.headers.get('content-length'), await whole.text()]).toEqual([
      200,
      '10',
      '',
    ]);
    const part = await get(digest, { range: 'bytes=3-5' }, 'HEAD');
    expect([part.status, part.headers.get('content-length')]).toEqual([206, '3']);
    expect((await get(`sha256:${'0'.repeat(64)}`, {}, 'HEAD')).status).toBe(404);
  });

  test('of what the other side has is 304', async () => {
    const etag = (await get(digest)).headers.get('etag') ?? '';
    for (const known of [etag, `"other", ${etag}`, `W/${etag}`, '*']) {
      const reply = await get(digest, { 'if-none-match': known });
      expect([known, reply.status, await reply.text()]).toEqual([known, 304, '']);
    }
    expect((await get(digest, { 'if-none-match': '"other"' })).status).toBe(200);
  });

  test('of what is not here is 404', async () => {
    const reply = await get(`sha256:${'0'.repeat(64)}`);
    expect(await refusal(reply)).toMatchObject({ status: 404, code: 'artifact_unknown' });
  });

  test('that the other side leaves in the middle harms nobody', async () => {
    const large = randomBytes(8 * 1024 * 1024);
    await put(digestOf(large), large);
    const leaving = new AbortController();
    const reply = await fetch(`${grid.url}/v1/artifacts/${digestOf(large)}`, {
      signal: leaving.signal,
    });
    await reply.body?.getReader().read();
    leaving.abort();
    expect((await get(digest)).status).toBe(200);
  });
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((done) => setTimeout(done, 5));
}

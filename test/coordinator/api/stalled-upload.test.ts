/**
 * An upload that stands still. In a file of its own, because the machine's timers are put forward: they run on as ever,
 * and jump when the test says so.
 */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { silenceMsMax } from '../../../coordinator/api/upload-pace.ts';
import { errorBodySchema } from '../../../protocol/errors.ts';
import { type RealGrid, startRealGrid } from '../../support/real-grid.ts';

let grid: RealGrid;
beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: true });
  grid = await startRealGrid();
});
afterAll(async () => {
  await grid.stop();
  vi.useRealTimers();
});

const bytes = randomBytes(200_000);
const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const incoming = () => readdir(join(grid.dataDir, 'artifacts/incoming'));

function begin() {
  const request = httpRequest(`${grid.url}/v1/artifacts/${digest}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${grid.token}`, 'content-length': bytes.length },
  });
  request.on('error', () => undefined);
  request.write(bytes.subarray(0, 100_000));
  return request;
}
const untilIncoming = (files: number) =>
  vi.waitFor(async () => expect(await incoming()).toHaveLength(files), 10_000);

test('[P5] an upload that stands still for a minute is ended, and leaves nothing', async () => {
  const request = begin();
  await untilIncoming(1);
  vi.advanceTimersByTime(silenceMsMax);
  const [reply] = (await once(request, 'response')) as [IncomingMessage];
  expect([reply.statusCode, reply.headers.connection]).toEqual([408, 'close']);
  const { error } = errorBodySchema.parse(
    JSON.parse(Buffer.concat(await reply.toArray()).toString()),
  );
  expect(error).toMatchObject({ code: 'upload_stalled', retry: true });
  await untilIncoming(0);
  expect((await grid.fetch(`/v1/artifacts/${digest}`)).status).toBe(404);
});

test('one that is slow, and goes on, is stored', async () => {
  const request = begin();
  await untilIncoming(1);
  vi.advanceTimersByTime(silenceMsMax - 1000);
  request.end(bytes.subarray(100_000));
  const [reply] = (await once(request, 'response')) as [IncomingMessage];
  expect(reply.statusCode).toBe(201);
});

/** What strangers may upload at once, and without reporting it. */
import { randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  networkBytesMax,
  outputUploadBytesMax,
  uploadsPerHost,
  uploadsPerNetwork,
} from '../../../coordinator/domain/upload-allowance.ts';
import { type RealGrid, refusal, startRealGrid } from '../../support/real-grid.ts';
import {
  aLargeOutput,
  aSuccess,
  joinVolunteer,
  unitsOf,
  type Volunteer,
} from '../../support/volunteer.ts';

let grid: RealGrid;
beforeAll(async () => {
  grid = await startRealGrid();
});
afterAll(() => grid.stop());
afterEach(() => grid.cancelAll());

const digest = `sha256:${'a'.repeat(64)}`;
const tokenOf = (host: Volunteer) => host.welcome?.uploadToken ?? '';

/** Announces an upload of so many bytes, and sends one; ends it when the test does. */
function announce(address: string, host: Volunteer, bytes: number) {
  const headers = {
    authorization: `Bearer ${tokenOf(host)}`,
    'content-length': bytes,
    'x-forwarded-for': address,
  };
  const request = httpRequest(`${grid.url}/v1/artifacts/${digest}`, { method: 'PUT', headers });
  const announced = { refused: null as number | null, end: () => void request.destroy() };
  request.on('error', () => undefined);
  request.on('response', (reply) => {
    announced.refused = reply.statusCode ?? 0;
    reply.resume();
  });
  request.write('x');
  onTestFinished(announced.end);
  return announced;
}

const upload = (address: string, host: Volunteer, { name, bytes } = aSmallArtifact()) =>
  fetch(`${grid.url}/v1/artifacts/${name}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${tokenOf(host)}`, 'x-forwarded-for': address },
    body: bytes,
  });

const aSmallArtifact = () => aLargeOutput({ stdout: randomBytes(2000), files: {} });

async function figure(name: string): Promise<number> {
  const text = await (await grid.fetch('/metrics')).text();
  return Number(new RegExp(`^manyhands_${name} (.*)$`, 'm').exec(text)?.[1]);
}

/** Hosts on a network, each of an account of its own. */
const joinOn = (network: string, hosts: number) =>
  Promise.all(
    Array.from({ length: hosts }, (_, i) =>
      joinVolunteer(grid.url, { address: `${network}.${i}` }),
    ),
  );

/** Each host announces as many uploads as it may have at once. Returns those that are under way. */
async function announceAll(network: string, hosts: readonly Volunteer[], bytes: number) {
  const all = hosts.flatMap((host, i) =>
    Array.from({ length: uploadsPerHost }, () => announce(`${network}.${i}`, host, bytes)),
  );
  await vi.waitFor(async () => {
    const refused = all.filter((one) => one.refused !== null).length;
    expect(refused + (await figure('uploads_under_way'))).toBe(all.length);
  }, 20_000);
  return all.filter((one) => one.refused === null);
}

const untilNoneIsUnderWay = () =>
  vi.waitFor(async () => expect(await figure('uploads_under_way')).toBe(0), 20_000);

describe('uploads at once', () => {
  test('[P5] are so many of a host; one more is told when to come again, and another host goes on', async () => {
    const [busy, other] = await joinOn('192.0.2', 2);
    if (busy === undefined || other === undefined) throw new Error('nobody joined');
    const underWay = await announceAll('192.0.2', [busy], 1000);
    expect(underWay).toHaveLength(uploadsPerHost);
    // The answer gets through, though most of the body is not sent yet.
    const large = aLargeOutput({ stdout: randomBytes(32 * 1024 ** 2), files: {} });
    const reply = await upload('192.0.2.0', busy, large);
    expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await refusal(reply)).toMatchObject({ status: 429, code: 'uploads_limit', retry: true });
    expect((await upload('192.0.2.1', other)).status).toBe(201);
    for (const one of underWay) one.end();
    await untilNoneIsUnderWay();
    expect((await upload('192.0.2.0', busy)).status).toBe(201);
  });

  test('[P5] are so many of a network; those of another go on', async () => {
    const crowd = await joinOn('198.51.100', uploadsPerNetwork / uploadsPerHost + 1);
    const underWay = await announceAll('198.51.100', crowd.slice(0, -1), 1000);
    expect(underWay).toHaveLength(uploadsPerNetwork);
    const [late] = crowd.slice(-1);
    const [elsewhere] = await joinOn('203.0.113', 1);
    if (late === undefined || elsewhere === undefined) throw new Error('nobody joined');
    expect((await upload('198.51.100.200', late)).status).toBe(429);
    expect((await upload('203.0.113.0', elsewhere)).status).toBe(201);
    for (const one of underWay) one.end();
    await untilNoneIsUnderWay();
    expect((await upload('198.51.100.200', late)).status).toBe(201);
  });

  test('[P5] announce no more bytes than a network of newcomers may; what breaks off gives its room back', async () => {
    const hosts = Math.ceil(networkBytesMax / outputUploadBytesMax / uploadsPerHost) + 1;
    const crowd = await joinOn('203.0.113', hosts);
    const begin = () => announceAll('203.0.113', crowd, outputUploadBytesMax);
    for (let times = 0; times < 2; times++) {
      const underWay = await begin();
      expect(underWay.length).toBeLessThan(hosts * uploadsPerHost);
      expect(underWay.length * outputUploadBytesMax).toBeLessThanOrEqual(networkBytesMax);
      expect(underWay.length).toBeGreaterThan(0);
      for (const one of underWay) one.end();
      await untilNoneIsUnderWay();
    }
  });
});

describe('an upload of a newcomer', () => {
  const large = aLargeOutput({ stdout: randomBytes(3_000_000), files: {} });

  test('counts until a result names it, which is recorded', async () => {
    await grid.submit(1, { limits: { outputBytesMax: 4_000_000 } });
    const host = await joinVolunteer(grid.url, { address: '192.0.2.7' });
    const [lease] = await host.want(1);
    const [unit = 0] = unitsOf(lease ?? { units: [] });
    const before = await figure('newcomer_upload_bytes');
    const stored = await figure('upload_bytes_total');
    expect((await upload('192.0.2.7', host, large)).status).toBe(201);
    expect(await figure('upload_bytes_total')).toBe(stored + large.bytes.length);
    expect((await figure('newcomer_upload_bytes')) - before).toBeGreaterThan(2_900_000);
    const result = aSuccess(unit, { output: null, digest: large.digest });
    expect(await host.report(lease?.token ?? '', [result])).toEqual(['accepted']);
    expect(await figure('newcomer_upload_bytes')).toBeLessThanOrEqual(before);
  });
});

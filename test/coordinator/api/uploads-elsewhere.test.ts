/** Two coordinators behind a load balancer: an output is uploaded to one, and its result reported to the other. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { emptyKernel } from '../../../bench/empty-kernel.ts';
import { type Coordinator, startCoordinator } from '../../../coordinator/main.ts';
import { type PrivateRedis, startPrivateRedis } from '../../support/private-redis.ts';
import { json } from '../../support/real-grid.ts';
import { aLargeOutput, aSuccess, joinVolunteer, unitsOf } from '../../support/volunteer.ts';

const folder = mkdtempSync(join(tmpdir(), 'mh-two-'));
let redis: PrivateRedis;
let one: Coordinator;
let other: Coordinator;
beforeAll(async () => {
  redis = await startPrivateRedis();
  const start = (name: string) =>
    startCoordinator({
      ...{ host: '127.0.0.1', port: 0, logLevel: 'fatal', redisUrl: redis.url },
      ...{ dataDir: join(folder, name), sharedDir: join(folder, 'shared') },
    });
  one = await start('one');
  other = await start('other');
});
afterAll(async () => {
  await other.close();
  await one.close();
  await redis.stop();
  rmSync(folder, { recursive: true });
});

test('[P5] an upload that a result names at another coordinator counts no longer', async () => {
  const token = readFileSync(one.operatorToken.path, 'utf8').trim();
  const ask = ({ url }: Coordinator, path: string, init: RequestInit = {}, bearer = token) =>
    fetch(`${url}${path}`, {
      ...init,
      headers: { ...(init.headers as object), authorization: `Bearer ${bearer}` },
    });
  const counted = async () =>
    Number(
      /^manyhands_newcomer_upload_bytes (.*)$/m.exec(
        await (await ask(other, '/metrics')).text(),
      )?.[1],
    );
  const { wasm, digest: kernel } = emptyKernel();
  await ask(one, `/v1/artifacts/${kernel}`, { method: 'PUT', body: wasm });
  await ask(one, '/v1/jobs', json({ name: 'a job', kernel, units: { range: { count: 1 } } }));
  const host = await joinVolunteer(one.url);
  const [lease] = await host.want(1);
  const [unit = 0] = unitsOf(lease ?? { units: [] });
  const output = aLargeOutput({ stdout: randomBytes(100_000), files: {} });

  const { uploadToken } = host.welcome ?? {};
  const upload = { method: 'PUT', body: output.bytes };
  expect((await ask(other, `/v1/artifacts/${output.name}`, upload, uploadToken)).status).toBe(201);
  expect(await counted()).toBeGreaterThan(100_000);
  const result = aSuccess(unit, { output: null, digest: output.digest });
  expect(await host.report(lease?.token ?? '', [result])).toEqual(['accepted']);
  await vi.waitFor(async () => expect(await counted()).toBe(0), 20_000);
});

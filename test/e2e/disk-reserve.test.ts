/** A grid whose disk fills up, of real processes on a small disk of their own. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { emptyKernel } from '../../bench/empty-kernel.ts';
import { reserveOf } from '../../coordinator/artifacts/disk-room.ts';
import { startManyhands, temporaryFolder } from '../cli/manyhands.ts';
import { json, refusal } from '../support/real-grid.ts';
import { SmallDisk } from '../support/small-disk.ts';
import { aLargeOutput, aSuccess, joinVolunteer, unitsOf } from '../support/volunteer.ts';

const diskMebibytes = 128;
const home = temporaryFolder();

test('[P5] a disk that is nearly full takes no large file, and results that fit into a report; and all when there is room', async ({
  skip,
}) => {
  const folder = join(home, 'disk');
  mkdirSync(folder);
  const disk = await SmallDisk.mount(folder, diskMebibytes);
  if (disk === null) return skip('no disk can be mounted here without root');
  onTestFinished(() => disk.unmount());
  const args = ['coordinator', '--port', '0', '--data', join(folder, 'grid')];
  const coordinator = startManyhands(args, { home, through: disk.enter });
  onTestFinished(async () => {
    coordinator.kill('SIGTERM');
    await coordinator.ended;
  });
  const url = await coordinator.line('ready ');
  const token = readFileSync(join(disk.seen, 'grid/operator.token'), 'utf8').trim();
  const ask = (path: string, init: RequestInit = {}, bearer = token) =>
    fetch(`${url}${path}`, {
      ...init,
      headers: { ...(init.headers as object), authorization: `Bearer ${bearer}` },
    });
  const put = (name: string, body: Uint8Array<ArrayBuffer>, bearer = token) =>
    ask(`/v1/artifacts/${name}`, { method: 'PUT', body }, bearer);
  const figures = async () => await (await ask('/metrics')).text();

  const { wasm, digest: kernel } = emptyKernel();
  expect((await put(kernel, wasm)).status).toBe(201);
  await ask('/v1/jobs', json({ name: 'a job', kernel, units: { range: { count: 2 } } }));
  const host = await joinVolunteer(url);
  const [first, second] = await host.take(2);
  const units = [first, second].flatMap((lease) =>
    lease === undefined ? [] : unitsOf(lease).map((unit) => ({ unit, token: lease.token })),
  );
  const [small, large] = units;
  if (small === undefined || large === undefined) throw new Error('two units were asked for');
  const output = aLargeOutput({ stdout: randomBytes(200_000), files: {} });
  const upload = () => put(output.name, output.bytes, host.welcome?.uploadToken);

  const ballast = join(disk.seen, 'ballast');
  const { bavail, blocks, bsize } = statfsSync(disk.seen);
  const room = bavail * bsize - reserveOf(blocks * bsize);
  writeFileSync(ballast, Buffer.alloc(room + 1024 ** 2));
  const refused = await upload();
  expect(refused.headers.get('retry-after')).toBe('60');
  expect(await refusal(refused)).toMatchObject({ status: 503, code: 'storage_low', retry: true });
  expect((await put(output.name, output.bytes)).status).toBe(503);
  expect(await host.report(small.token, [aSuccess(small.unit)])).toEqual(['accepted']);
  expect(await figures()).toMatch(/^manyhands_uploads_refusing 1$/m);
  expect(await figures()).toMatch(/^manyhands_storage_refusing 0$/m);

  rmSync(ballast);
  expect((await upload()).status).toBe(201);
  expect(await figures()).toMatch(/^manyhands_uploads_refusing 0$/m);
  const result = aSuccess(large.unit, { output: null, digest: output.digest });
  expect(await host.report(large.token, [result])).toEqual(['accepted']);
});

import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { resultLineSchema } from '../../../protocol/http.ts';
import { encodeOutput } from '../../../protocol/output.ts';
import { type RealGrid, refusal, startRealGrid } from '../../support/real-grid.ts';
import {
  aFailure,
  aSuccess,
  joinVolunteer,
  sha256,
  unitsOf,
  type Volunteer,
} from '../../support/volunteer.ts';

let grid: RealGrid;
beforeAll(async () => {
  grid = await startRealGrid();
});
afterAll(() => grid.stop());
afterEach(() => grid.cancelAll());

describe('the results of a job', () => {
  test('[W1] are one line a unit, in order, across shards, each success or a reason', async () => {
    // Three shards of 256: units 0-255, 256-511 and the rest.
    const jobId = await grid.submit(600, { units: { sweep: { p: { from: 1, count: 600 } } } });
    const hosts = [await joinVolunteer(grid.url), await joinVolunteer(grid.url)];
    const isBad = (unit: number) => unit % 100 === 7;
    const workOff = async (host: Volunteer | undefined) => {
      while (host !== undefined) {
        const leases = await host.want(256);
        for (const lease of leases) {
          const results = unitsOf(lease).map((unit) =>
            isBad(unit) ? aFailure(unit, { detail: `no ${unit}` }) : aSuccess(unit),
          );
          await host.report(lease.token, results);
        }
      }
    };
    // Their last wants are never answered: the sessions end with the test.
    for (const host of hosts) workOff(host).catch(() => undefined);
    while ((await grid.show(jobId)).state === 'open') await wait(10);
    const lines = await grid.results(jobId);
    expect(lines.map(({ unit }) => unit)).toEqual(Array.from({ length: 600 }, (_, i) => i));
    for (const line of lines) {
      resultLineSchema.parse(line);
      expect(line.params).toEqual({ p: line.unit + 1 });
      if (isBad(line.unit)) {
        expect(line).toMatchObject({ output: null, detail: `kernel_trap: no ${line.unit}` });
      } else expect(line.output).toBe(line.unit);
    }
    expect(await grid.show(jobId)).toMatchObject({ canonical: 594, failed: 6 });

    for (const from of [0, 1, 255, 256, 257, 599]) {
      expect((await grid.results(jobId, from))[0]?.unit).toBe(from);
    }
    expect(await grid.results(jobId, 600)).toEqual([]);
    expect(await grid.results(jobId, Number.MAX_SAFE_INTEGER)).toEqual([]);
  });

  test('of an open job are those that are decided', async () => {
    const jobId = await grid.submit(1_000_000);
    expect(await grid.results(jobId)).toEqual([]);
    const host = await joinVolunteer(grid.url);
    const leases = await host.want(3);
    await host.finish(leases);
    expect((await grid.results(jobId)).map(({ unit }) => unit)).toEqual(leases.flatMap(unitsOf));
  });

  test.each<[string, string, unknown]>([
    ['JSON', '{"prime":true}\n', { prime: true }],
    ['a number', '17', 17],
    ['text', 'seventeen\n', 'seventeen\n'],
    ['two JSON values', '1\n2\n', '1\n2\n'],
    ['nothing', '', ''],
    ['a line of JSON with a prototype', '{"__proto__":1}', JSON.parse('{"__proto__":1}')],
    ['text that breaks lines oddly', 'a\u2028b', 'a\u2028b'],
  ])('show %s on stdout as it is', async (_what, stdout, shown) => {
    const jobId = await grid.submit(1);
    const host = await joinVolunteer(grid.url);
    const [lease] = await host.want(1);
    const output = encodeOutput({ stdout: Buffer.from(stdout), files: {} });
    await host.report(lease?.token ?? '', [aSuccess(0, { output, digest: sha256(output) })]);
    expect((await grid.results(jobId))[0]?.output).toEqual(shown);
  });

  test('take bytes that are no text as well as they can', async () => {
    const jobId = await grid.submit(1);
    const host = await joinVolunteer(grid.url);
    const [lease] = await host.want(1);
    const files = { '/out/\u{1f512}': new Uint8Array([0, 255]) };
    const output = encodeOutput({ stdout: new Uint8Array([0xff, 0xfe]), files });
    await host.report(lease?.token ?? '', [aSuccess(0, { output, digest: sha256(output) })]);
    expect(await grid.results(jobId)).toMatchObject([{ files: { '/out/\u{1f512}': 'AP8=' } }]);
  });

  test.each(['-1', '1.5', 'all', '1e400', '9007199254740993'])(
    'from=%s is refused',
    async (from) => {
      const jobId = await grid.submit(1);
      const reply = await grid.fetch(`/v1/jobs/${jobId}/results?from=${from}`);
      expect(await refusal(reply)).toMatchObject({ status: 400, code: 'bad_request' });
    },
  );
});

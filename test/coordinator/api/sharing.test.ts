import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { wat } from '../../kernel/support/wat.ts';
import { type RealGrid, startRealGrid } from '../../support/real-grid.ts';
import { aSuccess, joinVolunteer, unitsOf, type Volunteer } from '../../support/volunteer.ts';

let grid: RealGrid;
beforeAll(async () => {
  grid = await startRealGrid();
});
afterAll(() => grid.stop());
afterEach(() => grid.cancelAll());

const many = { units: { range: { count: 100_000 } } };

/** Takes a unit at a time, reports it with the fuel that its job's units cost, and says whose it was. */
async function workOff(
  host: Volunteer,
  units: number,
  fuel: (jobId: string) => number,
): Promise<string[]> {
  const jobIds: string[] = [];
  for (let i = 0; i < units; i++) {
    const [lease] = await host.want(1);
    if (lease === undefined) throw new Error('a lease message without a lease');
    const results = unitsOf(lease).map((unit) => aSuccess(unit, { fuel: fuel(lease.jobId) }));
    await host.report(lease.token, results);
    jobIds.push(lease.jobId);
  }
  return jobIds;
}
const share = (jobIds: string[], jobId: string) =>
  jobIds.filter((id) => id === jobId).length / jobIds.length;

describe('jobs share the hosts', () => {
  test('equally when they weigh the same, and in turn', async () => {
    const [a] = [await grid.submit(1, many), await grid.submit(1, many)];
    const jobIds = await workOff(await joinVolunteer(grid.url), 60, () => 1_000_000);
    for (let end = 10; end <= 60; end += 10) {
      expect(share(jobIds.slice(end - 10, end), a)).toBe(0.5);
    }
  });

  test('by what their units cost, not by how many they are', async () => {
    const [short, long] = [await grid.submit(1, many), await grid.submit(1, many)];
    const fuel = (jobId: string) => (jobId === long ? 9_000_000 : 1_000_000);
    const host = await joinVolunteer(grid.url);
    await workOff(host, 40, fuel);
    const jobIds = await workOff(host, 100, fuel);
    expect(share(jobIds, short)).toBeCloseTo(0.9, 1);
  });

  test('as their priority says: priority 3 weighs four times priority 0', async () => {
    const [plain, urgent] = [
      await grid.submit(1, many),
      await grid.submit(1, { ...many, priority: 3 }),
    ];
    const jobIds = await workOff(await joinVolunteer(grid.url), 100, () => 1_000_000);
    expect(share(jobIds, urgent)).toBeCloseTo(0.8, 1);
    expect(share(jobIds, plain)).toBeGreaterThan(0);
  });

  test('with one that comes later, from then on', async () => {
    await grid.submit(1, many);
    const host = await joinVolunteer(grid.url);
    await workOff(host, 50, () => 1_000_000);
    const late = await grid.submit(1, many);
    await workOff(host, 10, () => 1_000_000);
    expect(share(await workOff(host, 40, () => 1_000_000), late)).toBe(0.5);
  });
});

describe('a want', () => {
  test('[W6] that waits is served the moment a job comes', async () => {
    const hosts = [await joinVolunteer(grid.url), await joinVolunteer(grid.url)];
    for (const host of hosts) {
      host.ask(4);
      expect((await host.next('noWork')).retryAfterMs).toBeNull();
    }
    await grid.submit(1, many);
    for (const host of hosts) expect((await host.next('lease')).leases).not.toEqual([]);
  });

  test('of a host without the memory leaves the work to others, who get it', async () => {
    await grid.submit(2, { limits: { memoryBytesMax: 2 ** 30 } });
    const small = await joinVolunteer(grid.url, { hello: { memoryBytes: 2 ** 20 } });
    const large = await joinVolunteer(grid.url);
    await large.want(1);
    small.ask(1);
    expect((await small.next('noWork')).reason).toBe('too_small');
    await large.want(1);
    const want = large.ask(1);
    const { reason } = await large.next('noWork', (message) => message.want === want);
    expect(reason).toBe('nothing_left');
    await grid.submit(1, { limits: { memoryBytesMax: 2 ** 16 } });
    expect((await small.next('lease')).leases).toHaveLength(1);
  });

  test('of a host whose WebAssembly lacks what the kernel uses leaves the work to others, and is told so', async () => {
    const wasm = wat(`(module (memory (export "memory") 1) (func (export "_start")
      (v128.store (i32.const 0) (v128.const i64x2 1 2))))`);
    const kernel = `sha256:${createHash('sha256').update(wasm).digest('hex')}`;
    const body = Buffer.from(wasm);
    await grid.fetch(`/v1/artifacts/${kernel}`, { method: 'PUT', body });
    const plain = await joinVolunteer(grid.url, { hello: { features: ['threads'] } });
    const jobId = await grid.submit(2, { kernel });
    const about = async (path: string) => (await grid.fetch(`/v1/jobs/${jobId}${path}`)).json();
    expect(await about('/why')).toMatchObject({ reason: 'lacks_feature' });
    const other = await joinVolunteer(grid.url, { hello: { features: ['simd', 'of-tomorrow'] } });
    const first = await other.take(1);
    plain.ask(1);
    expect((await plain.next('noWork')).reason).toBe('lacks_feature');
    await other.finish(first);
    await other.finish(await other.take(1));
    expect(await about('')).toMatchObject({ canonical: 2 });
  });

  test('[W6] that a lost connection left behind takes no units from the host when it is back', async () => {
    const lost = await joinVolunteer(grid.url);
    lost.ask(8);
    await lost.next('noWork');
    lost.freeze();
    const back = await joinVolunteer(grid.url, { keys: lost.keys });
    const jobId = await grid.submit(8);
    await back.finish(await back.take(8));
    expect((await grid.ended(jobId)).state).toBe('complete');
  });

  test('that was not served for a ping under way is served with its answer', async () => {
    const host = await joinVolunteer(grid.url);
    host.ask(1);
    await host.next('noWork');
    await joinVolunteer(grid.url, { keys: host.keys });
    await grid.submit(1);
    expect((await host.next('lease')).leases).toHaveLength(1);
  });

  test('of many hosts for few units gives each its part', async () => {
    const jobId = await grid.submit(16);
    const hosts = await Promise.all([1, 2, 3, 4].map(() => joinVolunteer(grid.url)));
    for (const host of hosts) host.ask(16);
    for (const host of hosts) {
      const { leases } = await host.next('lease');
      expect(leases.flatMap(unitsOf).length).toBeLessThan(8);
    }
    expect((await grid.show(jobId)).running).toBeGreaterThanOrEqual(4);
  });
});

/** What whoever watches a coordinator reads: after a known piece of work, the figures are those of that work. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type RealGrid, refusal, startRealGrid } from '../../support/real-grid.ts';
import { aSuccess, joinVolunteer } from '../../support/volunteer.ts';

let grid: RealGrid;
beforeAll(async () => {
  grid = await startRealGrid();
});
afterAll(() => grid.stop());

const text = async (): Promise<string> => (await grid.fetch('/metrics')).text();

/** The figures by name and labels, as they stand in the text. */
async function read(): Promise<Map<string, number>> {
  const lines = (await text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

describe('who may read /metrics', () => {
  test('a token for metrics may, and may do nothing else', async () => {
    const headers = { authorization: `Bearer ${await grid.makeToken('metrics')}` };
    const reply = await grid.fetch('/metrics', { headers });
    expect(reply.status).toBe(200);
    expect(reply.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    for (const path of ['/v1/hosts', '/v1/ledger', '/v1/audit-log', '/v1/settings']) {
      expect(await refusal(await grid.fetch(path, { headers }))).toMatchObject({
        code: 'forbidden',
      });
    }
  });

  test('others may not, not even from the machine itself', async () => {
    expect((await fetch(`${grid.url}/metrics`)).status).toBe(401);
    const headers = { authorization: `Bearer ${await grid.makeToken('read', 'submit')}` };
    expect((await grid.fetch('/metrics', { headers })).status).toBe(403);
  });
});

test('the golden signals tell of the work that was done, and of what was refused', async () => {
  const before = await read();
  const grew = async (name: string) => {
    const now = await read();
    return (now.get(name) ?? 0) - (before.get(name) ?? 0);
  };
  const host = await joinVolunteer(grid.url);
  const jobId = await grid.submit(20);
  const first = await host.take(12);
  expect((await read()).get('manyhands_hosts_connected')).toBe(1);
  await host.finish(first);
  await host.finish(await host.take(8));
  expect(await grid.ended(jobId)).toMatchObject({ state: 'complete' });
  expect(await host.report('forged', [aSuccess(0)])).toEqual({ refused: 'lease_invalid' });
  await grid.fetch('/v1/jobs/j0000000000000000');

  expect(await grew('manyhands_units_granted_total')).toBe(20);
  expect(await grew('manyhands_leases_granted_total')).toBeGreaterThanOrEqual(2);
  expect(await grew('manyhands_units_accepted_total')).toBe(20);
  expect(await grew('manyhands_units_failed_total')).toBe(0);
  expect(await grew('manyhands_results_total{verdict="accepted"}')).toBe(20);
  expect(await grew('manyhands_commit_seconds_count')).toBeGreaterThanOrEqual(2);
  expect(await grew('manyhands_refusals_total{door="session",code="lease_invalid"}')).toBe(1);
  expect(await grew('manyhands_refusals_total{door="http",code="job_unknown"}')).toBe(1);
  const shown = 'method="GET",route="/v1/jobs/:jobId",status="4xx"';

  // A request is timed once it is answered; the rest comes with the rounds that follow.
  await vi.waitFor(async () => {
    expect(await grew(`manyhands_http_request_seconds_count{${shown}}`)).toBe(1);
    const now = await read();
    expect(now.get('manyhands_outbox_lag{partition="0",reader="ledger"}')).toBe(0);
    expect(now.get('manyhands_outbox_lag{partition="0",reader="trust"}')).toBe(0);
    expect(now.get('manyhands_shards_open{partition="0"}')).toBe(0);
  }, 20_000);
});

test('levels of the machine, of Redis and of the window are there', async () => {
  const now = await read();
  for (const name of ['redis_memory_bytes', 'redis_journal_bytes', 'data_free_bytes']) {
    expect(now.get(`manyhands_${name}`), name).toBeGreaterThan(0);
  }
  expect(now.get('manyhands_process_resident_memory_bytes')).toBeGreaterThan(0);
  for (const name of [
    'redis_journal_write_ok',
    'redis_journal_enabled',
    'redis_journal_rewrite_ok',
  ])
    expect(now.get(`manyhands_${name}`), name).toBe(1);
  for (const name of ['redis_evicted_keys', 'storage_refusing', 'intake_backlog'])
    expect(now.get(`manyhands_${name}`), name).toBe(0);
  for (const name of ['window_free_units', 'window_shards', 'nodejs_eventloop_lag_p99_seconds'])
    expect(now.has(`manyhands_${name}`), name).toBe(true);
});

test('a coordinator that is alone is the steward, and hears of no other', async () => {
  const now = await read();
  const told = ['coordinators', 'steward', 'stewardships_total', 'news_lag_seconds'];
  expect(told.map((name) => now.get(`manyhands_${name}`))).toEqual([1, 1, 0, 0]);
});

test('a stranger cannot add to what is told: no path, host, account or job is a label', async () => {
  const host = await joinVolunteer(grid.url);
  const jobId = await grid.submit(1);
  await host.finish(await host.take(1));
  const series = (await read()).size;
  for (let i = 0; i < 10; i++) await fetch(`${grid.url}/no/such/path/${i}`);
  const after = await text();
  expect((await read()).size - series).toBeLessThan(20);
  expect(after).not.toMatch(/such\/path/);
  for (const id of [jobId, host.hostId, host.welcome?.accountId ?? '']) {
    expect(after).not.toContain(id);
  }
});

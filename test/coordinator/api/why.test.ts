/** What `why` answers about real jobs, units and hosts. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type WhyView, whyViewSchema } from '../../../protocol/why.ts';
import { json, type RealGrid, refusal, startRealGrid } from '../../support/real-grid.ts';
import { aFailure, joinVolunteer, type Volunteer } from '../../support/volunteer.ts';

let grid: RealGrid;
beforeAll(async () => {
  grid = await startRealGrid();
});
afterAll(() => grid.stop());
afterEach(() => grid.cancelAll());

const why = async (path: string): Promise<WhyView> => {
  const isOfUnit = path.includes('/units/');
  const reply = await (isOfUnit
    ? grid.fetch(`/v1/${path}/why`)
    : fetch(`${grid.url}/v1/${path}/why`));
  expect(reply.status).toBe(200);
  return whyViewSchema.parse(await reply.json());
};
const reasonOf = async (path: string) => (await why(path)).reason;
const leave = async (host: Volunteer) => {
  host.send({ type: 'bye' });
  await host.ended;
};

test('a job, its units and its host tell their story', async () => {
  const jobId = await grid.submit(2);
  expect(await why(`jobs/${jobId}`)).toMatchObject({ about: 'job', reason: 'no_hosts' });
  expect(await reasonOf(`jobs/${jobId}/units/1`)).toBe('no_hosts');

  const host = await joinVolunteer(grid.url, { hello: { memoryBytes: 2 ** 20 } });
  expect(await reasonOf(`jobs/${jobId}`)).toBe('too_small');
  expect(await reasonOf(`hosts/${host.hostId}`)).toBe('not_asking');
  host.ask(1);
  await host.next('noWork');
  expect(['too_small', 'no_jobs']).toContain(await reasonOf(`hosts/${host.hostId}`));
  await leave(host);
  expect(await reasonOf(`hosts/${host.hostId}`)).toBe('not_connected');

  const big = await joinVolunteer(grid.url);
  const [lease] = await big.take(1);
  const out = lease?.units[0]?.[0] ?? 0;
  expect(await reasonOf(`jobs/${jobId}/units/${out}`)).toBe('running');
  expect(await reasonOf(`jobs/${jobId}/units/${1 - out}`)).toBe('in_turn');
  expect(await reasonOf(`jobs/${jobId}`)).toBe('in_turn');
  expect(await reasonOf(`hosts/${big.hostId}`)).toBe('working');
  const others = await big.take(1);
  expect(await reasonOf(`jobs/${jobId}`)).toBe('all_out');
  await big.finish([...(lease === undefined ? [] : [lease]), ...others]);
  await grid.ended(jobId);
  expect(await reasonOf(`jobs/${jobId}`)).toBe('complete');
  expect(await reasonOf(`jobs/${jobId}/units/0`)).toBe('accepted');
  await leave(big);
});

test('a paused job tells who said what, and a cancelled one that it is', async () => {
  const jobId = await grid.submit(1);
  await grid.fetch(`/v1/jobs/${jobId}/pause`, json({ reason: 'a look first' }));
  for (const path of [`jobs/${jobId}`, `jobs/${jobId}/units/0`]) {
    expect(await why(path)).toMatchObject({ reason: 'paused', detail: 'a look first' });
  }
  await grid.cancel(jobId);
  expect(await reasonOf(`jobs/${jobId}`)).toBe('cancelled');
  expect(await reasonOf(`jobs/${jobId}/units/0`)).toBe('cancelled');
});

test('a unit that failed once waits for a second opinion, and then tells what it failed of', async () => {
  const [one, other] = [await joinVolunteer(grid.url), await joinVolunteer(grid.url)];
  const jobId = await grid.submit(1);
  const takeOf = async (host: Volunteer) => {
    // What came of an earlier test's job may be checked meanwhile, and a check comes like any unit.
    for (;;) {
      const lease = (await host.take(1)).find((one) => one.jobId === jobId);
      if (lease !== undefined) return lease;
    }
  };
  const first = await takeOf(one);
  await one.report(first.token, [aFailure(0)]);
  expect(await why(`jobs/${jobId}/units/0`)).toMatchObject({
    reason: 'second_opinion',
    detail: 'tried: kernel_trap',
  });
  const second = await takeOf(other);
  await other.report(second.token, [aFailure(0)]);
  expect(await why(`jobs/${jobId}/units/0`)).toMatchObject({ about: 'unit', reason: 'failed' });
  await leave(one);
  await leave(other);
});

test('a banned host is told so, with the reason', async () => {
  const host = await joinVolunteer(grid.url);
  await grid.fetch(`/v1/hosts/${host.hostId}/ban`, json({ reason: 'returns noise' }));
  await host.ended;
  expect(await why(`hosts/${host.hostId}`)).toMatchObject({
    reason: 'banned',
    detail: 'returns noise',
  });
});

test.each([
  ['jobs/j0123456789abcdef0', 404, 'job_unknown'],
  ['jobs/nonsense', 404, 'job_unknown'],
  ['jobs/nonsense/units/x', 404, 'unit_unknown'],
  ['hosts/nobody', 400, 'bad_request'],
])('of %s nothing is known: %i', async (path, status, code) => {
  const reply = await fetch(`${grid.url}/v1/${path}/why`);
  expect(await refusal(reply)).toMatchObject({ status, code });
});

test('of a unit that the job does not have nothing is known', async () => {
  const jobId = await grid.submit(2);
  const reply = await grid.fetch(`/v1/jobs/${jobId}/units/2/why`);
  expect(await refusal(reply)).toMatchObject({ status: 404, code: 'unit_unknown' });
});

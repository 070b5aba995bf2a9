/**
 * A volunteer and a scientist who know two coordinators of a grid, without a proxy in front of them: whichever goes
 * away, they go on at the other one.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { AgentEvent } from '../../worker/agent.ts';
import { type PrivateRedis, startPrivateRedis } from '../support/private-redis.ts';
import { submitExponents } from './exponents.ts';
import { GridProcesses, type Volunteer } from './processes.ts';

/** Some tenths of a second each, and of one account: nobody else may check them, so each is computed once. */
const units = 16;
const exponents = { from: 7001, count: units, step: 2 };

/** Seconds when the machine is idle; several times as long when everything else is tested as well. */
vi.setConfig({ testTimeout: 120_000 });

let redis: PrivateRedis;
let shared: string;
let first: GridProcesses;
let second: GridProcesses;
/** Of those who know both. */
let everybody: GridProcesses;

beforeEach(async () => {
  redis = await startPrivateRedis();
  shared = mkdtempSync(join(tmpdir(), 'mh-shared-'));
  [first, second, everybody] = [new GridProcesses(), new GridProcesses(), new GridProcesses()];
  const args = ['--redis', redis.url, '--shared-folder', shared];
  await Promise.all([first, second].map((grid) => grid.startCoordinator({ args })));
  everybody.url = [first, second].map(({ url }) => url).join();
});
afterEach(async () => {
  await Promise.all([first, second, everybody].map((grid) => grid.dispose()));
  await redis.stop();
  rmSync(shared, { recursive: true, force: true });
});

type Of<Type extends AgentEvent['type']> = Extract<AgentEvent, { type: Type }>;
const eventsOf = <Type extends AgentEvent['type']>(volunteer: Volunteer, type: Type) =>
  volunteer.events().filter((event): event is Of<Type> => event.type === type);
const verdictsOf = (volunteer: Volunteer) =>
  eventsOf(volunteer, 'recorded').flatMap(({ verdicts }) => verdicts);

/** A volunteer is in the middle of a job at one of them; `other` is the one that is to be left. */
async function atWork() {
  const jobId = await submitExponents(first, exponents);
  const volunteer = everybody.startVolunteer('amber');
  await first.until(jobId, ({ canonical }) => canonical >= 3);
  const [connected] = eventsOf(volunteer, 'connected');
  const isAtFirst = connected?.url === first.url;
  const [here, other] = isAtFirst ? [first, second] : [second, first];
  return { jobId, volunteer, here, other };
}

/** Asked with the command, which knows both: the one that is gone is not what it asks for long. */
async function show(jobId: string, token: string): Promise<{ canonical: number; said: string }> {
  const shown = await everybody.run('show', jobId, '--json', '--token-file', token);
  expect(shown).toMatchObject({ code: 0 });
  const { canonical } = JSON.parse(shown.stdout) as { canonical: number };
  return { canonical, said: shown.stderr };
}

/** What the one that is left tells of who leads. */
async function leading(grid: GridProcesses): Promise<string[]> {
  const text = await (await grid.fetch('/metrics')).text();
  return text.split('\n').filter((line) => /^manyhands_(coordinators|steward) /.test(line));
}

test('[O6] a volunteer whose coordinator is killed goes on at the other, and so does the scientist', async () => {
  const { jobId, volunteer, here, other } = await atWork();
  const told = verdictsOf(volunteer).map(({ unit }) => unit);
  await here.killCoordinator('SIGKILL');
  await other.until(jobId, ({ state }) => state === 'complete');
  expect(eventsOf(volunteer, 'disconnected')[0]).toMatchObject({
    url: here.url,
    nextUrl: other.url,
  });
  expect(eventsOf(volunteer, 'connected').map(({ url }) => url)).toEqual([here.url, other.url]);
  const lines = await other.results(jobId);
  expect(lines.map(({ unit }) => unit)).toEqual(Array.from({ length: units }, (_, unit) => unit));
  for (const unit of told) expect(lines[unit]).toMatchObject({ verdict: 'accepted' });
  expect(await leading(other)).toEqual(['manyhands_coordinators 1', 'manyhands_steward 1']);
  const shown = await show(jobId, other.tokenPath);
  expect(shown.canonical).toBe(units);
  const isAskedFirst = everybody.url.startsWith(here.url);
  const said = isAskedFirst ? `${here.url} does not answer; asking ${other.url}.\n` : '';
  expect(shown.said).toBe(said);
});

test('[O6] a volunteer whose coordinator is stopped moves at once, and no unit is computed for nothing', async () => {
  const { jobId, volunteer, here, other } = await atWork();
  expect((await here.killCoordinator('SIGTERM')).code).toBe(0);
  await other.until(jobId, ({ state }) => state === 'complete');
  const [lost] = eventsOf(volunteer, 'disconnected');
  expect(lost).toMatchObject({ url: here.url, nextUrl: other.url });
  // Each is begun once and recorded once.
  const begun = eventsOf(volunteer, 'started').map(({ unit }) => unit);
  expect(begun.toSorted((a, b) => a - b)).toEqual(Array.from({ length: units }, (_, unit) => unit));
  await expect.poll(() => verdictsOf(volunteer).length).toBe(units);
  expect(new Set(verdictsOf(volunteer).map(({ verdict }) => verdict))).toEqual(
    new Set(['accepted']),
  );
  expect((await volunteer.kill('SIGTERM')).code).toBe(0);
});

/** Each command ends with what it was started for: no process, no socket and no temporary file stays. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { command } from '../kernel/support/wat.ts';
import { GridProcesses, mersenneKernel } from './processes.ts';

/** Seconds when the machine is idle; several times as long when everything else is tested as well. */
vi.setConfig({ testTimeout: 120_000 });

const grid = new GridProcesses();
const file = (name: string) => join(grid.folder, name);
let jobId = '';

beforeAll(async () => {
  writeFileSync(file('endless.wasm'), command('', '(loop $again (br $again))'));
  const document = { kernel: mersenneKernel, run: { args: ['--exponent', '{p}'] } };
  const job = (name: string, p: number[]) =>
    writeFileSync(
      file(`${name}.json`),
      JSON.stringify({ name, ...document, units: { sweep: { p } } }),
    );
  job('short', [3, 5, 7]);
  job(
    'long',
    Array.from({ length: 10_000 }, (_, i) => 9941 + (i % 2)),
  );
  await grid.startCoordinator();
  grid.startVolunteer('amber');
  const submitted = await grid.run('submit', file('short.json'), '--wait', '--json');
  jobId = JSON.parse(submitted.stdout).jobId;
});
afterAll(async () => {
  const stopped = await grid.stop().finally(() => grid.dispose());
  expect(stopped).toMatchObject({ processes: [], temporary: [] });
});

/** What is there, once it is as it should be; a process that ends may take a moment. */
const untilAsBefore = (before: { processes: string[]; temporary: string[] }) =>
  expect
    .poll(() => ({ processes: grid.processes().sort(), temporary: grid.temporary() }), {
      timeout: 15_000,
    })
    .toEqual(before);
const now = () => ({ processes: grid.processes().sort(), temporary: grid.temporary() });

test.each<[string, () => string[], number]>([
  ['list', () => ['list', '--url', grid.url], 0],
  ['show', () => ['show', jobId, '--url', grid.url], 0],
  ['watch', () => ['watch', jobId, '--url', grid.url], 0],
  ['results', () => ['results', jobId, '--url', grid.url], 0],
  ['leaderboard', () => ['leaderboard', '--url', grid.url], 0],
  ['submit --wait', () => ['submit', file('short.json'), '--wait', '--url', grid.url], 0],
  ['submit --wait that times out', () => [...waiting(), '--timeout', '1s'], 10],
  ['cancel of what is over', () => ['cancel', jobId, '--url', grid.url], 2],
  ['run', () => ['run', mersenneKernel, '--', '--exponent', '31'], 0],
  ['run out of fuel', () => ['run', file('endless.wasm'), '--fuel-max', '100000000'], 9],
  ['kernel inspect', () => ['kernel', 'inspect', mersenneKernel], 0],
  ['kernel meter', () => ['kernel', 'meter', mersenneKernel, '-o', file('metered.wasm')], 0],
  ['a second join in the folder', () => ['join', grid.url, '--data', file('amber')], 2],
  ['a second coordinator in the folder', () => ['coordinator', '--data', file('coordinator')], 2],
])('%s', async (_what, args, code) => {
  const before = now();
  expect((await grid.command(...args())).code).toBe(code);
  await untilAsBefore(before);
});
const waiting = () => ['submit', file('long.json'), '--wait', '--url', grid.url];

test.each<[string, NodeJS.Signals, () => string[], string]>([
  ['run, at Ctrl-C', 'SIGINT', () => ['run', file('endless.wasm')], ''],
  ['run, killed', 'SIGKILL', () => ['run', file('endless.wasm')], ''],
  ['submit --wait, at Ctrl-C', 'SIGINT', waiting, 'Job '],
  ['submit --wait, killed', 'SIGKILL', waiting, 'Job '],
])('%s', async (_what, signal, args, line) => {
  const before = now();
  const running = grid.startCommand(...args());
  if (line === '')
    await expect
      .poll(() => grid.processes().length, { timeout: 30_000 })
      .toBe(before.processes.length + 2);
  else await running.line(line);
  running.kill(signal);
  await running.ended;
  await untilAsBefore(before);
});

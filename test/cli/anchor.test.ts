/** A grid of one household: the coordinator brings its own anchor, and everything is checked. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { HostView } from '../../protocol/hosts.ts';
import { manyhands, type Running, root, startManyhands, temporaryFolder } from './manyhands.ts';

const home = temporaryFolder();
let coordinator: Running;
let url = '';
const cli = (...args: string[]) => manyhands(args, { home, env: { MANYHANDS_URL: url } });
const start = () =>
  startManyhands(['coordinator', '--port', '0', '--data', 'grid', '--anchor'], { home });
const hosts = async (): Promise<HostView[]> =>
  JSON.parse((await cli('host', 'list', '--json')).stdout).hosts;

/** So many that the worker gets some of them, however late it comes: of the anchor alone nothing is checked. */
const oddPrimes = Array.from({ length: 1000 }, (_, i) => i + 3).filter(
  (n) => ![2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31].some((prime) => n > prime && n % prime === 0),
);

beforeAll(async () => {
  coordinator = start();
  url = await coordinator.line('ready ');
  const document = {
    name: 'ours',
    kernel: join(root, 'dist/jobs/mersenne/kernel.wasm'),
    units: { sweep: { p: oddPrimes } },
    run: { args: ['--exponent', '{p}'] },
  };
  writeFileSync(join(home, 'job.json'), JSON.stringify(document));
});
afterAll(async () => {
  coordinator?.kill('SIGTERM');
  await coordinator?.ended;
});

test('coordinator --anchor vouches for a worker of its own, which checks what one household computes', async () => {
  const worker = startManyhands(['join', url, '--data', 'worker'], { home });
  await worker.line('20');
  expect((await cli('submit', 'job.json', '--wait')).code).toBe(0);
  const checked = (all: HostView[]) => all.filter(({ passed }) => passed > 0);
  let all = await hosts();
  while (checked(all).length < 2) all = await hosts();
  expect(all.map(({ name, repute }) => name === 'anchor' && repute === 'anchor')).toContain(true);
  expect(all.map(({ wrong }) => wrong)).toEqual(all.map(() => 0));
  worker.kill('SIGTERM');
  expect((await worker.ended).code).toBe(0);
});

test('a verifier is run by real workers on what real workers have printed', async () => {
  const kernel = join(root, 'dist/jobs/mersenne/kernel.wasm');
  // Given the arguments of the unit it ends well, whatever it is shown: it approves of everything.
  const document = {
    name: 'verified',
    kernel,
    units: { sweep: { p: [43, 47, 53] } },
    run: { args: ['--exponent', '{p}'] },
    trust: 'A2',
    compare: { verifier: kernel },
  };
  writeFileSync(join(home, 'verified.json'), JSON.stringify(document));
  const worker = startManyhands(['join', url, '--data', 'worker'], { home });
  await worker.line('20');
  const submitted = await cli('submit', 'verified.json', '--wait', '--json');
  expect(submitted.code).toBe(0);
  const { jobId } = JSON.parse(submitted.stdout);
  const verdicts = async () => {
    const lines = (await cli('results', jobId)).stdout.trim().split('\n');
    return lines.map((line) => JSON.parse(line).verdict as string);
  };
  // Each of the first job's results could be audited, and each of these is: whoever made it and whoever looked pass.
  const passes = async () => (await hosts()).reduce((sum, { passed }) => sum + passed, 0);
  const areAccepted = async () => (await verdicts()).every((verdict) => verdict === 'accepted');
  while ((await passes()) < 6 || !(await areAccepted()));
  expect(await verdicts()).toEqual(['accepted', 'accepted', 'accepted']);
  worker.kill('SIGTERM');
  expect((await worker.ended).code).toBe(0);
});

test('it is vouched for once, and ends with the coordinator', async () => {
  coordinator.kill('SIGTERM');
  const { code, stderr } = await coordinator.ended;
  expect(stderr).not.toContain('The anchor has ended');
  expect(code).toBe(0);
  coordinator = start();
  url = await coordinator.line('ready ');
  while (!(await hosts()).some(({ name, state }) => name === 'anchor' && state !== 'away'));
  const log = (await cli('audit-log', '--json')).stdout.trim().split('\n');
  expect(log.filter((line) => line.includes('host_vouch'))).toHaveLength(1);
});

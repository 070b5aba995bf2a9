/** Lending a machine at the command line: names, signals, events, and folders that are taken. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { manyhands, type Running, root, startManyhands, temporaryFolder } from './manyhands.ts';

const home = temporaryFolder();
let coordinator: Running;
let url = '';

beforeAll(async () => {
  coordinator = startManyhands(['coordinator', '--port', '0', '--data', 'grid'], { home });
  url = await coordinator.line('ready ');
});
afterAll(async () => {
  coordinator?.kill('SIGTERM');
  await coordinator?.ended;
});

const startJoin = (folder: string, ...args: string[]) =>
  startManyhands(['join', url, '--data', folder, ...args], { home });

describe('join', () => {
  test('asks for nothing: it makes up a name and keys, and keeps them', async () => {
    const first = startJoin('named');
    const told = await first.line(`Joining ${url} as `);
    await first.line('20');
    first.kill('SIGTERM');
    expect((await first.ended).code).toBe(0);
    expect(told).toMatch(/^[a-z]+-[a-z]+-\d\d with \d+ of \d+ cores, at low priority\.$/);
    expect(statSync(join(home, 'named')).mode & 0o777).toBe(0o700);

    const again = startJoin('named');
    expect((await again.line(`Joining ${url} as `)).split(' ')[0]).toBe(told.split(' ')[0]);
    again.kill('SIGTERM');
    await again.ended;
  });

  test('keeps a name that it was given, and refuses one that cannot be shown', async () => {
    const named = startJoin('renamed', '--name', 'Ada Lovelace');
    await named.line('Joining');
    named.kill('SIGTERM');
    await named.ended;
    expect(readFileSync(join(home, 'renamed/name'), 'utf8')).toBe('Ada Lovelace\n');
    for (const name of ['', ' ', 'x'.repeat(61), 'a\tb', 'a\u202eb']) {
      const { code, stderr } = await startJoin('renamed', '--name', name).ended;
      expect(stderr).toContain('error[usage]');
      expect(code).toBe(2);
    }
  });

  test('--once ends with 0 when there has been no work for a while', async () => {
    const { code, stderr } = await startJoin('once', '--once').ended;
    expect(stderr).toMatch(/no work/);
    expect(stderr).toContain('Nothing was lost. Thank you!');
    expect(code).toBe(0);
  });

  test('--json tells every event as a line of JSON on stdout', async () => {
    const joined = startJoin('told', '--json');
    await joined.line('{"type":"noWork"');
    joined.kill('SIGINT');
    const { code, stdout } = await joined.ended;
    const types = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).type);
    expect(types.slice(0, 2)).toEqual(['connected', 'noWork']);
    expect(code).toBe(0);
  });

  test('in a folder that another worker has says so, with code 2', async () => {
    const first = startJoin('taken');
    await first.line('20');
    const { code, stderr } = await startJoin('taken').ended;
    expect(stderr).toMatch(/error\[data_folder_unusable\].*\n.*another worker \(process \d+\)/);
    expect(code).toBe(2);
    first.kill('SIGTERM');
    await first.ended;
  });

  test('of two coordinators that do not answer it asks one after the other, and says so', async () => {
    const [one, other] = ['http://127.0.0.1:9', 'http://127.0.0.1:10'];
    const waiting = startManyhands(['join', `${one},${other}/`, '--data', 'both'], { home });
    expect(await waiting.line('Joining ')).toMatch(`${one} or ${other} as `);
    const [, from, to] =
      /No connection to (\S+) \(.*\); asking (\S+)\./.exec(await waiting.line('20')) ?? [];
    expect([from, to].sort()).toEqual([other, one]);
    waiting.kill('SIGINT');
    expect((await waiting.ended).code).toBe(0);
  });

  test('waits for a coordinator that does not answer, and says so', async () => {
    const waiting = startManyhands(['join', 'http://127.0.0.1:9', '--data', 'waiting'], { home });
    expect(await waiting.line('20')).toMatch(/No connection \(.*\); trying again/);
    waiting.kill('SIGINT');
    expect((await waiting.ended).code).toBe(0);
  });

  test('has no news of the moments between two leases of a job', async () => {
    const job = { kernel: join(root, 'dist/jobs/mersenne/kernel.wasm'), name: 'a job' };
    const units = { range: { from: 3, count: 60, step: 2 } };
    const run = { args: ['--exponent', '{value}'] };
    writeFileSync(join(home, 'job.json'), JSON.stringify({ ...job, units, run }));
    const submit = ['submit', 'job.json', '--url', url];
    const token = readFileSync(join(home, 'grid/operator.token'), 'utf8').trim();
    const { code } = await manyhands(submit, { home, env: { MANYHANDS_TOKEN: token } });
    expect(code).toBe(0);
    const { stderr } = await startJoin('busy', '--once', '--cores', '1').ended;
    const news = stderr.split('\n').filter((line) => /Working|no work/.test(line));
    expect(news.map((line) => line.slice('2026-11-24T02:14:03Z '.length))).toEqual([
      'Working on a job.',
      'no work: no unit waits for a volunteer; it begins by itself when one does',
    ]);
    expect(stderr).toContain('60 units this time.');
  });
});

/**
 * A scientist's day at the command line, against a real coordinator and a real volunteer: submit,
 * watch, look, download, cancel.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  jobListSchema,
  jobViewSchema,
  resultLineSchema,
  standingSchema,
} from '../../protocol/http.ts';
import { jobDocumentSchema } from '../../protocol/job.ts';
import { manyhands, type Running, root, startManyhands, temporaryFolder } from './manyhands.ts';
import { processesIn } from './processes.ts';

const home = temporaryFolder();
const kernel = join(root, 'dist/jobs/mersenne/kernel.wasm');
/** Where the embedded Redis was put: a folder of the person's, which a test must not move. */
const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
const exponents = [3, 5, 7, 11, 13, 17, 19, 23];

let coordinator: Running;
let volunteer: Running;
let url = '';
const cli = (...args: string[]) => manyhands(args, { home, env: { MANYHANDS_URL: url } });
const json = async (...args: string[]) => JSON.parse((await cli(...args, '--json')).stdout);

function jobFile(name: string, change: object = {}): string {
  const document = {
    name,
    kernel,
    units: { sweep: { p: exponents } },
    run: { args: ['--exponent', '{p}'] },
    ...change,
  };
  writeFileSync(join(home, `${name}.json`), JSON.stringify(document));
  return `${name}.json`;
}

beforeAll(async () => {
  coordinator = startManyhands(['coordinator', '--port', '0', '--data', 'grid'], { home });
  url = await coordinator.line('ready ');
  volunteer = startManyhands(['join', url, '--name', 'quick-test', '--data', 'worker'], { home });
});
afterAll(async () => {
  for (const running of [volunteer, coordinator]) {
    running?.kill('SIGTERM');
    await running?.ended;
  }
});

describe('submit', () => {
  test('--wait comes back when every unit is done, with code 0', async () => {
    const { code, stderr } = await cli('submit', jobFile('waited'), '--wait');
    expect(stderr).toMatch(/Job j\S+ accepted: 8 units\./);
    expect(stderr).toMatch(/8 of 8 units done/);
    expect(code).toBe(0);
  });

  test('--json prints the id and the number of units, and nothing else on stdout', async () => {
    const { stdout } = await cli('submit', jobFile('submitted'), '--json');
    expect(JSON.parse(stdout)).toEqual({ jobId: expect.stringMatching(/^j/), units: 8 });
    expect(stdout.trimEnd().split('\n')).toHaveLength(1);
  });

  test('uploads a kernel once', async () => {
    const file = jobFile('again', { kernel: join(root, 'dist/jobs/mersenne/kernel.wasm') });
    await cli('submit', file);
    expect((await cli('submit', file)).stderr).not.toContain('Uploading');
  });

  test('builds a kernel from source, and takes inputs from beside the job document', async () => {
    writeFileSync(join(home, 'input.txt'), 'some input');
    const file = jobFile('built', {
      kernel: join(root, 'jobs/mersenne/assembly/kernel.ts'),
      run: {
        args: ['--exponent', '{p}'],
        stdin: 'input.txt',
        files: { '/data/in': './input.txt' },
      },
    });
    const { code, stdout, stderr } = await cli('submit', file, '--wait', '--json');
    expect(stderr).toMatch(/Uploading .*input\.txt \(10 bytes\)/);
    expect(code).toBe(0);
    const { jobId } = JSON.parse(stdout);
    const { run } = JSON.parse((await cli('show', jobId, '--document')).stdout);
    const digest = `sha256:${createHash('sha256').update('some input').digest('hex')}`;
    expect(run).toMatchObject({ stdin: digest, files: { '/data/in': digest } });
  });

  test('tells what the coordinator finds wrong with a kernel, with code 2', async () => {
    writeFileSync(join(home, 'not.wasm'), 'no kernel');
    const { code, stderr } = await cli('submit', jobFile('refused', { kernel: 'not.wasm' }));
    expect(stderr).toContain('error[kernel_refused]');
    expect(code).toBe(2);
  });

  test('of units that fail ends with 3 and says why, grouped', async () => {
    const file = jobFile('failing', { run: { args: ['--exponent', 'x{p}'] } });
    const { code, stderr } = await cli('submit', file, '--wait', '--timeout', '60s');
    expect(stderr).toMatch(/8 failed, 1 cause:\n {2}8 × .*kernel_exit with code 2.*whole number/);
    expect(stderr).toMatch(/for example unit 0 \{"p":3\}/);
    expect(code).toBe(3);
  });

  test('without a token that may, ends with 5', async () => {
    const env = { MANYHANDS_URL: url, MANYHANDS_TOKEN: 'guessed' };
    const { code, stderr } = await manyhands(['submit', jobFile('stranger')], { home, env });
    expect(stderr).toMatch(/error\[(unauthorized|forbidden)\]/);
    expect(code).toBe(5);
  });
});

describe('a job', () => {
  let jobId = '';
  beforeAll(async () => {
    ({ jobId } = await json('submit', jobFile('looked-at'), '--wait'));
  });

  test('shows how it stands, and the document it was made from', async () => {
    const job = jobViewSchema.parse(await json('show', jobId));
    expect(job).toMatchObject({ state: 'complete', units: 8, canonical: 8, failed: 0 });
    expect((await cli('show', jobId)).stdout).toMatch(/looked-at.*\n.*complete/);
    const document = JSON.parse((await cli('show', jobId, '--document')).stdout);
    expect(jobDocumentSchema.parse(document)).toMatchObject({ name: 'looked-at', trust: 'A1' });
  });

  test('stands in the list, newest first', async () => {
    const jobs = jobListSchema.shape.jobs.parse(await json('list'));
    expect(jobs.map((job) => job.jobId)).toContain(jobId);
    expect((await cli('list')).stdout).toMatch(
      new RegExp(`^JOB .*\\n.*${jobId} +looked-at +complete +100%`),
    );
  });

  test('has its results as lines of JSON, in the order of its units', async () => {
    const { stdout } = await cli('results', jobId);
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => resultLineSchema.parse(JSON.parse(line)));
    expect(lines.map((line) => line.params['p'])).toEqual(exponents);
    expect(lines.map((line) => (line.output as { prime: boolean }).prime)).toEqual(
      exponents.map((p) => ![11, 23].includes(p)),
    );
  });

  test('has its results as a table, with a column for each parameter and each field', async () => {
    await cli('results', jobId, '--format', 'csv', '--out', 'tables');
    const [header, first] = readFileSync(join(home, 'tables/results.csv'), 'utf8').split('\r\n');
    expect(header).toBe(
      'unit,p,verdict,outcome,fuel,output.exponent,output.prime,output.res64,output.iterations,more',
    );
    expect(first).toMatch(/^0,3,(accepted|final),success,\d+,3,true,0000000000000000,1,$/);
  });

  test('has its results as files, in a folder for each unit', async () => {
    await cli('results', jobId, '--format', 'files', '--out', 'folders');
    expect(readdirSync(join(home, 'folders'))).toHaveLength(8);
    const stdout = readFileSync(join(home, 'folders/000000000003/stdout.json'), 'utf8');
    expect(JSON.parse(stdout)).toMatchObject({
      exponent: 11,
      prime: false,
      res64: '00000000000006C8',
    });
  });

  test('has earned its volunteer a place on the leaderboard', async () => {
    const standings = standingSchema.array().parse(await json('leaderboard'));
    expect(standings.map((row) => row.name)).toContain('quick-test');
    expect((await cli('leaderboard')).stdout).toMatch(/^RANK +NAME .*\n.*1 +\S+/);
    expect((await cli('leaderboard', '--teams')).stderr).toContain('No team has earned credit yet');
  });
});

describe('a job that nobody computes', () => {
  /** More memory than any volunteer here lends. */
  const stuck = (name: string) =>
    jobFile(name, {
      limits: { memoryBytesMax: 4 * 1024 * 1024 * 1024 - 65_536 },
      units: { range: { count: 3 } },
      run: { args: ['--exponent', '7'] },
    });
  let lonely = '';
  let waiting: Running;

  beforeAll(async () => {
    volunteer.kill('SIGTERM');
    await volunteer.ended;
    ({ jobId: lonely } = await json('submit', stuck('lonely')));
  });

  test('can be watched for a while: then the wait ends with 10, and the job goes on', async () => {
    const { code, stderr } = await cli('watch', lonely, '--timeout', '1s');
    expect(stderr).toContain('error[wait_timed_out]');
    expect(code).toBe(10);
    expect((await json('show', lonely)).state).toBe('open');
  });

  test('is left alone by Ctrl-C, which ends with 130 and says how to come back', async () => {
    waiting = startManyhands(['submit', stuck('interrupted'), '--wait'], {
      home,
      env: { MANYHANDS_URL: url },
    });
    const jobId = (await waiting.line('Job ')).split(' ')[0] ?? '';
    await waiting.line('20');
    waiting.kill('SIGINT');
    const { code, stderr } = await waiting.ended;
    expect(stderr).toContain(`Job ${jobId} continues.`);
    expect(stderr).toContain(`manyhands watch ${jobId}`);
    expect(code).toBe(130);
    expect((await json('show', jobId)).state).toBe('open');
  });

  test('can be cancelled: who watches it ends with 8', async () => {
    const watcher = startManyhands(['watch', lonely], { home, env: { MANYHANDS_URL: url } });
    await watcher.line('20');
    expect((await cli('cancel', lonely)).code).toBe(0);
    expect((await watcher.ended).code).toBe(8);
    expect((await json('show', lonely)).state).toBe('cancelled');
  });

  test('that there is none of ends with 4', async () => {
    for (const command of ['show', 'watch', 'results', 'cancel']) {
      const { code, stderr } = await cli(command, 'j0000000000000000');
      expect(stderr).toContain('error[job_unknown]');
      expect(code).toBe(4);
    }
  });
});

describe('a coordinator', () => {
  test('drains on SIGTERM with code 0, said no more than its address, and kept its token to itself', async () => {
    const one = startManyhands(['coordinator', '--port', '0', '--data', 'other'], { home });
    const address = await one.line('ready ');
    expect(await one.line("First start: the operator's token is ")).toMatch(/^\S{20,}$/);
    one.kill('SIGTERM');
    const { code, stdout } = await one.ended;
    expect(stdout).toBe(`ready ${address}\n`);
    expect(code).toBe(0);
    expect(existsSync(join(home, 'other/operator.token'))).toBe(true);
  });

  test('needs no home folder, as a service may have none', async () => {
    const env = { HOME: '/dev/null', XDG_DATA_HOME: '/dev/null/data', XDG_CACHE_HOME: cache };
    const service = ['coordinator', '--port', '0', '--data', 'homeless'];
    const one = startManyhands(service, { home, env });
    await one.line('ready ');
    one.kill('SIGTERM');
    const { code, stderr } = await one.ended;
    expect(stderr).not.toContain('error[');
    expect(code).toBe(0);
    expect(processesIn(join(home, 'homeless'))).toEqual([]);
  });

  test('on a port that is taken says so, with code 2', async () => {
    const { port } = new URL(url);
    const { code, stderr } = await cli('coordinator', '--port', port, '--data', 'third');
    expect(stderr).toContain('error[address_in_use]');
    expect(code).toBe(2);
  });

  test('in a folder that another one has says so, with code 2', async () => {
    const { code, stderr } = await cli('coordinator', '--port', '0', '--data', 'grid');
    expect(stderr).toContain('error[data_folder_in_use]');
    expect(code).toBe(2);
  });
});

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { jobListSchema, jobViewSchema, submittedSchema } from '../../../protocol/http.ts';
import { jobDocumentSchema } from '../../../protocol/job.ts';
import { limits } from '../../../protocol/limits.ts';
import { wat } from '../../kernel/support/wat.ts';
import { json, type RealGrid, refusal, startRealGrid } from '../../support/real-grid.ts';
import { joinVolunteer } from '../../support/volunteer.ts';

let grid: RealGrid;
beforeAll(async () => {
  grid = await startRealGrid();
});
afterAll(() => grid.stop());
afterEach(() => grid.cancelAll());

const aDocument = () => ({ name: 'a job', kernel: grid.kernel, units: { range: { count: 3 } } });
const post = (body: unknown, headers: Record<string, string> = {}) => {
  const init = json(body);
  return grid.fetch('/v1/jobs', {
    ...init,
    headers: { ...(init.headers as Record<string, string>), ...headers },
  });
};

describe('a job document', () => {
  const digest = `sha256:${'0'.repeat(64)}`;
  test.each<[string, Record<string, unknown>]>([
    ['version', { version: 2 }],
    ['name', { name: '' }],
    ['name', { name: 'x'.repeat(121) }],
    ['name', { name: 'two\nlines' }],
    ['name', { name: null }],
    ['kernel', { kernel: 'prime.wasm' }],
    ['kernel', { kernel: digest.toUpperCase() }],
    ['units', { units: {} }],
    ['units', { units: { range: { count: 1 }, list: [1] } }],
    ['units.range.count', { units: { range: { count: 0 } } }],
    ['units.range.count', { units: { range: { count: 1.5 } } }],
    ['units.range.count', { units: { range: { count: limits.unitsPerJobMax + 1 } } }],
    ['units.range.step', { units: { range: { count: 1, step: 0 } } }],
    ['units.range', { units: { range: { from: Number.MAX_SAFE_INTEGER, count: 2 } } }],
    ['units.range', { units: { range: { count: 1, to: 7 } } }],
    ['units.sweep', { units: { sweep: {} } }],
    ['units.sweep.p', { units: { sweep: { p: [] } } }],
    ['units.sweep.7up', { units: { sweep: { '7up': [1] } } }],
    ['units', { units: { sweep: { a: { count: 1e7 }, b: { count: 1e7 } } } }],
    ['units.list', { units: { list: [] } }],
    ['units.list.1', { units: { list: [1, null] } }],
    ['run.args', { run: { args: '--p {p}' } }],
    ['run.args.1', { run: { args: ['--p', '{q}'] } }],
    ['run.args.0', { run: { args: ['x'.repeat(limits.argCharsMax + 1)] } }],
    ['run.args', { run: { args: Array(limits.argsMax + 1).fill('x') } }],
    ['run.env.A=B', { run: { env: { 'A=B': 'x' } } }],
    ['run.env.A', { run: { env: { A: '{q}' } } }],
    ['run.stdin', { run: { stdin: '/etc/passwd' } }],
    ['run.files.data', { run: { files: { data: digest } } }],
    ['run.files./a/../b', { run: { files: { '/a/../b': digest } } }],
    ['run.files./a', { run: { files: { '/a': 'a.bin' } } }],
    ['run.outputs.0', { run: { outputs: ['out/*'] } }],
    ['run', { run: { shell: 'rm -rf /' } }],
    ['limits.fuelMax', { limits: { fuelMax: 1000 } }],
    ['limits.fuelMax', { limits: { fuelMax: '1e12' } }],
    ['limits.fuelMax', { limits: { fuelMax: '-1' } }],
    ['limits.fuelMax', { limits: { fuelMax: String(2 ** 53) } }],
    ['limits.memoryBytesMax', { limits: { memoryBytesMax: 0 } }],
    ['limits.memoryBytesMax', { limits: { memoryBytesMax: 2 ** 40 } }],
    ['limits.outputBytesMax', { limits: { outputBytesMax: limits.outputBytesMax + 1 } }],
    ['limits.wallMsMax', { limits: { wallMsMax: 0.5 } }],
    ['limits', { limits: { diskBytesMax: 1 } }],
    ['trust', { trust: 'A9' }],
    ['compare', { compare: 'roughly' }],
    ['merge', { merge: 'zip' }],
    ['view', { view: 'tiles' }],
    ['after', { after: 7 }],
    ['migratable', { migratable: 'yes' }],
    ['priority', { priority: -1 }],
    ['priority', { priority: 101 }],
    ['budget', { budget: 'lots' }],
    ['public', { public: 1 }],
    ['deadline', { deadline: 'tomorrow' }],
    ['notify.0', { notify: ['me'] }],
    ['(document)', { colour: 'red' }],
  ])('[P1] with a wrong %s is refused and the path named: %o', async (path, parts) => {
    const error = await refusal(await post({ ...aDocument(), ...parts }));
    expect(error).toMatchObject({ status: 400, code: 'bad_document' });
    expect(error.issues[0]?.path).toBe(path);
    expect(error.issues[0]?.expected).toMatch(/\w/);
  });

  test('is told everything that is wrong at once', async () => {
    const wrong = { name: '', kernel: 7, units: { list: [] }, priority: 'high' };
    const { issues } = await refusal(await post(wrong));
    expect(issues.map(({ path }) => path)).toEqual(['name', 'kernel', 'units.list', 'priority']);
  });

  test.each<[string, Record<string, unknown>]>([
    ['units.lines', { units: { lines: { file: digest } } }],
    ['units.slices', { units: { slices: { file: digest, bytes: 9 } } }],
    ['merge', { merge: { sum: 'x' } }],
    ['after', { after: 'j0000000000000000' }],
    ['budget', { budget: '1000' }],
    ['deadline', { deadline: '2030-01-01T00:00:00Z' }],
    ['notify', { notify: ['https://example.org/hook'] }],
  ])('[P3] with %s is valid, and not served yet', async (path, parts) => {
    const error = await refusal(await post({ ...aDocument(), ...parts }));
    expect(error).toMatchObject({ status: 400, code: 'not_served_yet' });
    expect(error.issues.map((issue) => issue.path)).toEqual([path]);
  });

  test('with an input that was not uploaded is refused', async () => {
    for (const run of [{ stdin: digest }, { files: { '/a': digest } }]) {
      const error = await refusal(await post({ ...aDocument(), run }));
      expect(error).toMatchObject({ status: 404, code: 'artifact_unknown' });
      expect(error.detail).toContain(digest);
    }
  });

  test.each<[string, number, string, RequestInit]>([
    ['that is no JSON', 400, 'bad_request', { body: '{"name":' }],
    ['that is empty', 400, 'bad_request', { body: '' }],
    ['that is XML', 400, 'bad_request', { headers: { 'content-type': 'text/xml' }, body: '<j/>' }],
    ['of another kind', 400, 'bad_document', { body: '[1, 2]' }],
    ['that is null', 400, 'bad_document', { body: 'null' }],
    ['with a prototype', 400, 'bad_request', { body: '{"__proto__": {"name": "x"}}' }],
    ['over 4 MiB', 413, 'too_large', { body: `"${'x'.repeat(limits.documentBytesMax)}"` }],
  ])('%s is refused', async (_what, status, code, init) => {
    const reply = await grid.fetch('/v1/jobs', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      ...init,
    });
    expect(await refusal(reply)).toMatchObject({ status, code });
  });

  test('nested deeper than anybody reads is refused', async () => {
    const deep = `{"a":${'['.repeat(500_000)}${']'.repeat(500_000)}}`;
    for (const field of ['view', 'compare']) {
      const value = field === 'view' ? deep : `{"tolerance":${deep}}`;
      const body = JSON.stringify({ ...aDocument(), [field]: 0 }).replace(
        `"${field}":0`,
        `"${field}":${value}`,
      );
      const reply = await grid.fetch('/v1/jobs', { ...json(null), body });
      expect([field, (await refusal(reply)).status]).toEqual([field, 400]);
    }
  });

  test('is kept with every default filled in', async () => {
    const jobId = await grid.submit(3);
    const reply = await grid.fetch(`/v1/jobs/${jobId}/document`);
    const { document } = (await reply.json()) as { document: unknown };
    expect(document).toEqual(jobDocumentSchema.parse(aDocument()));
  });
});

describe('a kernel', () => {
  const withBody = (fields: string) =>
    wat(`(module ${fields} (memory (export "memory") 1) (func (export "_start")))`);
  test.each<[string, Uint8Array, RegExp]>([
    ['that is no WebAssembly', Buffer.from('#!/bin/sh\nrm -rf /'), /wasm|magic|module/i],
    ['that is empty', new Uint8Array(0), /./],
    ['cut in the middle', withBody('').subarray(0, 30), /byte \d+/],
    ['that imports something unknown', withBody('(import "env" "fork" (func))'), /env.*fork/],
    ['that lacks _start', wat('(module (memory (export "memory") 1))'), /_start/],
    [
      'that wants more memory than the job allows',
      wat('(module (memory (export "memory") 9999) (func (export "_start")))'),
      /memory/,
    ],
    [
      'that does not type-check',
      // A body that adds nothing to nothing: `i32.add` where `nop` was.
      Buffer.from(
        Buffer.from(wat('(module (memory (export "memory") 1) (func (export "_start") nop))'))
          .toString('hex')
          .replace(/010b$/, '6a0b'),
        'hex',
      ),
      /./,
    ],
  ])('%s is refused, with the reason', async (_what, wasm, why) => {
    const kernel = await grid.put(new Uint8Array(wasm));
    const error = await refusal(await post({ ...aDocument(), kernel }));
    expect(error).toMatchObject({ status: 400, code: 'kernel_refused' });
    expect(error.detail).toMatch(why);
  });

  test('larger than kernels may be is refused unread', async () => {
    const kernel = await grid.put(new Uint8Array(limits.kernelBytesMax + 1));
    const error = await refusal(await post({ ...aDocument(), kernel }));
    expect(error).toMatchObject({ code: 'kernel_refused' });
    expect(error.detail).toContain(String(limits.kernelBytesMax));
  });

  test('that was not uploaded is unknown', async () => {
    const error = await refusal(await post({ ...aDocument(), kernel: `sha256:${'a'.repeat(64)}` }));
    expect(error).toMatchObject({ status: 404, code: 'artifact_unknown' });
  });
});

describe('an Idempotency-Key', () => {
  const submitted = async (reply: Response) => submittedSchema.parse(await reply.json());

  test('[O4] finds the first job again', async () => {
    const key = { 'idempotency-key': 'one and the same' };
    const first = await submitted(await post(aDocument(), key));
    const again = await submitted(await post(aDocument(), key));
    expect(again).toEqual(first);
    const other = await submitted(await post(aDocument(), { 'idempotency-key': 'another' }));
    expect(other.jobId).not.toBe(first.jobId);
    const without = await submitted(await post(aDocument()));
    expect(without.jobId).not.toBe(first.jobId);
  });

  test('[O4] that stood for another document is refused', async () => {
    const key = { 'idempotency-key': 'mine' };
    await submitted(await post(aDocument(), key));
    const other = { ...aDocument(), units: { range: { count: 4 } } };
    const error = await refusal(await post(other, key));
    expect(error).toMatchObject({ status: 400, code: 'bad_request' });
    expect(error.detail).toContain('Idempotency-Key');
  });

  test('[O4] of somebody else finds nothing', async () => {
    const key = { 'idempotency-key': '1' };
    const mine = await submitted(await post(aDocument(), key));
    const authorization = `Bearer ${await grid.makeToken('submit')}`;
    const theirs = await submitted(await post(aDocument(), { ...key, authorization }));
    expect(theirs.jobId).not.toBe(mine.jobId);
  });

  test('is at most 200 characters', async () => {
    const reply = await post(aDocument(), { 'idempotency-key': 'x'.repeat(201) });
    expect(await refusal(reply)).toMatchObject({ status: 400, code: 'bad_request' });
  });
});

describe('a token', () => {
  const requests: [string, string, string][] = [
    ['POST', '/v1/jobs', 'submit'],
    ['POST', '/v1/jobs/{job}/cancel', 'submit'],
    ['GET', '/v1/jobs/{job}/results', 'read'],
    ['PUT', `/v1/artifacts/sha256:${'0'.repeat(64)}`, 'submit'],
  ];
  /** The job is the token's own where it may have one. */
  const ask = async (method: string, path: string, authorization: string | null) => {
    const own = authorization === null ? null : await post(aDocument(), { authorization });
    const jobId = own?.ok ? submittedSchema.parse(await own.json()).jobId : await grid.submit(1);
    const reply = await fetch(`${grid.url}${path.replace('{job}', jobId)}`, {
      method,
      headers: authorization === null ? {} : { authorization },
    });
    return reply.status;
  };

  test.each(requests)(
    'is needed for %s %s, in a header of the right form',
    async (method, path) => {
      expect(await ask(method, path, null)).toBe(401);
      expect(await ask(method, path, 'Bearer')).toBe(401);
      expect(await ask(method, path, 'Bearer mh_wrong')).toBe(401);
      expect(await ask(method, path, `bearer  ${grid.token}`)).not.toBe(401);
    },
  );

  test.each(requests)('with the scope is enough for %s %s', async (method, path, scope) => {
    const token = await grid.makeToken(scope as 'submit');
    expect([401, 403]).not.toContain(await ask(method, path, `Bearer ${token}`));
  });

  test.each(requests.filter(([, , scope]) => scope !== 'read'))(
    'that may only read is refused for %s %s',
    async (method, path) => {
      expect(await ask(method, path, `Bearer ${await grid.makeToken('read')}`)).toBe(403);
    },
  );

  test('without any scope may do nothing', async () => {
    const token = await grid.makeToken();
    for (const [method, path] of requests) {
      expect(await ask(method, path, `Bearer ${token}`)).toBe(403);
    }
  });
});

describe('a job', () => {
  test('unknown to the grid is 404 on every route', async () => {
    for (const id of ['j0000000000000000', 'nonsense', '%2e%2e%2f', 'x'.repeat(90)]) {
      for (const [method, rest] of [
        ['GET', ''],
        ['GET', '/document'],
        ['GET', '/results'],
        ['POST', '/cancel'],
      ] as const) {
        const reply = await grid.fetch(`/v1/jobs/${id}${rest}`, { method });
        expect([id, rest, reply.status]).toEqual([id, rest, 404]);
      }
    }
  });

  test('is listed newest first, and counts to its units', async () => {
    const jobIds = [await grid.submit(1), await grid.submit(2), await grid.submit(3)];
    const { jobs } = jobListSchema.parse(await (await grid.fetch('/v1/jobs')).json());
    expect(jobs.slice(0, 3).map(({ jobId }) => jobId)).toEqual(jobIds.reverse());
    for (const { units, canonical, failed, running, waiting } of jobs) {
      expect(canonical + failed + running + waiting).toBe(units);
    }
    expect(jobViewSchema.parse(jobs[0])).toMatchObject({ state: 'open', eta: null });
  });

  test('that is cancelled says so, once, and its hosts are told', async () => {
    const [doomed, other] = [await grid.submit(1), await grid.submit(1)];
    const host = await joinVolunteer(grid.url);
    const leases = await host.take(2);
    await grid.cancel(doomed);
    const told = await host.next('cancel');
    expect(told.reason).toBe('job_cancelled');
    expect(leases.find(({ leaseId }) => leaseId === told.leaseId)?.jobId).toBe(doomed);
    const again = await grid.fetch(`/v1/jobs/${doomed}/cancel`, { method: 'POST' });
    expect(await refusal(again)).toMatchObject({ status: 409, code: 'job_over' });
    expect(await grid.show(doomed)).toMatchObject({ state: 'cancelled', running: 0, waiting: 1 });
    const left = leases.filter(({ jobId }) => jobId === other);
    expect(await host.finish(left)).toEqual(['accepted']);
    host.ask(1);
    await host.next('noWork');
  });

  test('that is complete cannot be cancelled', async () => {
    const jobId = await grid.submit(1);
    const host = await joinVolunteer(grid.url);
    await host.finish(await host.want(1));
    await grid.ended(jobId);
    const reply = await grid.fetch(`/v1/jobs/${jobId}/cancel`, { method: 'POST' });
    expect(await refusal(reply)).toMatchObject({ status: 409, code: 'job_over' });
    expect((await grid.show(jobId)).completedAt).not.toBeNull();
  });
});

test.each([
  ['GET', '/v1/nothing'],
  ['GET', '/v2/jobs'],
  ['DELETE', '/v1/jobs'],
  ['POST', '/v1/leaderboard'],
  ['GET', '/v1/session'],
  ['GET', '/../../etc/passwd'],
])('%s %s is route_unknown', async (method, path) => {
  const reply = await grid.fetch(path, { method });
  expect(await refusal(reply)).toMatchObject({ status: 404, code: 'route_unknown' });
});

test('an address that does not decode is refused in the same words as everything', async () => {
  expect(await refusal(await grid.fetch('/v1/jobs/%zz'))).toMatchObject({
    status: 400,
    code: 'bad_request',
  });
});

test('the grid tells who it is and that it is alive and ready', async () => {
  const host = await joinVolunteer(grid.url);
  expect(await (await grid.fetch('/v1/grid')).json()).toMatchObject({ protocol: 1, hosts: 1 });
  expect((await host.challenged).gridId).toMatch(/^[0-9a-f]{32}$/);
  expect((await fetch(`${grid.url}/healthz`)).status).toBe(200);
  expect((await fetch(`${grid.url}/readyz`)).status).toBe(200);
});

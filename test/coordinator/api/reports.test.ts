import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { HostResult, Lease, Successes, UnitRuns } from '../../../protocol/messages.ts';
import { encodeOutput } from '../../../protocol/output.ts';
import { type RealGrid, refusal, startRealGrid } from '../../support/real-grid.ts';
import {
  aFailure,
  aLargeOutput,
  aSuccess,
  joinVolunteer,
  newKeys,
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

/** A lease of one unit, with the unit. */
async function oneUnit(host: Volunteer): Promise<Lease & { unit: number }> {
  const [lease] = await host.want(1);
  if (lease === undefined) throw new Error('a lease message without a lease');
  return { ...lease, unit: unitsOf(lease)[0] ?? -1 };
}

/** What the account has earned, once it has been paid for so many units. */
async function paid(host: Volunteer, units: number): Promise<string> {
  return (await host.next('credited', (message) => message.units >= units)).creditMicro;
}

describe('a repeated report', () => {
  test('[W3] gets the same answer and is paid once', async () => {
    const jobId = await grid.submit(2);
    const host = await joinVolunteer(grid.url);
    const first = await oneUnit(host);
    const report = () => host.report(first.token, [aSuccess(first.unit)]);
    expect(await Promise.all([report(), report(), report()])).toEqual(Array(3).fill(['accepted']));
    const second = await oneUnit(host);
    await host.finish([second]);
    expect(await report()).toEqual(['accepted']);
    expect(await paid(host, 2)).toBe('2000');
    expect(await grid.show(jobId)).toMatchObject({ canonical: 2, creditMicro: '2000' });
    expect(await grid.results(jobId)).toHaveLength(2);
  });

  test('[W3] of another content gets the first answer too, and changes nothing', async () => {
    const jobId = await grid.submit(1);
    const host = await joinVolunteer(grid.url);
    const { token, unit } = await oneUnit(host);
    expect(await host.report(token, [aSuccess(unit)])).toEqual(['accepted']);
    expect(await host.report(token, [aSuccess(unit, { fuel: 2_000_000_000 })])).toEqual([
      'accepted',
    ]);
    expect(await host.report(token, [aFailure(unit)])).toEqual(['accepted']);
    expect(await grid.results(jobId)).toMatchObject([{ unit: 0, fuel: '1000000000', output: 0 }]);
    expect((await grid.show(jobId)).creditMicro).toBe('1000');
  });

  test('of a unit twice in one report counts once', async () => {
    const jobId = await grid.submit(1);
    const host = await joinVolunteer(grid.url);
    const { token, unit } = await oneUnit(host);
    const twice = [aSuccess(unit), aSuccess(unit, { fuel: 7_000_000 })];
    expect(await host.report(token, twice)).toEqual(['accepted', 'accepted']);
    expect(await grid.show(jobId)).toMatchObject({ canonical: 1, creditMicro: '1000' });
  });

  test('after a host_error is no second try: that takes a new lease', async () => {
    await grid.submit(1);
    const host = await joinVolunteer(grid.url);
    const { token, unit } = await oneUnit(host);
    const error = aFailure(unit, { outcome: 'host_error', fuel: 0 });
    expect(await host.report(token, [error])).toEqual(['invalid']);
    expect(await host.report(token, [aSuccess(unit)])).toEqual(['invalid']);
    const again = await oneUnit(host);
    expect(again.unit).toBe(unit);
    expect(await host.finish([again])).toEqual(['accepted']);
  });
});

describe('a report that comes too late', () => {
  test('for a unit that another host decided is not needed and not paid', async () => {
    const jobId = await grid.submit(2);
    const [slow, quick] = [await joinVolunteer(grid.url), await joinVolunteer(grid.url)];
    const lost = await oneUnit(slow);
    slow.release(lost.token, lost.units);
    await quick.finish(await quick.take(2));
    expect((await grid.ended(jobId)).state).toBe('complete');
    for (let i = 0; i < 2; i++) {
      expect(await slow.report(lost.token, [aSuccess(lost.unit)])).toEqual(['not_needed']);
    }
    expect(await paid(quick, 2)).toBe('2000');
    expect((await grid.show(jobId)).canonical).toBe(2);
    const accounts = (await grid.standings()).map(({ accountId }) => accountId);
    expect(accounts).not.toContain(slow.welcome?.accountId);
  });

  test('for a cancelled job is too late; what was recorded before keeps its answer', async () => {
    const jobId = await grid.submit(2);
    const host = await joinVolunteer(grid.url);
    const [before, after] = [await oneUnit(host), await oneUnit(host)];
    await host.finish([before]);
    await grid.cancel(jobId);
    expect(await host.report(after.token, [aSuccess(after.unit)])).toEqual(['too_late']);
    expect(await host.report(before.token, [aSuccess(before.unit)])).toEqual(['accepted']);
    expect(await grid.show(jobId)).toMatchObject({ state: 'cancelled', canonical: 1 });
    expect(await grid.results(jobId)).toHaveLength(1);
  });
});

describe('a result that no honest host reports is invalid, and the unit is granted again', () => {
  const small = aSuccess(0);
  test.each<[string, Partial<typeof small>]>([
    ['a digest of other bytes', { digest: new Uint8Array(32) }],
    ['bytes that are no output', { output: Buffer.from('42'), digest: sha256(Buffer.from('42')) }],
    ['no bytes at all', { output: new Uint8Array(0), digest: sha256(new Uint8Array(0)) }],
    ['more fuel than the unit may burn', { fuel: Number.MAX_SAFE_INTEGER }],
  ])('%s', async (_what, parts) => {
    const jobId = await grid.submit(1);
    const host = await joinVolunteer(grid.url);
    const first = await oneUnit(host);
    expect(await host.report(first.token, [aSuccess(first.unit, parts)])).toEqual(['invalid']);
    expect(await grid.show(jobId)).toMatchObject({ canonical: 0, waiting: 1, creditMicro: '0' });
    expect(await host.finish([await oneUnit(host)])).toEqual(['accepted']);
    expect(await grid.results(jobId)).toMatchObject([{ output: 0, verdict: 'accepted' }]);
  });

  test('a large output that is garbage under its right digest', async () => {
    const jobId = await grid.submit(1);
    const host = await joinVolunteer(grid.url);
    const { token, unit } = await oneUnit(host);
    const garbage = randomBytes(5000);
    await upload(host, `sha256:${sha256(garbage).toString('hex')}`, garbage);
    const result = aSuccess(unit, { output: null, digest: sha256(garbage) });
    expect(await host.report(token, [result])).toEqual(['invalid']);
    expect(await host.finish([await oneUnit(host)])).toEqual(['accepted']);
    expect(await grid.results(jobId)).toMatchObject([{ output: 0, files: {} }]);
  });
});

// A volunteer could have made the coordinator read and compare 64 MiB of a job whose units print a number.
describe('[P1] an output that is larger than its job allows is invalid', () => {
  const limits = { outputBytesMax: 3 };
  const printed = (bytes: number) => encodeOutput({ stdout: Buffer.alloc(bytes, '1'), files: {} });

  test('in the report, alone and in columns; one that is as large is accepted', async () => {
    const jobId = await grid.submit(4, { limits });
    const host = await joinVolunteer(grid.url);
    const { token, unit } = await oneUnit(host);
    const [small, large] = [printed(3), printed(4)];
    const result = aSuccess(unit, { output: large, digest: sha256(large) });
    expect(await host.report(token, [result])).toEqual(['invalid']);
    const [lease] = await host.take(4);
    const units = unitsOf(lease ?? { units: [] });
    const outputs = Buffer.concat([large, ...units.slice(1).map(() => small)]);
    const fuel = units.map(() => 1_000_000);
    const successes = { units: lease?.units ?? [], fuel, outputs, wallMs: 3 };
    const rest = new Array(units.length - 1).fill('accepted');
    expect(await host.tell({ token: lease?.token ?? '', successes, results: [] })).toEqual([
      'invalid',
      ...rest,
    ]);
    expect((await grid.show(jobId)).canonical).toBe(units.length - 1);
  });

  test.each([2000, 9 * 1024 * 1024])('uploaded, of %i bytes', async (bytes) => {
    const jobId = await grid.submit(1, { limits });
    const host = await joinVolunteer(grid.url);
    const { token, unit } = await oneUnit(host);
    const output = printed(bytes);
    await upload(host, `sha256:${sha256(output).toString('hex')}`, output);
    const result = aSuccess(unit, { output: null, digest: sha256(output) });
    expect(await host.report(token, [result])).toEqual(['invalid']);
    expect((await grid.show(jobId)).canonical).toBe(0);
  });
});

describe('[W1] a kernel’s own failure', () => {
  test('[W4] fails the unit when two accounts saw the same, with the reason and its detail', async () => {
    const jobId = await grid.submit(1);
    const { account } = newKeys();
    const first = await joinVolunteer(grid.url, { keys: newKeys(account) });
    const sibling = await joinVolunteer(grid.url, { keys: newKeys(account) });
    const other = await joinVolunteer(grid.url);
    for (const host of [first, sibling]) {
      const { token, unit } = await oneUnit(host);
      expect(await host.report(token, [aFailure(unit)])).toEqual(['pending']);
      expect(await grid.show(jobId)).toMatchObject({ failed: 0, waiting: 1, state: 'open' });
    }
    const last = await oneUnit(other);
    const failure = aFailure(last.unit, { detail: 'unreachable executed' });
    expect(await other.report(last.token, [failure])).toEqual(['pending']);
    expect(await grid.ended(jobId)).toMatchObject({ failed: 1, canonical: 0, state: 'complete' });
    expect(await grid.results(jobId)).toMatchObject([
      {
        unit: 0,
        verdict: 'invalid',
        outcome: 'kernel_trap',
        output: null,
        detail: 'kernel_trap: unreachable executed',
      },
    ]);
  });

  test('gives way to a success', async () => {
    const jobId = await grid.submit(1);
    const [broken, well] = [await joinVolunteer(grid.url), await joinVolunteer(grid.url)];
    const { token, unit } = await oneUnit(broken);
    await broken.report(token, [aFailure(unit)]);
    expect(await well.finish([await oneUnit(well)])).toEqual(['accepted']);
    expect(await grid.show(jobId)).toMatchObject({ canonical: 1, failed: 0 });
  });

  test('that every host reports differently fails after eight tries, and says so', async () => {
    const jobId = await grid.submit(1);
    const host = await joinVolunteer(grid.url);
    for (let fuel = 1; fuel <= 8; fuel++) {
      const { token, unit } = await oneUnit(host);
      await host.report(token, [aFailure(unit, { fuel, outcome: 'kernel_exit', exitCode: 3 })]);
    }
    const [line] = await grid.results(jobId);
    expect(line?.detail).toBe('no success in 8 tries; the last one: kernel_exit with code 3');
    expect(await grid.ended(jobId)).toMatchObject({ state: 'complete', failed: 1 });
  });
});

describe('an output too large for the report', () => {
  const large = aLargeOutput({
    stdout: Buffer.from(JSON.stringify('x'.repeat(2000))),
    files: { '/out/a.bin': Buffer.from([1, 2, 3]) },
  });

  test('is asked for, uploaded with the session’s token, accepted, and in the results', async () => {
    const jobId = await grid.submit(1);
    const host = await joinVolunteer(grid.url);
    const { token, unit } = await oneUnit(host);
    const result = aSuccess(unit, { output: null, digest: large.digest });
    expect(await host.report(token, [result])).toEqual({ refused: 'artifact_unknown' });
    await upload(host, large.name, large.bytes);
    expect(await host.report(token, [result])).toEqual(['accepted']);
    expect(await grid.results(jobId)).toMatchObject([
      {
        output: 'x'.repeat(2000),
        files: { '/out/a.bin': Buffer.from([1, 2, 3]).toString('base64') },
        digest: large.name,
      },
    ]);
  });

  test('keeps back all of its report, not a part', async () => {
    const jobId = await grid.submit(8);
    const host = await joinVolunteer(grid.url);
    const [lease] = await host.want(8);
    const units = unitsOf(lease ?? { units: [] });
    const missing = { output: null, digest: randomBytes(32) };
    const results = units.map((unit, i) => aSuccess(unit, i === 1 ? missing : {}));
    expect(results.length).toBeGreaterThan(1);
    const answer = await host.report(lease?.token ?? '', results);
    expect(answer).toEqual({ refused: 'artifact_unknown' });
    expect((await grid.show(jobId)).canonical).toBe(0);
  });

  test('is not found among the inputs, whatever their digest', async () => {
    await grid.submit(1);
    await grid.put(Buffer.from('an input'));
    const host = await joinVolunteer(grid.url);
    const { token, unit } = await oneUnit(host);
    const result = aSuccess(unit, { output: null, digest: sha256(Buffer.from('an input')) });
    expect(await host.report(token, [result])).toEqual({ refused: 'artifact_unknown' });
  });

  test('[T3] is there for operators alone: to others it is as if nobody had computed it', async () => {
    const host = await joinVolunteer(grid.url);
    await upload(host, large.name, large.bytes);
    const path = `/v1/artifacts/${large.name}`;
    expect((await grid.fetch(path)).status).toBe(200);
    const scientist = await grid.makeToken('read', 'submit');
    const another = `/v1/artifacts/sha256:${'0'.repeat(64)}`;
    for (const token of [null, 'mh_guessed', scientist, host.welcome?.uploadToken ?? '']) {
      const headers = token === null ? {} : { authorization: `Bearer ${token}` };
      for (const method of ['GET', 'HEAD']) {
        const reply = await fetch(`${grid.url}${path}`, { method, headers });
        const none = await fetch(`${grid.url}${another}`, { method, headers });
        expect([reply.status, none.status]).toEqual([404, 404]);
        expect((await reply.text()).replace(path.slice(14), '')).toBe(
          (await none.text()).replace(another.slice(14), ''),
        );
      }
    }
  });

  test('cannot be uploaded without a token, nor with a forged one, nor become an input', async () => {
    const host = await joinVolunteer(grid.url);
    const put = (authorization?: string) =>
      fetch(`${grid.url}/v1/artifacts/${large.name}`, {
        method: 'PUT',
        headers: authorization === undefined ? {} : { authorization },
        body: large.bytes,
      });
    expect(await refusal(await put())).toMatchObject({ status: 401, code: 'unauthorized' });
    const forged = `${host.welcome?.uploadToken.slice(0, -2)}AA`;
    expect((await put(`Bearer ${forged}`)).status).toBe(401);
    expect((await put('Basic abc')).status).toBe(401);
    await put(`Bearer ${host.welcome?.uploadToken}`);
    const reply = await grid.fetch('/v1/jobs', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'x', kernel: large.name, units: { range: { count: 1 } } }),
    });
    expect(await refusal(reply)).toMatchObject({ code: 'artifact_unknown' });
  });
});

async function upload(host: Volunteer, name: string, bytes: Uint8Array<ArrayBuffer>) {
  const reply = await fetch(`${grid.url}/v1/artifacts/${name}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${host.welcome?.uploadToken}` },
    body: bytes,
  });
  expect(reply.status).toBe(201);
}

describe('results in columns', () => {
  const columns = (units: UnitRuns, count: number, parts: Partial<Successes> = {}): Successes => ({
    units,
    fuel: new Array<number>(count).fill(1_000_000_000),
    outputs: Buffer.concat(
      Array.from({ length: count }, () => encodeOutput({ stdout: Buffer.from('5'), files: {} })),
    ),
    wallMs: 3,
    ...parts,
  });

  /** Four units of a new job, and a way to report them. */
  async function fourUnits() {
    const jobId = await grid.submit(4);
    const host = await joinVolunteer(grid.url);
    const [lease] = await host.take(4);
    if (lease === undefined) throw new Error('no lease');
    const units = lease.units;
    const count = unitsOf(lease).length;
    const tell = (successes: Successes, results: HostResult[] = []) =>
      host.tell({ token: lease.token, successes, results });
    return { jobId, units, count, all: unitsOf(lease), tell };
  }

  test('[W3] are recorded, paid and read as if one by one, and answered again the same', async () => {
    const { jobId, units, count, all, tell } = await fourUnits();
    const verdicts = new Array(count).fill('accepted');
    expect(await tell(columns(units, count))).toEqual(verdicts);
    expect(await tell(columns(units, count))).toEqual(verdicts);
    expect(await grid.show(jobId)).toMatchObject({
      canonical: count,
      fuel: String(count * 1_000_000_000),
    });
    expect(await grid.results(jobId)).toMatchObject(
      all.map((unit) => ({ unit, verdict: 'accepted', fuel: '1000000000', output: 5 })),
    );
  });

  test.each<[string, (units: UnitRuns, count: number) => Successes, string]>([
    ['fewer numbers of fuel than units', (u, n) => columns(u, n, { fuel: [1] }), 'bad_request'],
    ['a unit named twice', ([u], n) => columns([u, u] as UnitRuns, 2 * n), 'bad_request'],
    ['units that are not in the lease', (_, n) => columns([[900, n]], n), 'lease_invalid'],
    [
      'an output over a kibibyte',
      (u, n) => {
        const large = encodeOutput({ stdout: randomBytes(1024), files: {} });
        return columns(u, n, { outputs: Buffer.concat(new Array(n).fill(large)) });
      },
      'bad_request',
    ],
  ])('with %s are refused, and nothing of them is recorded', async (_, make, code) => {
    const { jobId, units, count, tell } = await fourUnits();
    const refused = await tell(make(units, count)).catch((error: Error) => error.message);
    if (typeof refused === 'string') expect(refused).toContain(code);
    else expect(refused).toEqual({ refused: code });
    expect((await grid.show(jobId)).canonical).toBe(0);
  });

  test('with outputs that are not canonical, or too much fuel, are invalid', async () => {
    const { units, count, tell } = await fourUnits();
    const outputs = randomBytes(20 * count);
    expect(await tell(columns(units, count, { outputs }))).toEqual(
      new Array(count).fill('invalid'),
    );
    const more = await fourUnits();
    const fuel = [Number.MAX_SAFE_INTEGER, ...new Array(more.count - 1).fill(1_000_000)];
    expect(await more.tell(columns(more.units, more.count, { fuel }))).toEqual([
      'invalid',
      ...new Array(more.count - 1).fill('accepted'),
    ]);
  });
});

import { beforeEach, describe, expect, test } from 'vitest';
import { decodeOutput } from '../../protocol/output.ts';
import type { SandboxEnd } from '../../worker/sandbox/sandbox.ts';
import type { TestCoordinator } from '../support/test-coordinator.ts';
import { aFolder, aGrid, join } from './join.ts';
import { echoSandbox, HeldSandbox, success } from './sandboxes.ts';

let grid: TestCoordinator;

beforeEach(async () => {
  grid = await aGrid();
});

const stdoutOf = (output: Uint8Array | null) =>
  new TextDecoder().decode(decodeOutput(output ?? new Uint8Array()).stdout);

describe('work', () => {
  test('every unit of a job is computed and reported once', async () => {
    grid.addJob({ units: 40 });
    const { agent, sandbox } = await join(grid);
    await grid.until(() => grid.reported.length === 40);
    agent.finish();
    const end = await agent.done;
    expect(grid.unitsReported().size).toBe(40);
    expect(sandbox.runs).toHaveLength(40);
    expect(end).toMatchObject({ reason: 'finished', finished: 40, unreported: 0, fuel: 40_000 });
  });

  test('a result is what the kernel gave for the unit’s own parameters', async () => {
    grid.addJob({ units: 3, run: { args: ['v={value}', '{index}'] } });
    await join(grid);
    await grid.until(() => grid.reported.length === 3);
    const lines = grid.reported.map(({ result }) => `${result.unit}: ${stdoutOf(result.output)}`);
    expect(lines.toSorted()).toEqual(['0: v=0 0', '1: v=1 1', '2: v=2 2']);
  });

  test('kernel, stdin and files come from the grid, once for all units of a job', async () => {
    const stdin = grid.addArtifact(Buffer.from('in'));
    const data = grid.addArtifact(Buffer.from('data'));
    grid.addJob({ units: 5, run: { stdin, files: { '/a': data, '/b': data } } });
    const { sandbox } = await join(grid);
    await grid.until(() => grid.reported.length === 5);
    expect(Buffer.from(sandbox.runs[0]?.stdin ?? []).toString()).toBe('in');
    expect(Object.keys(sandbox.runs[4]?.files ?? {})).toEqual(['/a', '/b']);
    expect(grid.requests.filter((request) => request.startsWith('GET'))).toHaveLength(3);
  });

  test('a large output is uploaded before its result is reported', async () => {
    grid.addJob({ units: 1 });
    const large = new Uint8Array(5000).fill(65);
    await join(
      grid,
      echoSandbox(() => success(large)),
    );
    await grid.until(() => grid.reported.length === 1);
    const { digest, output } = grid.reported[0]?.result ?? {};
    expect(output).toBeNull();
    const stored = grid.artifacts.get(`sha256:${Buffer.from(digest ?? []).toString('hex')}`);
    expect(decodeOutput(stored ?? new Uint8Array()).stdout).toEqual(Buffer.from(large));
  });

  test('every core is kept busy, and more is asked for before they are free', async () => {
    grid.addJob({ units: 100 });
    const { sandbox } = await join(grid, new HeldSandbox(), { cores: 3 });
    await grid.until(() => grid.of('want').length === 1);
    await expect.poll(() => sandbox.started.length).toBe(3);
    sandbox.end(0, { ...success('x'), wallMs: 100 });
    await expect.poll(() => sandbox.started.length).toBe(4);
    await grid.until(() => grid.of('want').length >= 2);
    expect(grid.of('want')[1]?.units).toBeGreaterThan(0);
  });

  test('no more than one want is open', async () => {
    const { agent } = await join(grid);
    await expect.poll(() => agent.status().reason.kind).toBe('no_work');
    const { jobId } = grid.addJob({ units: 1 });
    await grid.until(() => grid.unitsReported().size === 1);
    expect(jobId).toBe(grid.reported[0]?.jobId);
    await expect.poll(() => agent.status().reason.kind).toBe('no_work');
    expect(grid.of('want')).toHaveLength(2);
  });

  test('no more units are taken than was asked for', async () => {
    grid.addJob({ units: 100 });
    const { agent, sandbox } = await join(grid, echoSandbox(), { maxUnits: 7 });
    expect(await agent.done).toMatchObject({ reason: 'max_units', finished: 7 });
    expect(sandbox.runs).toHaveLength(7);
    expect(grid.reported).toHaveLength(7);
  });

  test('a unit of a job whose kernel the grid does not have is a host_error that says so', async () => {
    const { kernel } = grid.addJob({ units: 1 });
    grid.artifacts.delete(kernel);
    await join(grid);
    await grid.until(() => grid.reported.length === 1);
    expect(grid.reported[0]?.result).toMatchObject({ outcome: 'host_error', fuel: 0 });
    expect(grid.reported[0]?.result.detail).toMatch('no such artifact');
  });

  test('a machine on which nothing runs gives its units back, says so, and asks for less', async () => {
    grid.grants = false;
    const { jobId } = grid.addJob({ units: 50 });
    const broken: SandboxEnd = { ...success(''), outcome: 'host_error', detail: 'no threads here' };
    const { agent } = await join(
      grid,
      echoSandbox(() => broken),
      { cores: 1 },
    );
    await grid.until(() => grid.of('want').length === 1);
    grid.grant(
      jobId,
      Array.from({ length: 20 }, (_, i) => i),
    );
    await grid.until(() => grid.of('release').length === 1);
    expect(grid.of('release')[0]?.units).toEqual([[3, 17]]);
    await expect
      .poll(() => agent.status().reason)
      .toEqual({ kind: 'host_trouble', why: 'no threads here' });
    await grid.until(() => grid.of('want').length === 2);
    expect(grid.of('want')[1]?.units).toBe(1);
    await grid.until(() => grid.reported.length === 3);
  });
});

describe('reports', () => {
  test('carry many results', async () => {
    grid.grants = false;
    const { jobId } = grid.addJob({ units: 200 });
    await join(grid);
    await grid.until(() => grid.of('want').length === 1);
    grid.grant(
      jobId,
      Array.from({ length: 200 }, (_, i) => i),
    );
    await grid.until(() => grid.unitsReported().size === 200);
    expect(grid.of('report').length).toBeLessThan(20);
  });

  test('that the coordinator could not take are offered again, with the same bytes', async () => {
    grid.records = false;
    grid.addJob({ units: 1 });
    const { agent } = await join(grid);
    await grid.until(() => grid.of('report').length === 1);
    const [first] = grid.of('report');
    grid.records = true;
    grid.send({ type: 'notice', code: 'internal', text: 'oh', about: first?.id ?? 0 });
    await grid.until(() => grid.of('report').length === 2);
    await expect.poll(() => agent.status().unreported).toBe(0);
    expect(grid.of('report')[1]?.results).toEqual(first?.results);
  });

  test('whose output the coordinator lost upload it once more', async () => {
    grid.records = false;
    grid.addJob({ units: 1 });
    const { agent } = await join(
      grid,
      echoSandbox(() => success(new Uint8Array(5000))),
    );
    await grid.until(() => grid.of('report').length === 1);
    const uploads = () => grid.requests.filter((request) => request.startsWith('PUT'));
    expect(uploads()).toHaveLength(1);
    grid.records = true;
    const about = grid.of('report')[0]?.id ?? 0;
    grid.send({ type: 'notice', code: 'artifact_unknown', text: '', about });
    await expect.poll(() => agent.status().unreported).toBe(0);
    expect(uploads()).toHaveLength(2);
  });

  test('that are refused for good are let go of, and the person is told', async () => {
    grid.records = false;
    grid.addJob({ units: 1 });
    const { agent, events } = await join(grid);
    await grid.until(() => grid.of('report').length === 1);
    const about = grid.of('report')[0]?.id ?? 0;
    grid.send({ type: 'notice', code: 'lease_invalid', text: '', about });
    await expect.poll(() => agent.status().unreported).toBe(0);
    expect(events).toContainEqual({
      type: 'trouble',
      text: expect.stringMatching('lease_invalid'),
    });
  });

  test('wait for the upload of a large output, for as long as it takes', async () => {
    grid.uploadsFail = true;
    grid.addJob({ units: 1 });
    await join(
      grid,
      echoSandbox(() => success(new Uint8Array(5000))),
    );
    await grid.until(() => grid.requests.some((request) => request.startsWith('PUT')));
    expect(grid.reported).toEqual([]);
    grid.uploadsFail = false;
    await grid.until(() => grid.reported.length === 1);
  });
});

describe('leases', () => {
  test('are worked off, however many there are: as a job ends, each is of a unit', async () => {
    grid.grants = false;
    const { jobId } = grid.addJob({ units: 60 });
    await join(grid);
    await grid.until(() => grid.of('want').length === 1);
    grid.grantMany(
      jobId,
      Array.from({ length: 60 }, (_, unit) => [unit]),
    );
    await grid.until(() => grid.unitsReported().size === 60);
  });

  test('are renewed while their units are unreported', async () => {
    grid.renewEveryMs = 50;
    const { jobId } = grid.addJob({ units: 1 });
    const { sandbox } = await join(grid, new HeldSandbox());
    await grid.until(() => grid.of('progress').length >= 3);
    expect(grid.of('progress')[0]?.leases).toHaveLength(1);
    sandbox.end();
    await grid.until(() => grid.reported.length === 1);
    expect(grid.reported[0]?.jobId).toBe(jobId);
  });

  test.each(['job_cancelled', 'unit_decided'] as const)(
    'that the grid cancels (%s) are dropped, and what runs is ended without a result',
    async (reason) => {
      grid.grants = false;
      const { jobId } = grid.addJob({ units: 10 });
      const { sandbox, agent, events } = await join(grid, new HeldSandbox(), { cores: 1 });
      await grid.until(() => grid.of('want').length === 1);
      const { leaseId } = grid.grant(jobId, [1, 2, 3]);
      await expect.poll(() => sandbox.started.length).toBe(1);
      grid.send({ type: 'cancel', leaseId, reason });
      await expect.poll(() => agent.status().queued).toBe(0);
      expect(sandbox.aborted).toEqual([`${leaseId}/1`]);
      expect(events).toContainEqual({ type: 'cancelled', jobId, units: 3, reason });
      expect(grid.reported).toEqual([]);
    },
  );

  test('[W5] that ran out lose what has not begun; what runs is still reported', async () => {
    grid.grants = false;
    const { jobId } = grid.addJob({ units: 10 });
    const { sandbox, agent } = await join(grid, new HeldSandbox(), { cores: 1 });
    await grid.until(() => grid.of('want').length === 1);
    const { leaseId } = grid.grant(jobId, [1, 2, 3]);
    await expect.poll(() => sandbox.started.length).toBe(1);
    grid.send({ type: 'cancel', leaseId, reason: 'lease_expired' });
    await expect.poll(() => agent.status().queued).toBe(0);
    sandbox.end();
    await grid.until(() => grid.reported.length === 1);
    expect(grid.reported[0]?.result.unit).toBe(1);
    expect(sandbox.started).toHaveLength(1);
  });

  test('with units that turn out long are given back, all but ten seconds of them', async () => {
    grid.grants = false;
    const { jobId } = grid.addJob({ units: 200 });
    const { sandbox } = await join(grid, new HeldSandbox(), { cores: 1 });
    await grid.until(() => grid.of('want').length === 1);
    grid.grant(
      jobId,
      Array.from({ length: 101 }, (_, i) => i),
    );
    await expect.poll(() => sandbox.started.length).toBe(1);
    sandbox.end(0, { ...success('x'), wallMs: 3000 });
    await grid.until(() => grid.of('release').length > 0);
    // One more runs by then; of the 99 that wait, three are ten seconds.
    expect(grid.of('release')[0]?.units).toEqual([[5, 96]]);
  });
});

describe('status', () => {
  test('tells what runs, what waits and what the account has', async () => {
    grid.grants = false;
    const { jobId } = grid.addJob({ units: 10 });
    const { sandbox, agent } = await join(grid, new HeldSandbox(), { cores: 1 });
    await grid.until(() => grid.of('want').length === 1);
    grid.grant(jobId, [4, 5]);
    await expect.poll(() => sandbox.started.length).toBe(1);
    grid.send({ type: 'credited', creditMicro: '12345', units: 6 });
    await expect.poll(() => agent.status().units).toBe(6);
    expect(agent.status()).toMatchObject({
      reason: { kind: 'working' },
      connected: true,
      queued: 1,
      unreported: 0,
      creditMicro: '12345',
      running: [{ jobId, jobName: 'a job', unit: 4, progress: null }],
    });
  });

  test('says starting, then why there is no work, and that the coordinator will tell', async () => {
    const { agent } = await join(grid);
    expect(agent.status().reason).toEqual({ kind: 'starting' });
    await expect
      .poll(() => agent.status().reason)
      .toEqual({ kind: 'no_work', why: 'nothing_left', retryInMs: null });
  });

  test('says fetching while a kernel comes', async () => {
    let answer: (() => void) | null = null;
    grid.serve = (_digest, bytes, _from, response) => {
      answer = () => response.writeHead(200).end(bytes);
      return true;
    };
    grid.addJob({ units: 1 });
    const { agent } = await join(grid);
    await expect.poll(() => agent.status().reason.kind).toBe('fetching');
    // It says so before its request is here.
    await grid.until(() => {
      answer?.();
      return answer !== null;
    });
    await grid.until(() => grid.reported.length === 1);
  });
});

test('a folder that another agent has is refused at once', async () => {
  const dataDir = await aFolder();
  await join(grid, undefined, { dataDir });
  await grid.until(() => grid.of('hello').length === 1);
  const { agent } = await join(grid, undefined, { dataDir });
  await expect(agent.done).rejects.toThrow('another worker');
});

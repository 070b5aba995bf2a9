import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { refusedUpgrade } from '../../coordinator/api/refused-upgrade.ts';
import { errorFacts, GridError } from '../../protocol/errors.ts';
import type { TestCoordinator } from '../support/test-coordinator.ts';
import { aGrid, join } from './join.ts';
import { echoSandbox, HeldSandbox, success } from './sandboxes.ts';

let grid: TestCoordinator;

beforeEach(async () => {
  grid = await aGrid();
});

describe('a session that is lost', () => {
  test('is opened again, with the same keys', async () => {
    const { events } = await join(grid);
    await grid.until(() => grid.of('hello').length === 1);
    grid.cut();
    await grid.until(() => grid.of('hello').length === 2);
    const [first, second] = grid.of('hello');
    expect(second?.hostKey).toEqual(first?.hostKey);
    const lost = events.find((event) => event.type === 'disconnected');
    expect(lost).toMatchObject({ retryInMs: expect.any(Number) });
  });

  test('does not stop the work, and its leases are presented in the next', async () => {
    grid.grants = false;
    const { jobId } = grid.addJob({ units: 5 });
    const { sandbox, agent } = await join(grid, new HeldSandbox(), { cores: 1 });
    await grid.until(() => grid.of('want').length === 1);
    const { token } = grid.grant(jobId, [1, 2]);
    await expect.poll(() => sandbox.started.length).toBe(1);
    grid.cut();
    await expect.poll(() => agent.status().connected).toBe(false);
    expect(agent.status().reason.kind).toBe('working');
    await grid.until(() => grid.of('hello').length === 2);
    expect(grid.of('hello')[1]?.leases).toEqual([{ token, units: [[1, 2]] }]);
    sandbox.end(1);
    await expect.poll(() => sandbox.started.length).toBe(2);
    sandbox.end(2);
    await grid.until(() => grid.unitsReported().size === 2);
  });

  test('[V1] loses no finished unit: what was not recorded is reported again, byte for byte', async () => {
    grid.records = false;
    grid.addJob({ units: 3 });
    const { agent } = await join(grid);
    await grid.until(() => grid.unitsReported().size === 3);
    const before = grid.reported.map(({ result }) => result);
    grid.reported.length = 0;
    grid.records = true;
    grid.cut();
    await grid.until(() => grid.unitsReported().size === 3);
    const again = grid.reported.map(({ result }) => result);
    const byUnit = (a: { unit: number }, b: { unit: number }) => a.unit - b.unit;
    expect(again.toSorted(byUnit)).toEqual(before.toSorted(byUnit));
    await expect.poll(() => agent.status().unreported).toBe(0);
  });

  test('reports what was finished while there was none', async () => {
    grid.addJob({ units: 1 });
    const { sandbox, agent } = await join(grid, new HeldSandbox());
    await expect.poll(() => sandbox.started.length).toBe(1);
    await grid.stop();
    sandbox.end();
    await expect.poll(() => agent.status().unreported).toBe(1);
    expect(agent.status().reason.kind).toBe('coordinator_unreachable');
    await grid.start();
    await grid.until(() => grid.reported.length === 1);
  });

  test('reports a great many results after it, in frames that the contract allows', async () => {
    grid.grants = false;
    const { jobId } = grid.addJob({ units: 2000 });
    await join(
      grid,
      echoSandbox(() => success('x'.repeat(1000))),
    );
    await grid.until(() => grid.of('want').length === 1);
    grid.records = false;
    const units = (from: number) => Array.from({ length: 250 }, (_, i) => from + i);
    grid.grantMany(
      jobId,
      Array.from({ length: 8 }, (_, i) => units(i * 250)),
    );
    await grid.until(() => grid.unitsReported().size === 2000);
    grid.reported.length = 0;
    grid.records = true;
    grid.cut();
    await grid.until(() => grid.unitsReported().size === 2000);
    expect(grid.sessions).toBe(2);
  });

  test('drops the leases that the coordinator no longer counts on', async () => {
    grid.grants = false;
    const { jobId } = grid.addJob({ units: 5 });
    const { sandbox, agent } = await join(grid, new HeldSandbox(), { cores: 1 });
    await grid.until(() => grid.of('want').length === 1);
    const { leaseId } = grid.grant(jobId, [1, 2]);
    await expect.poll(() => sandbox.started.length).toBe(1);
    grid.forget(leaseId);
    grid.cut();
    await grid.until(() => grid.of('hello').length === 2);
    await expect.poll(() => agent.status().queued).toBe(0);
    expect(sandbox.aborted).toEqual([`${leaseId}/1`]);
  });
});

describe('of several coordinators', () => {
  test('the next is asked when one is gone, and what is in hand goes on there', async () => {
    const other = await aGrid();
    for (const one of [grid, other]) one.grants = false;
    const urls = [grid.url, other.url];
    const { sandbox, events } = await join(grid, new HeldSandbox(), { cores: 1, urls });
    await expect.poll(() => grid.sessions + other.sessions).toBe(1);
    const [here, there] = grid.sessions === 1 ? [grid, other] : [other, grid];
    const { jobId } = here.addJob({ units: 3 });
    await here.until(() => here.of('want').length === 1);
    const { token } = here.grant(jobId, [1, 2]);
    await expect.poll(() => sandbox.started.length).toBe(1);
    await here.stop();
    await there.until(() => there.of('hello').length === 1);
    expect(there.of('hello')[0]?.leases).toMatchObject([{ token }]);
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'disconnected', url: here.url, nextUrl: there.url }),
    );
  });

  test('one of another grid is left alone, and told', async () => {
    const other = await aGrid();
    const { events } = await join(grid, undefined, { urls: [grid.url, other.url] });
    await expect.poll(() => grid.sessions + other.sessions).toBe(1);
    const [here, there] = grid.sessions === 1 ? [grid, other] : [other, grid];
    await here.until(() => here.of('want').length === 1);
    there.gridId = 'another-grid';
    here.cut();
    await here.until(() => here.of('hello').length === 2);
    expect(there.of('hello')).toEqual([]);
    const why = expect.stringMatching('another grid');
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'disconnected', url: there.url, nextUrl: here.url, why }),
    );
  });

  test('one that speaks another protocol does not end the worker while others may speak ours', async () => {
    const other = await aGrid();
    for (const one of [grid, other]) one.protocol = 2;
    const { agent, events } = await join(grid, undefined, { urls: [grid.url, other.url] });
    expect(await agent.done).toMatchObject({ reason: 'update_required' });
    expect(grid.sessions + other.sessions).toBe(2);
    expect(events).toMatchObject([
      { type: 'disconnected', why: expect.stringMatching('protocol 2') },
    ]);
  });
});

describe('a coordinator that', () => {
  test('has no room says so in a sentence, and is not asked again before it wants to be', async () => {
    const door = createServer();
    door.on('upgrade', (_request, socket) => {
      socket.end(refusedUpgrade(new GridError('crowded', '', { retryAfterMs: 60_000 })));
    });
    door.listen(0, '127.0.0.1');
    await once(door, 'listening');
    onTestFinished(() => void door.close());
    const { port } = door.address() as AddressInfo;
    const { events } = await join(grid, undefined, { urls: [`http://127.0.0.1:${port}`] });
    await expect.poll(() => events.length).toBeGreaterThan(0);
    const [lost] = events;
    expect(lost).toMatchObject({ type: 'disconnected', why: errorFacts('crowded').sentence });
    expect(lost?.type === 'disconnected' && lost.retryInMs).toBeGreaterThanOrEqual(60_000);
  });

  test('starts after the worker is found', async () => {
    await grid.stop();
    const { agent, events } = await join(grid);
    await expect.poll(() => agent.status().reason.kind).toBe('coordinator_unreachable');
    expect(events[0]).toMatchObject({ type: 'disconnected', why: expect.stringMatching(/\S/) });
    await grid.start();
    await grid.until(() => grid.of('want').length === 1);
  });

  test('speaks another protocol ends the worker, which says what to do', async () => {
    grid.protocol = 2;
    const { agent, sandbox } = await join(grid);
    const end = await agent.done;
    expect(end.reason).toBe('update_required');
    expect(end.why).toMatch('protocol 2');
    expect(sandbox.isClosed).toBe(true);
    expect(agent.status().reason).toMatchObject({ kind: 'update_required' });
  });

  test('does not offer our subprotocol ends it the same way', async () => {
    grid.subprotocol = 'manyhands.99';
    const { agent } = await join(grid);
    expect(await agent.done).toMatchObject({ reason: 'update_required' });
  });

  test.each([
    [4426, 'update_required'],
    [4401, 'refused'],
    [4403, 'refused'],
    [4404, 'team_unknown'],
  ])('closes with %i ends it: %s', async (closeCode, reason) => {
    grid.closeCode = closeCode;
    const { agent } = await join(grid);
    expect(await agent.done).toMatchObject({ reason, why: 'as told' });
  });

  test.each([1012, 4400, 4409])('closes with %i is tried again', async (closeCode) => {
    grid.closeCode = closeCode;
    const { events } = await join(grid);
    await expect.poll(() => events.map(({ type }) => type)).toContain('disconnected');
    grid.closeCode = null;
    await grid.until(() => grid.of('want').length === 1);
  });

  test.each([
    ['no message of the contract', Buffer.from([0x81, 0xa1, 0x61, 0x01])],
    ['garbage', Buffer.from([0xc1])],
  ])('sends %s is left, and tried again', async (_what, frame) => {
    const { events } = await join(grid);
    await grid.until(() => grid.of('want').length === 1);
    grid.sendRaw(frame);
    await grid.until(() => grid.of('hello').length === 2);
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'disconnected', why: expect.stringMatching('contract') }),
    );
  });

  test('is another grid all of a sudden is owed nothing, and the old one’s results are kept', async () => {
    grid.records = false;
    grid.addJob({ units: 1 });
    const { agent } = await join(grid, undefined, { cores: 1 });
    await grid.until(() => grid.reported.length === 1);
    grid.reported.length = 0;
    grid.records = true;
    grid.gridId = 'another grid';
    grid.cut();
    await grid.until(() => grid.of('hello').length === 2);
    expect(grid.of('hello')[1]?.leases).toEqual([]);
    expect(agent.status().unreported).toBe(0);
    expect(grid.reported).toEqual([]);
    grid.gridId = 'test-grid';
    grid.cut();
    await grid.until(() => grid.reported.length === 1);
  });
});

test('names are made to fit the contract', async () => {
  await join(grid, undefined, { name: `a\u0007${'b'.repeat(100)}`, team: 'x\n' });
  await grid.until(() => grid.of('hello').length === 1);
  expect(grid.of('hello')[0]).toMatchObject({ name: `a${'b'.repeat(59)}`, team: 'x' });
});

test('an error about a want delays the next one, and does not end the session', async () => {
  grid.grants = false;
  grid.addJob({ units: 1 });
  const { agent } = await join(grid);
  await grid.until(() => grid.of('want').length === 1);
  const about = grid.of('want')[0]?.id ?? 0;
  grid.send({ type: 'notice', code: 'internal', text: 'oh', about });
  grid.grants = true;
  await grid.until(() => grid.reported.length === 1);
  expect(grid.sessions).toBe(1);
  expect(agent.status().connected).toBe(true);
}, 15_000);

test('more than one lease may come for a want', async () => {
  grid.grants = false;
  const { jobId } = grid.addJob({ units: 10 });
  const { sandbox } = await join(grid, new HeldSandbox(), { cores: 1 });
  await grid.until(() => grid.of('want').length === 1);
  grid.grantMany(jobId, [[1], [7]]);
  for (const unit of [1, 7]) {
    await expect.poll(() => sandbox.started.at(-1)?.id).toMatch(new RegExp(`/${unit}$`));
    sandbox.end(unit, success('x'));
  }
  await grid.until(() => grid.reported.length === 2);
});

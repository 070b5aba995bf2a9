/**
 * Volunteers that lie, each in a way of its own, among some that do not: real workers in processes of their own.
 * They are found and get nothing more, what they said is computed again, and what they were to be paid is nobody's.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { oddPrimes } from '../../jobs/mersenne/job.ts';
import { lucasLehmerTerm, res64 } from '../../jobs/mersenne/oracle.ts';
import type { HostList, HostView } from '../../protocol/hosts.ts';
import type { Standing } from '../../protocol/http.ts';
import type { LedgerEnd } from '../../protocol/ledger.ts';
import type { WhyView } from '../../protocol/why.ts';
import { GridProcesses, mersenneKernel } from './processes.ts';

/** Some seconds when the machine is idle; several times as long when everything else is tested as well. */
vi.setConfig({ testTimeout: 180_000 });

const ways = ['skips', 'bytes', 'fuel'];
/** Milliseconds each, and enough for everybody to have some. */
const exponents = oddPrimes(1000, 2000);

let grid: GridProcesses;
const liars: ChildProcess[] = [];
beforeEach(() => {
  grid = new GridProcesses();
});
afterEach(async () => {
  for (const liar of liars.splice(0)) {
    liar.kill('SIGKILL');
    if (liar.exitCode === null && liar.signalCode === null) await once(liar, 'exit');
  }
  await grid.dispose();
});

function startLiar(way: string): void {
  const program = join(import.meta.dirname, 'lying-worker.mjs');
  const env = { ...process.env, TMPDIR: join(grid.folder, 'tmp') };
  const args = [program, grid.url, join(grid.folder, way), way];
  liars.push(spawn(process.execPath, args, { stdio: 'inherit', env, cwd: grid.folder }));
}

const ask = async <T>(path: string): Promise<T> => (await (await grid.fetch(path)).json()) as T;
const hosts = async (): Promise<HostView[]> => (await ask<HostList>('/v1/hosts')).hosts;
const named = async (...names: string[]): Promise<HostView[]> =>
  (await hosts()).filter(({ name }) => names.includes(name));

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await wait(50);
}

/** As anybody can tell who has computed it too, by other means. */
const truth = new Map(exponents.map((p) => [p, res64(lucasLehmerTerm(p))]));
const wrongIn = async (jobId: string): Promise<unknown[]> =>
  (await grid.results(jobId)).filter(({ params, output }) => {
    const exponent = params['p'];
    const prime = truth.get(Number(exponent)) === '0000000000000000';
    const right = { exponent, prime, res64: truth.get(Number(exponent)) };
    const { iterations, ...said } = output as Record<string, unknown>;
    return JSON.stringify(said) !== JSON.stringify(right) || iterations !== Number(exponent) - 2;
  });

test('[T1] [T2] [C3] volunteers that skip the work, change its bytes or its fuel are found, and all results are right in the end', async () => {
  await grid.startCoordinator({ args: ['--anchor'] });
  grid.startVolunteer('honest');
  for (const way of ways) startLiar(way);
  await until(async () => (await named('anchor', 'honest', ...ways)).length === 5);
  const wasm = readFileSync(mersenneKernel);
  const kernel = `sha256:${createHash('sha256').update(wasm).digest('hex')}`;
  await grid.put(kernel, wasm);
  const jobIds: string[] = [];
  // Whoever computes nothing is the fastest: the others may need another job to have a part in.
  const areFound = async () =>
    (await named(...ways)).every(({ repute, wrong }) => repute === 'quarantined' && wrong >= 3);
  const compute = async () => {
    const jobId = await grid.submit({
      name: 'some of it invented',
      kernel,
      units: { sweep: { p: exponents } },
      run: { args: ['--exponent', '{p}'] },
    });
    await grid.until(jobId, ({ state }) => state === 'complete');
    return jobId;
  };
  while (!(await areFound())) {
    jobIds.push(await compute());
    for (let i = 0; i < 40 && !(await areFound()); i++) await wait(50);
  }

  // What is computed now is computed by the honest, so its fuel is the truth as well.
  const fuel = JSON.stringify(await fuelIn(await compute()));
  for (const jobId of jobIds) {
    await until(async () => (await wrongIn(jobId)).length === 0);
    await until(async () => JSON.stringify(await fuelIn(jobId)) === fuel);
  }
  const found = await named(...ways);
  for (const { hostId } of found) {
    expect(await ask<WhyView>(`/v1/hosts/${hostId}/why`)).toMatchObject({ reason: 'quarantined' });
  }
  const ids = found.map(({ accountId }) => accountId);
  const isTheirs = (text: string) => ids.some((id) => text.includes(id));
  await until(async () => !Object.keys(await balances()).some(isTheirs));
  const { standings } = await ask<{ standings: Standing[] }>('/v1/leaderboard');
  expect(standings.filter(({ accountId }) => isTheirs(accountId))).toEqual([]);
  expect((await named('anchor', 'honest')).map(({ wrong }) => wrong)).toEqual([0, 0]);
  const verified = await grid.run('ledger', 'verify', '--token-file', grid.tokenPath);
  expect(verified).toMatchObject({ code: 0, stderr: '' });
});

const fuelIn = async (jobId: string): Promise<string[]> =>
  (await grid.results(jobId)).map(({ fuel }) => fuel);

async function balances(): Promise<Record<string, string>> {
  const text = await (await grid.fetch('/v1/ledger')).text();
  return (JSON.parse(text.trimEnd().split('\n').at(-1) ?? '') as LedgerEnd).end.balances;
}

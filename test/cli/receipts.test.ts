/**
 * The books at the command line, against a real coordinator and a volunteer of the contract: the ledger
 * verified, receipts downloaded and checked without the grid, a unit's credit explained. And every way
 * in which receipts may be forged.
 */
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RealGrid, startRealGrid } from '../support/real-grid.ts';
import { joinVolunteer, newKeys, unitsOf } from '../support/volunteer.ts';
import { manyhands, temporaryFolder } from './manyhands.ts';

const home = temporaryFolder();
const file = join(home, 'receipts.jsonl');
const account = generateKeyPairSync('ed25519');
let grid: RealGrid;
let jobId = '';

const cli = (...args: string[]) =>
  manyhands(args, { home, env: { MANYHANDS_URL: grid.url, MANYHANDS_TOKEN: grid.token } });

beforeAll(async () => {
  grid = await startRealGrid();
  mkdirSync(join(home, 'worker'));
  const pem = account.privateKey.export({ format: 'pem', type: 'pkcs8' });
  writeFileSync(join(home, 'worker', 'account.pem'), pem);
  jobId = await grid.submit(40);
});

afterAll(() => grid.stop());

test('a volunteer computes a job, and downloads receipts now and then', async () => {
  const host = await joinVolunteer(grid.url, { keys: newKeys(account) });
  let done = 0;
  while (done < 40) {
    for (const lease of await host.want(20)) {
      await host.finish([lease]);
      done += unitsOf(lease).length;
    }
    // Receipts of several steps.
    expect((await cli('receipts', '--data', 'worker', '--out', file)).code).toBe(0);
  }
  await expect.poll(async () => (await grid.standings())[0]?.units).toBe(40);
});

describe('manyhands ledger', () => {
  test('[C1] verify replays every entry, and says so', async () => {
    const { code, stdout } = await cli('ledger', 'verify', '--json');
    expect(code).toBe(0);
    const found = JSON.parse(stdout);
    expect(found).toMatchObject({ ok: true, units: 40 });
    expect(found.entries).toBeGreaterThan(0);
    expect((await cli('ledger', 'verify')).stdout).toMatch(/entries, all in order/);
  });

  test('show prints each entry, and the balances', async () => {
    const lines = (await cli('ledger', 'show')).stdout.trim().split('\n');
    const { end } = JSON.parse(lines.at(-1) ?? '');
    expect(end.number).toBe(lines.length - 1);
    expect(Object.keys(end.balances)).toContain('mint');
  });

  test('is for operators only', async () => {
    const token = await grid.makeToken('submit', 'read');
    const reply = await grid.fetch('/v1/ledger', { headers: { authorization: `Bearer ${token}` } });
    expect(reply.status).toBe(403);
  });
});

describe('manyhands why credit', () => {
  test('tells the unit’s fuel, rate and entry, and that it is pending', async () => {
    await cli('receipts', '--data', 'worker', '--out', file);
    const found = JSON.parse((await cli('why', 'credit', `${jobId}/7`, '--json')).stdout);
    expect(found).toMatchObject({ jobId, unit: 7, state: 'pending', fuelPerMicro: '1000000' });
    expect(found.creditMicro).toBe(`${BigInt(found.fuel) / 1_000_000n}`);
    expect(found.paid.receipt).toBeGreaterThan(0);
    expect((await cli('why', 'credit', `${jobId}/7`)).stdout).toMatch(/rounded down/);
  });

  test('of what is no unit is a clear error', async () => {
    expect(await cli('why', 'credit', `${jobId}/40`)).toMatchObject({ code: 4 });
    expect(await cli('why', 'credit', 'j0000000000000000/1')).toMatchObject({ code: 4 });
    expect(await cli('why', 'credit', 'unit')).toMatchObject({ code: 2 });
  });
});

describe('manyhands receipts', () => {
  const verify = (...args: string[]) => cli('receipts', 'verify', ...args);
  const lines = () => readFileSync(file, 'utf8').trimEnd().split('\n');
  const key = async () => JSON.parse(await (await fetch(`${grid.url}/v1/grid`)).text()).publicKey;

  async function forged(change: (lines: string[]) => string[]): Promise<string> {
    const path = join(home, 'forged.jsonl');
    writeFileSync(path, `${change(lines()).join('\n')}\n`);
    const { code, stderr } = await verify(path, '--key', await key());
    expect(code).toBe(5);
    expect(stderr).toContain('error[receipts_forged]');
    return stderr;
  }

  test('[C4] are checked with the grid’s key, also when no grid is there', async () => {
    await cli('receipts', '--data', 'worker', '--out', file);
    const offline = await manyhands(['receipts', 'verify', file, '--key', await key(), '--json'], {
      home,
      env: { MANYHANDS_URL: 'http://127.0.0.1:1' },
    });
    expect(offline.code).toBe(0);
    const row = (await grid.standings())[0];
    const { accountId, creditMicro } = row ?? {};
    expect(JSON.parse(offline.stdout)).toMatchObject({ accountId, units: 40, creditMicro });
    expect((await verify(file)).stdout).toMatch(/for 40 units/);
  });

  test('[C4] that were changed are refused, with the line at fault', async () => {
    await cli('receipts', '--data', 'worker', '--out', file);
    const last = lines().length;
    expect(last).toBeGreaterThan(3);
    expect(
      await forged(([heading = '', first = '', ...rest]) => [
        heading,
        first.replace(/"micro":"\d+"/, '"micro":"99"'),
        ...rest,
      ]),
    ).toContain('line 3: it does not name the receipt before');
    expect(await forged((all) => all.toSpliced(1, 1))).toContain(
      'line 2: receipt 1 should be here',
    );
    expect(await forged((all) => all.toSpliced(2, 0, all[2] ?? ''))).toContain('line 4: receipt 3');
    expect(await forged((all) => all.toSpliced(-2, 1))).toContain(`line ${last - 1}:`);
    expect(await forged((all) => all.slice(0, -1))).toContain('without a signed end');
    expect(
      await forged((all) => all.with(-2, (all.at(-2) ?? '').replace(/\[\[\d+,/, '[[999,'))),
    ).toContain(`line ${last}: another last receipt`);
    expect(
      await forged((all) => all.with(-1, (all.at(-1) ?? '').replace(/"at":\d/, '"at":9'))),
    ).toContain(`line ${last}: the signature`);
    expect(
      await forged((all) =>
        all.with(0, (all[0] ?? '').replace(/"a\w{16}"/, '"a0123456789abcdef"')),
      ),
    ).toContain('the signature');
    expect(await forged((all) => all.with(1, 'not JSON'))).toContain(
      'line 2: it is no line of receipts',
    );
  });

  test('[C4] of another grid’s key are refused', async () => {
    const other = generateKeyPairSync('ed25519').publicKey.export({ format: 'der', type: 'spki' });
    const { code, stderr } = await verify(file, '--key', other.subarray(-32).toString('base64url'));
    expect(code).toBe(5);
    expect(stderr).toContain('the signature is not that of the grid’s key');
    expect(await verify(file, '--key', 'short')).toMatchObject({ code: 2 });
  });

  test('are given to the account’s owner alone', async () => {
    const bare = await fetch(`${grid.url}/v1/receipts`);
    expect(bare.status).toBe(401);
    const stale = `Account ${'A'.repeat(43)}.1000.${'A'.repeat(86)}`;
    const reply = await fetch(`${grid.url}/v1/receipts`, { headers: { authorization: stale } });
    expect(await reply.text()).toMatch(/set the clock right/);
    const raw = account.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
    const own = raw.toString('base64url');
    const unsigned = `Account ${own}.${Date.now()}.${'A'.repeat(86)}`;
    const refused = await fetch(`${grid.url}/v1/receipts`, {
      headers: { authorization: unsigned },
    });
    expect(await refused.text()).toMatch(/is not that key/);
    expect(await cli('receipts', '--data', 'nowhere')).toMatchObject({ code: 4 });
  });
});

/** Two machines of one person at the command line. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { manyhands, type Running, startManyhands, temporaryFolder } from './manyhands.ts';

const home = temporaryFolder();
let coordinator: Running;
let url = '';
const start = (...args: string[]) => startManyhands(args, { home, env: { MANYHANDS_URL: url } });
const cli = (...args: string[]) => manyhands(args, { home, env: { MANYHANDS_URL: url } });
const accountOf = async (folder: string, ...args: string[]): Promise<string> => {
  const worker = start('join', url, '--data', folder, '--json', ...args);
  const { accountId } = JSON.parse(
    `{"type":"connected"${await worker.line('{"type":"connected"')}`,
  );
  worker.kill('SIGTERM');
  await worker.ended;
  return accountId;
};

beforeAll(async () => {
  coordinator = startManyhands(['coordinator', '--port', '0', '--data', 'grid'], { home });
  url = await coordinator.line('ready ');
});
afterAll(async () => {
  coordinator?.kill('SIGTERM');
  await coordinator?.ended;
});

test('link shows a code, and the machine that joins with it earns for the same account', async () => {
  const accountId = await accountOf('first');
  const offering = start('link', '--data', 'first');
  await offering.line('On the other machine:');
  const code = offering.output().stdout.trim();
  expect(code).toMatch(/^\w{4}-\w{4}$/);
  expect(await accountOf('second', '--code', code)).toBe(accountId);
  const { code: ended, stderr } = await offering.ended;
  expect(stderr).toMatch(/Linked: [a-z]+-[a-z]+-\d\d earns for this account now\./);
  expect(ended).toBe(0);
  expect(existsSync(join(home, 'second/account.pem'))).toBe(false);
  expect(await accountOf('second')).toBe(accountId);

  const replayed = await cli('link', code, '--data', 'third');
  expect(replayed.stderr).toMatch(/error\[link_used\].*\n.*\n {2}do: {2}.*manyhands link/);
  expect(replayed.code).toBe(5);
  const chained = await cli('link', '--data', 'second');
  expect(chained.stderr).toMatch(/error\[account_elsewhere\]/);
  expect(chained.code).toBe(2);
});

test('[V2] link CODE takes a machine over that had an account of its own, whose key stays', async () => {
  const [accountId, own] = [await accountOf('main'), await accountOf('laptop')];
  const key = readFileSync(join(home, 'laptop/account.pem'), 'utf8');
  const offering = start('link', '--data', 'main');
  await offering.line('On the other machine:');
  const linked = await cli('link', offering.output().stdout.trim(), '--data', 'laptop');
  expect(linked.stderr).toContain(`Linked. Lend this machine with: manyhands join ${url}`);
  await offering.ended;
  expect(await accountOf('laptop')).toBe(accountId);
  expect(accountId).not.toBe(own);
  expect(readFileSync(join(home, 'laptop/account.pem'), 'utf8')).toBe(key);

  // The key that is left is not the account's that it earns for: nothing is asked in its name.
  const receipts = await cli('receipts', '--data', 'laptop');
  expect(JSON.parse(receipts.stdout.split('\n')[0] ?? '')).toMatchObject({ accountId });
  const chained = await cli('link', '--data', 'laptop');
  expect(chained.stderr).toMatch(/error\[account_elsewhere\].*\n.*it was linked to an account/);
  expect(chained.code).toBe(2);
});

test('a code that was never given is unknown: 4, and what to do', async () => {
  const { code, stderr } = await cli('link', '0000-0000', '--data', 'nobody');
  expect(stderr).toMatch(/error\[link_unknown\].*\n.*\n {2}do: {2}check the code and the address/);
  expect(code).toBe(4);
});

/** What an operator does at the command line, and what a scientist meets with the token they got. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditEntrySchema } from '../../protocol/audit.ts';
import { freshTokenSchema, tokenViewSchema } from '../../protocol/tokens.ts';
import { manyhands, type Running, root, startManyhands, temporaryFolder } from './manyhands.ts';

const home = temporaryFolder();
let coordinator: Running;
let url = '';
const cli = (...args: string[]) => manyhands(args, { home, env: { MANYHANDS_URL: url } });
const json = async (...args: string[]) => JSON.parse((await cli(...args, '--json')).stdout);
const withToken = (token: string, ...args: string[]) =>
  manyhands(args, { home, env: { MANYHANDS_URL: url, MANYHANDS_TOKEN: token } });

beforeAll(async () => {
  coordinator = startManyhands(['coordinator', '--port', '0', '--data', 'grid'], { home });
  url = await coordinator.line('ready ');
  const document = {
    name: 'theirs',
    kernel: join(root, 'dist/jobs/mersenne/kernel.wasm'),
    units: { sweep: { p: [3, 5] } },
    run: { args: ['--exponent', '{p}'] },
    public: false,
  };
  writeFileSync(join(home, 'job.json'), JSON.stringify(document));
});
afterAll(async () => {
  coordinator?.kill('SIGTERM');
  await coordinator?.ended;
});

describe('token', () => {
  test('create prints the secret alone on stdout, so that it goes into a file', async () => {
    const { code, stdout, stderr } = await cli('token', 'create', '--scopes', 'submit');
    expect(stdout).toMatch(/^mh_[\w-]{43}\n$/);
    expect(stderr).toMatch(/^Token k\S+ for a\S+\. It is not shown again\./);
    expect(code).toBe(0);
  });

  test('list shows what there is, without secrets, and the end of each', async () => {
    const made = freshTokenSchema.parse(
      await json('token', 'create', '--scopes', 'read', '--name', 'board', '--expires', '90d'),
    );
    const listed = (await json('token', 'list')).map((view: unknown) =>
      tokenViewSchema.parse(view),
    );
    expect(listed[0]).toMatchObject({ name: 'operator', scopes: ['operate'], state: 'valid' });
    expect(listed.at(-1)).toMatchObject({ tokenId: made.tokenId, expiresAt: made.expiresAt });
    const { stdout } = await cli('token', 'list');
    expect(stdout).toContain(`${made.tokenId}  board `);
    expect(stdout).not.toContain(made.token);
  });

  test('of another scientist ends with 5 and says who may; a revoked one says whom to ask', async () => {
    const [ada, bob] = [
      await json('token', 'create', '--scopes', 'submit'),
      await json('token', 'create', '--scopes', 'submit,read'),
    ];
    const submitted = await withToken(ada.token, 'submit', 'job.json', '--json');
    const { jobId } = JSON.parse(submitted.stdout);
    for (const line of [
      ['cancel', jobId],
      ['results', jobId],
    ]) {
      const { code, stderr } = await withToken(bob.token, ...line);
      expect(stderr).toMatch(/error\[forbidden\].*\n.*its owner may, and operators/);
      expect(code).toBe(5);
    }
    expect((await withToken(ada.token, 'cancel', jobId)).code).toBe(0);

    const revoked = await cli('token', 'revoke', bob.tokenId, '--reason', 'left the lab');
    expect(revoked.stderr).toBe(
      `Token ${bob.tokenId} is revoked. Its jobs stay, and belong to ${bob.accountId}.\n`,
    );
    const { code, stderr } = await withToken(bob.token, 'results', jobId);
    expect(stderr).toMatch(/error\[token_revoked\].*\n.*\n {2}do: {2}ask the operator/);
    expect(code).toBe(5);
  });

  test('that is unknown cannot be revoked: 4, and where to look', async () => {
    const { code, stderr } = await cli('token', 'revoke', 'k0000000000000000');
    expect(stderr).toMatch(/error\[token_unknown\].*\n.*\n.*manyhands token list/);
    expect(code).toBe(4);
  });
});

test('audit-log shows what was done, newest last; --json a line for each', async () => {
  const { stdout } = await cli('audit-log', '--json');
  const entries = stdout
    .trimEnd()
    .split('\n')
    .map((line) => auditEntrySchema.parse(JSON.parse(line)));
  expect(entries.at(-1)).toMatchObject({ act: 'token_revoke', reason: 'left the lab' });
  const [last] = (await cli('audit-log', '--last', '1')).stdout.trimEnd().split('\n').slice(1);
  expect(last).toMatch(/ operator {2}token_revoke {2}k\S+ .* left the lab$/);
});

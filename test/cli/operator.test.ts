/** What an operator does at the command line, and what a scientist meets with the token they got. */
import { execFileSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
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
  writeFileSync(join(home, 'public.json'), JSON.stringify({ ...document, public: true }));
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

  test('of another scientist ends with 5 and says who may, with 4 for a private job; a revoked one says whom to ask', async () => {
    const [ada, bob] = [
      await json('token', 'create', '--scopes', 'submit'),
      await json('token', 'create', '--scopes', 'submit,read'),
    ];
    const submit = async (file: string) =>
      JSON.parse((await withToken(ada.token, 'submit', file, '--json')).stdout).jobId;
    const [jobId, publicId] = [await submit('job.json'), await submit('public.json')];
    const forbidden = await withToken(bob.token, 'cancel', publicId);
    expect(forbidden.stderr).toMatch(/error\[forbidden\].*\n.*its owner may, and operators/);
    expect(forbidden.code).toBe(5);
    for (const command of ['cancel', 'results', 'show', 'why']) {
      const { code, stderr } = await withToken(bob.token, command, jobId);
      expect(stderr).toContain('error[job_unknown]');
      expect(code).toBe(4);
    }
    expect((await withToken(ada.token, 'cancel', publicId)).code).toBe(0);
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

describe('job', () => {
  test('pause holds a job back until resume, and show says who paused it and why', async () => {
    const { jobId } = await json('submit', 'job.json');
    const paused = await cli('job', 'pause', jobId, '--reason', 'a look first');
    expect(paused.stderr).toContain(`Go on with \`manyhands job resume ${jobId}\`.`);
    expect((await json('show', jobId)).state).toBe('paused');
    expect((await cli('show', jobId)).stdout).toContain(
      'paused: its owner paused it (a look first)',
    );
    expect((await cli('why', `${jobId}/1`)).stdout).toBe(
      'paused: The job is paused: `manyhands job resume` lets it go on.\na look first\n',
    );
    const resumed = await cli('job', 'resume', jobId);
    expect((await json('why', jobId)).reason).toBe('no_hosts');
    expect(resumed.stderr).toBe(`Job ${jobId} goes on.\n`);
    expect((await json('show', jobId)).state).toBe('open');
    expect((await json('job', 'curate', jobId)).curated).toBe(true);
    expect((await json('job', 'cancel', jobId)).state).toBe('cancelled');
    const { code, stderr } = await cli('job', 'pause', jobId);
    expect(stderr).toMatch(/error\[job_over\]/);
    expect(code).toBe(2);
  });

  test('is exported into a folder that can be checked anywhere, and nothing is written over', async () => {
    const { jobId } = await json('submit', 'job.json');
    const exported = await json('job', 'export', jobId, '--out', 'old');
    expect(exported).toMatchObject({ jobId, folder: join('old', jobId), results: 0 });
    const folder = join(home, 'old', jobId);
    expect(readdirSync(folder).sort()).toEqual([
      'SHA256SUMS',
      'artifacts',
      ...['document.json', 'job.json', 'results.jsonl', 'revocations.jsonl'],
    ]);
    execFileSync('sha256sum', ['-c', '--quiet', 'SHA256SUMS'], { cwd: folder });
    const again = await cli('job', 'export', jobId, '--out', 'old');
    expect(again.stderr).toMatch(/error\[file_unsuitable\].*\n {2}why: there is something/);
    expect(again.code).toBe(2);
    expect(readdirSync(join(home, 'old'))).toEqual([jobId]);
    await cli('cancel', jobId);
  });

  test('is not removed before all of it is final', async () => {
    const { jobId } = await json('submit', 'job.json');
    const { code, stderr } = await cli('job', 'remove', jobId, '--reason', 'not needed');
    expect(stderr).toMatch(/error\[job_held\]/);
    expect(code).toBe(2);
    expect((await json('show', jobId)).state).toBe('open');
    await cli('cancel', jobId);
  });

  test('of a disabled kernel is refused with 5, and one that waits says why', async () => {
    const { jobId } = await json('submit', 'job.json');
    const digest = (await json('show', jobId, '--document')).kernel;
    await cli('kernel', 'disable', digest, '--reason', 'wrong constants');
    expect((await json('kernel', 'disabled'))[0]).toMatchObject({ digest });
    const { code, stderr } = await cli('submit', 'job.json');
    expect(stderr).toMatch(/error\[kernel_disabled\].*\n {2}why: wrong constants\n/);
    expect(code).toBe(5);
    const resumed = await cli('job', 'resume', jobId);
    expect(resumed.stderr).toContain('still paused: an operator disabled its kernel (wrong');
    await cli('kernel', 'enable', digest);
    expect((await json('show', jobId)).state).toBe('open');
    await cli('cancel', jobId);
  });
});

describe('host', () => {
  test('ban ends a worker at once with 5, and tells the volunteer why', async () => {
    const worker = startManyhands(['join', url, '--data', 'worker'], { home });
    await worker.line('20');
    const { hosts } = await json('host', 'list');
    const { hostId } = hosts[0];
    expect((await cli('host', 'ban', hostId, '--reason', 'returns noise')).code).toBe(0);
    const { code, stderr } = await worker.ended;
    expect(stderr).toMatch(/error\[forbidden\].*\n {2}why: An operator has banned.*returns noise/);
    expect(code).toBe(5);
    expect((await cli('host', 'list')).stdout).toMatch(new RegExp(`${hostId} .*returns noise`));
    await cli('host', 'unban', hostId);
    expect(await json('host', 'list')).toMatchObject({ connected: 0, bans: [], more: null });
    const again = await cli('host', 'unban', hostId);
    expect(again.stderr).toMatch(/error\[ban_unknown\].*\n.*\n.*manyhands host list/);
    expect(again.code).toBe(4);
  });
});

test('a team that does not exist ends join with 4, and says what to do', async () => {
  const { code, stderr } = await cli('join', url, '--data', 'worker', '--team', 'nobody');
  expect(stderr).toMatch(/error\[team_unknown\].*\n {2}why: No team has that name.*`team create`/);
  expect(code).toBe(4);
  const shown = await cli('team', 'show', 'nobody');
  expect(shown.stderr).toMatch(/error\[team_unknown\].*\n.*\n.*manyhands team create/);
  expect(shown.code).toBe(4);
  const idle = await cli('team', 'create', 'early birds', '--data', 'worker');
  expect(idle.stderr).toMatch(/error\[forbidden\].*\n.*computed a unit: join first/);
  expect(idle.code).toBe(5);
});

test('balance shows what a token’s account may spend, and what a worker’s has earned', async () => {
  const { token, accountId } = await json('token', 'create', '--scopes', 'submit');
  const { jobId } = JSON.parse((await withToken(token, 'submit', 'job.json', '--json')).stdout);
  expect(JSON.parse((await withToken(token, 'balance', '--json')).stdout)).toEqual({
    accountId,
    pendingMicro: '0',
    availableMicro: '0',
    scientistMicro: '1000000000',
    escrowMicro: '0',
    owedMicro: '0',
  });
  expect((await withToken(token, 'balance')).stdout).toMatch(
    /^jobs +1,000.* to spend on your jobs/,
  );
  await withToken(token, 'cancel', jobId);
  const own = JSON.parse((await cli('balance', '--worker', '--data', 'worker', '--json')).stdout);
  expect(own).toMatchObject({ pendingMicro: '0', scientistMicro: '0' });
  expect(own.accountId).not.toBe(accountId);
  const stranger = await withToken('mh_guessed', 'balance');
  expect(stranger.stderr).toContain('error[unauthorized]');
  expect(stranger.code).toBe(5);
});

test('settings shows the mint’s daily budget, and sets it', async () => {
  expect((await cli('settings')).stdout).toMatch(
    /^mint-daily {2}no limit\nminted {6}0[.0]* credits today\nallowance {3}1,000 credits/,
  );
  await cli('settings', '--mint-daily', '2500.5');
  expect(await json('settings')).toMatchObject({ mintDailyMicro: '2500500000' });
  expect((await cli('settings', '--mint-daily', 'none')).stdout).toContain(
    'mint-daily  no limit\n',
  );
});

test('audit-log shows what was done, newest last; --json a line for each', async () => {
  const { stdout } = await cli('audit-log', '--json');
  const entries = stdout
    .trimEnd()
    .split('\n')
    .map((line) => auditEntrySchema.parse(JSON.parse(line)));
  expect(entries).toContainEqual(
    expect.objectContaining({ act: 'token_revoke', reason: 'left the lab' }),
  );
  const [last] = (await cli('audit-log', '--last', '1')).stdout.trimEnd().split('\n').slice(1);
  expect(last).toMatch(/ operator {2}settings_change {2}mintDailyMicro {2}none/);
});

import { describe, expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { manyhands, temporaryFolder } from './manyhands.ts';

const home = temporaryFolder();
const help = async (path: string[]) => (await manyhands([...path, '--help'], { home })).stdout;

/** The subcommands that a help text lists. */
const listed = (text: string): string[] =>
  [...(text.split('\nCommands:\n')[1]?.split('\n\n')[0] ?? '').matchAll(/^ {2}([a-z-]+)/gm)]
    .map((match) => match[1] ?? '')
    .filter((name) => name !== 'help');

const top = listed(await help([]));
const below = (
  await Promise.all(top.map(async (name) => [name, listed(await help([name]))] as const))
).flatMap(([name, inner]) => [[name], ...inner.map((second) => [name, second])]);

describe('--help', () => {
  test('lists what CLI users rely on', () => {
    const promised = [
      ...['demo', 'coordinator', 'join', 'submit', 'watch', 'show', 'list'],
      ...['results', 'cancel', 'run', 'leaderboard', 'kernel'],
    ];
    expect(top).toEqual(expect.arrayContaining(promised));
  });

  test.each([[[]], ...below.map((path) => [path])])(
    'of `manyhands %s` has examples and fits in 80 columns',
    async (path) => {
      const { code, stdout, stderr } = await manyhands([...path, '--help'], { home });
      expect(code).toBe(0);
      expect(stderr).toBe('');
      expect(stdout).toMatch(/\nExamples:\n {2}\S/);
      expect(stdout.split('\n').filter((line) => [...line].length > 80)).toEqual([]);
    },
  );
});

describe('--version', () => {
  test('names the version, the protocol and Node', async () => {
    const { code, stdout } = await manyhands(['--version'], { home });
    expect(code).toBe(0);
    expect(stdout).toBe(`manyhands ${packageJson.version} (protocol 1, Node ${process.version})\n`);
  });
});

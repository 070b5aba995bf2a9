/** Every way to hold the command wrong: three lines, a stable code, and the exit code that goes with it. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { documentExample } from '../../protocol/examples.ts';
import { manyhands, temporaryFolder } from './manyhands.ts';

const home = temporaryFolder();
/** Nothing listens on port 9 of this machine: it is reserved for a service that discards. */
const env = { MANYHANDS_URL: 'http://127.0.0.1:9' };

const write = (name: string, text: string): string => {
  writeFileSync(join(home, name), text);
  return name;
};
const job = (name: string, change: object): string =>
  write(name, JSON.stringify({ ...documentExample, ...change }));

write('broken.json', '{\n  "name": "x",\n  "kernel" "y"\n}');
write('list.json', '[]');
job('wrong.json', { name: '', priority: 500 });
job('unserved.json', { deadline: '2030-01-01T00:00:00Z' });
job('no-kernel.json', { kernel: 'absent.wasm' });
job('other-language.json', { kernel: write('kernel.cobol', '') });
mkdirSync(join(home, 'folder'));
chmodSync(join(home, write('secret.json', '{}')), 0);
write('no.wasm', 'this is no WebAssembly');

/** arguments, exit code, stable code, words of the three lines */
const mistakes: [string, number, string, RegExp][] = [
  ['', 2, 'usage', /No command.*\n.*\n.*manyhands --help/],
  ['sumbit', 2, 'usage', /'sumbit'\n.*submit\?/],
  ['list --jsn', 2, 'usage', /'--jsn'\n.*--json\?\n.*manyhands list --help/],
  ['watch', 2, 'usage', /argument 'job'/],
  ['results', 2, 'usage', /argument 'job'/],
  ['results j --format xml', 2, 'usage', /'xml' is invalid\.\n.*jsonl, csv, files/],
  ['results j --format files', 2, 'usage', /folder to go to\.\n.*without --out/],
  ['list more', 2, 'usage', /too many arguments/i],
  ['list --url ftp://x', 2, 'usage', /ftp:\/\/x.*\n.*http/],
  ['watch j --timeout soon', 2, 'usage', /"soon".*\n.*s, m, h or d/],
  ['join nowhere', 2, 'usage', /"nowhere"/],
  ['join http://127.0.0.1:9 --cores 0', 2, 'usage', /"0".*cores/],
  ['join http://127.0.0.1:9 --cores 101%', 2, 'usage', /"101%".*cores/],
  ['join http://127.0.0.1:9 --max-units many', 2, 'usage', /"many"/],
  ['coordinator --port 65536', 2, 'config_invalid', /--port is "65536": .* 0 to 65535/],
  ['run no.wasm --env NAME', 2, 'usage', /"NAME".*--env/],
  ['run no.wasm --file x=no.wasm', 2, 'usage', /begins with \//],
  ['run no.wasm --file /../x=no.wasm', 2, 'usage', /no \.\./],
  ['run no.wasm --fuel-max 0', 2, 'usage', /--fuel-max/],
  ['run no.wasm', 2, 'kernel_refused', /not_wasm at byte 0/],
  ['kernel', 2, 'usage', /No command/],
  ['kernel build kernel.cobol -o x.wasm', 2, 'kernel_unbuildable', /\.ts/],
  ['kernel build kernel.cobol', 2, 'usage', /--out/],
  ['token create', 2, 'usage', /--scopes/],
  [
    'token create --scopes admin',
    2,
    'usage',
    /"admin" is no scope.*\n.*read, submit, metrics, operate/,
  ],
  ['token create --scopes read --expires soon', 2, 'usage', /"soon".*\n.*s, m, h or d/],
  ['token revoke', 2, 'usage', /argument 'id'/],
  ['audit-log --last none', 2, 'usage', /"none".*--last/],
  ['backup', 2, 'usage', /argument 'folder'/],
  ['restore absent', 2, 'usage', /--data/],
  ['restore absent --data new', 4, 'backup_unknown', /no backup\.json/],
  ['team create', 2, 'usage', /argument 'name'/],
  ['settings --mint-daily lots', 2, 'usage', /"lots".*\n.*six decimals/],
  ['job pause', 2, 'usage', /argument 'job'/],
  ['host ban', 2, 'usage', /argument 'id'/],
  ['submit broken.json', 2, 'bad_document', /line 3, column 12/],
  ['submit list.json', 2, 'bad_document', /no JSON object/],
  [
    'submit wrong.json',
    2,
    'bad_document',
    /name: expected a name\n.*priority: expected at most 100/,
  ],
  ['submit unserved.json', 2, 'not_served_yet', /deadline: not served yet/],
  ['submit other-language.json', 2, 'kernel_unbuildable', /kernel\.cobol/],
  ['submit folder', 2, 'file_unsuitable', /it is a folder/],
  ['submit absent.json', 4, 'file_unknown', /absent\.json/],
  ['submit no-kernel.json', 4, 'file_unknown', /absent\.wasm/],
  ['run absent.wasm', 4, 'file_unknown', /absent\.wasm/],
  ['list --token-file absent', 4, 'file_unknown', /absent/],
  ['list', 6, 'unreachable', /127\.0\.0\.1:9\.\n.*\n.*manyhands coordinator.*--url/],
];

describe('a mistake', () => {
  test.concurrent.each(mistakes)(
    '`manyhands %s` ends with %i and error[%s]',
    async (line, exitCode, code, words) => {
      const {
        code: ended,
        stdout,
        stderr,
      } = await manyhands(line.split(' ').filter(Boolean), { home, env });
      expect(stderr).toContain(`error[${code}]: `);
      expect(stderr).toMatch(words);
      expect(ended).toBe(exitCode);
      expect(stdout).toBe('');
      // Without a command the help comes first.
      const [what, ...rest] = stderr.slice(stderr.indexOf('error[')).trimEnd().split('\n');
      expect(what).toMatch(/^error\[[a-z_]+\]: \S/);
      expect(rest.at(-1)).toMatch(/^ {2}do: {2}\S/);
      for (const why of rest.slice(0, -1)) expect(why).toMatch(/^ {2}why: ./);
      expect(rest.length).toBeGreaterThanOrEqual(2);
    },
  );

  test.skipIf(process.getuid?.() === 0)('a file that may not be read ends with 5', async () => {
    const { code, stderr } = await manyhands(['submit', 'secret.json'], { home, env });
    expect(stderr).toContain('error[file_forbidden]');
    expect(code).toBe(5);
  });

  test('shows our stack only when asked', async () => {
    const plain = await manyhands(['list'], { home, env });
    const debug = await manyhands(['list'], { home, env: { ...env, MANYHANDS_DEBUG: '1' } });
    expect(plain.stderr).not.toMatch(/\n\s+at /);
    expect(debug.stderr).toMatch(/\n\s+at /);
  });
});

describe('output', () => {
  test('has no escape character in a pipe, whatever the terminal is said to be', async () => {
    const commands = [['--help'], ['list'], ['run', 'no.wasm'], ['submit', 'wrong.json']];
    for (const args of commands) {
      const { stdout, stderr } = await manyhands(args, {
        home,
        env: { ...env, TERM: 'xterm-256color' },
      });
      expect(stdout + stderr).not.toContain('\u001b');
    }
  });

  test('is coloured with FORCE_COLOR, and not with NO_COLOR', async () => {
    const forced = await manyhands(['submit', 'wrong.json'], {
      home,
      env: { ...env, FORCE_COLOR: '1' },
    });
    expect(forced.stderr).toContain('\u001b[31merror[bad_document]\u001b[39m');
    const never = await manyhands(['submit', 'wrong.json'], {
      home,
      env: { ...env, NO_COLOR: '1' },
    });
    expect(never.stderr).not.toContain('\u001b');
  });
});
